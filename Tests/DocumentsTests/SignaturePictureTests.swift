import Core
import Documents
import Testing

/// A signature is cut to its strokes; an empty frame and a photograph of something else are none.
@Suite struct SignaturePictureTests {
  /// A picture of 320 × 120 in which `isInk` is dark.
  private func jpeg(_ isInk: (Int, Int) -> Bool, ground: UInt8 = 250) throws -> [UInt8] {
    var pixels: [UInt8] = []
    for y in 0..<120 { for x in 0..<320 { pixels += [UInt8](repeating: isInk(x, y) ? 15 : ground, count: 4) } }
    return try RasterImage(width: 320, height: 120, pixels: pixels).jpeg(quality: 95)
  }

  private func code(_ bytes: [UInt8]) -> String {
    do {
      _ = try SignaturePicture(bytes)
      return "none"
    } catch let refusal as Refusal {
      return refusal.code
    } catch {
      return "\(error)"
    }
  }

  @Test func strokesAreKeptAndTheGroundIsCutAway() throws {
    let stroke = { (x: Int, y: Int) in (100..<200).contains(x) && abs(y - x / 2) < 4 }
    let picture = try SignaturePicture(try jpeg(stroke, ground: 200))
    #expect((100...130).contains(picture.width) && (55...85).contains(picture.height))
    let drawn = try RasterImage(picture.png)
    #expect(drawn.width == picture.width && drawn.height == picture.height)
    // Black on white whatever the ground was.
    #expect(Set(drawn.pixels.enumerated().filter { $0.offset % 4 == 0 }.map(\.element)) == [0, 255])
    #expect(ImageMeasures(of: drawn).ink > 0.02)
  }

  /// What would be unpacked whole is refused by what it says of itself, before anything is.
  @Test func aHugePictureIsRefusedUnopened() {
    func head(_ width: UInt32, _ height: UInt32) -> [UInt8] {
      var png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      func add(_ number: UInt32) {
        for shift in [24, 16, 8, 0] { png.append(UInt8(truncatingIfNeeded: number >> shift)) }
      }
      add(13)
      png += Array("IHDR".utf8)
      add(width)
      add(height)
      return png + [1, 0, 0, 0, 0]
    }
    #expect(code(head(7000, 7000)) == "image-too-large")
    #expect(code(head(.max, .max)) == "image-too-large")
    // Small enough to be looked at, and found to break off.
    #expect(code(head(2000, 2000)) == "image-unsupported")
  }

  @Test func anEmptyFrameADotAndAPhotographAreNoSignatures() throws {
    #expect(code(try jpeg { _, _ in false }) == "signature-blank")
    #expect(code(try jpeg { x, y in (50..<60).contains(x) && (50..<60).contains(y) }) == "signature-blank")
    #expect(code(try jpeg { x, _ in x % 2 == 0 }) == "signature-unlike")
    #expect(code(Array("kein Bild".utf8)) == "image-unsupported")
  }
}
