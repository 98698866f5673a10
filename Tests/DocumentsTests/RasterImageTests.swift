import Core
import Documents
import Testing

/// Papers as pictures: what goes in comes out, and what is measured tells good scans from bad ones.
@Suite struct RasterImageTests {
  /// A page of print: rows of dark bars on paper.
  static func page(_ width: Int = 900, _ height: Int = 1200, paper: UInt8 = 245, print: UInt8 = 30) -> RasterImage {
    var pixels = [UInt8](repeating: paper, count: width * height * 4)
    for y in 100..<height - 100 where y % 24 < 10 {
      for x in 80..<width - 80 where (x / 6 + y / 24) % 3 != 0 {
        for channel in 0..<3 { pixels[(y * width + x) * 4 + channel] = print }
      }
    }
    return RasterImage(width: width, height: height, pixels: pixels)
  }

  /// Every pixel the mean of a square around it.
  static func blurred(_ image: RasterImage, radius: Int) -> RasterImage {
    var result = image.pixels
    for axis in 0..<2 {
      let source = result
      for y in 0..<image.height {
        for x in 0..<image.width {
          var sum = 0
          var count = 0
          for step in -radius...radius {
            let (a, b) = axis == 0 ? (x + step, y) : (x, y + step)
            guard a >= 0, b >= 0, a < image.width, b < image.height else { continue }
            sum += Int(source[(b * image.width + a) * 4])
            count += 1
          }
          for channel in 0..<3 { result[(y * image.width + x) * 4 + channel] = UInt8(sum / count) }
        }
      }
    }
    return RasterImage(width: image.width, height: image.height, pixels: result)
  }

  @Test func aJPEGComesBackAsItWas() throws {
    let image = RasterImageTests.page(300, 400)
    let back = try RasterImage(try image.jpeg(quality: 95))
    #expect(back.width == 300 && back.height == 400)
    let far = zip(image.pixels, back.pixels).enumerated().count {
      $0.offset % 4 != 3 && abs(Int($0.element.0) - Int($0.element.1)) > 40
    }
    #expect(far < 3000, "\(far) values are far off")
  }

  @Test func turningFourTimesChangesNothing() {
    let image = RasterImageTests.page(220, 300)
    let turned = image.turned(quarters: 1)
    #expect(turned.width == 300 && turned.height == 220)
    // The left edge below comes to the top.
    let corner = image.pixels[(299 * 220) * 4]
    #expect(turned.pixels[0] == corner)
    #expect(image.turned(quarters: 4).pixels == image.pixels)
    #expect(image.turned(quarters: 3).turned(quarters: 1).pixels.count == image.pixels.count)
  }

  @Test func aCameraHeldSidewaysIsSetUpright() throws {
    let jpeg = try RasterImageTests.page(300, 600).jpeg()
    // EXIF with the one tag 0x0112 = 6: turn right.
    let tiff: [UInt8] = [
      0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
    ]
    let body = Array("Exif\0\0".utf8) + tiff
    let marker: [UInt8] = [0xFF, 0xE1, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 0xFF)]
    let held = Array(jpeg.prefix(2)) + marker + body + Array(jpeg.dropFirst(2))
    let upright = try RasterImage(held)
    #expect(upright.width == 600 && upright.height == 300)
    #expect(try RasterImage(jpeg).width == 300)
  }

  @Test func aWatermarkReachesEveryQuarterOfThePage() throws {
    let image = RasterImageTests.page()
    let marked = try image.watermarked("东城派出所 王民警\n2026-11-21 10:00 DY2026000001")
    #expect(marked.width == image.width && marked.height == image.height)
    for (left, top) in [(0, 0), (450, 0), (0, 600), (450, 600)] {
      var changed = 0
      for y in top..<top + 600 {
        for x in left..<left + 450 {
          let at = (y * image.width + x) * 4
          if abs(Int(image.pixels[at]) - Int(marked.pixels[at])) > 12 { changed += 1 }
        }
      }
      #expect(changed > 500, "the quarter at \(left),\(top) carries no mark")
    }
  }

  @Test func measuresTellGoodScansFromBad() {
    let good = ImageMeasures(of: RasterImageTests.page())
    #expect(good.brightness > 120 && good.ink > 0.05 && good.sharpness > 60)
    let soft = ImageMeasures(of: RasterImageTests.blurred(RasterImageTests.page(), radius: 9))
    #expect(soft.sharpness < 30 && soft.sharpness < good.sharpness / 2)
    let dark = ImageMeasures(of: RasterImageTests.page(paper: 50, print: 5))
    #expect(dark.brightness < 60)
    let blank = ImageMeasures(of: RasterImageTests.page(print: 244))
    #expect(blank.ink < 0.001)
  }

  @Test func whatIsNoPictureIsRefused() {
    for bytes in [Array("%PDF-1.4".utf8), [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3], []] {
      #expect(throws: Refusal.self) { try RasterImage(bytes) }
    }
  }
}
