import Core

/// What somebody wrote with a finger, a pen or a mouse, or on paper before a camera (手写签名): black on white, cut to its
/// strokes, and nothing else of the picture that was sent — neither its ground nor what a camera wrote into it.
package struct SignaturePicture: Sendable {
  /// One bit a pixel.
  package let png: [UInt8]
  /// In pixels.
  package let width: Int
  package let height: Int

  /// Pixels of a PNG, which is unpacked whole: some hundred bytes of one colour could take hundreds of megabytes else.
  private static let maximumPixels = 4_000_000
  /// Longest side that is looked at; a photograph is drawn smaller first.
  private static let longest = 1200
  /// How much darker than the ground a stroke is.
  private static let step = 60
  /// White around the strokes, in pixels.
  private static let margin = 8
  /// The shares of the picture that strokes take: less is a dot, more is no signature.
  private static let ink = 0.0006...0.4

  /// - Throws: ``Refusal`` `signature-blank` when nothing is written, `signature-unlike` when it is no writing on a plain
  ///   ground, `image-unsupported`, `image-too-large`.
  package init(_ bytes: [UInt8]) throws {
    if let pixels = CairoSurface.pixels(png: bytes), pixels > SignaturePicture.maximumPixels {
      throw Refusal(
        .tooLarge, "image-too-large", "签名图片超过 400 万像素，没有采用。请在方框里签，或用手机拍成照片（JPEG）上传。", field: "signature")
    }
    let image = try RasterImage(bytes, longest: SignaturePicture.longest).fitted(SignaturePicture.longest)
    let luma = SignaturePicture.luminance(image)
    let ground = SignaturePicture.ground(luma)
    let isInk = luma.map { Int($0) + SignaturePicture.step < ground }
    let share = Double(isInk.count { $0 }) / Double(isInk.count)
    guard ground > SignaturePicture.step, share <= SignaturePicture.ink.upperBound else {
      throw Refusal(.unprocessable, "signature-unlike", "图片不像写在白底上的签名，没有采用。请在方框里签，或把签名写在白纸上重拍。", field: "signature")
    }
    guard share >= SignaturePicture.ink.lowerBound,
      let box = SignaturePicture.box(of: isInk, image.width, image.height), box.right - box.left >= 24,
      box.bottom - box.top >= 12
    else {
      throw Refusal(.unprocessable, "signature-blank", "方框里还没有签名，或笔画太少。请写上姓名后再提交。", field: "signature")
    }
    width = box.right - box.left + 1 + 2 * SignaturePicture.margin
    height = box.bottom - box.top + 1 + 2 * SignaturePicture.margin
    png = SignaturePicture.drawn(isInk, image.width, box, width: width, height: height)
  }

  private static func luminance(_ image: RasterImage) -> [UInt8] {
    var luma = [UInt8](repeating: 255, count: image.width * image.height)
    image.pixels.withUnsafeBufferPointer { pixels in
      for index in luma.indices {
        let (blue, green, red) = (Int(pixels[index * 4]), Int(pixels[index * 4 + 1]), Int(pixels[index * 4 + 2]))
        let sum = blue * 114 + green * 587 + red * 299
        luma[index] = UInt8(sum / 1000)
      }
    }
    return luma
  }

  /// The luminance that most of the picture has, looked at in steps of eight.
  private static func ground(_ luma: [UInt8]) -> Int {
    var histogram = [Int](repeating: 0, count: 32)
    for value in luma { histogram[Int(value) >> 3] += 1 }
    return (histogram.indices.max { histogram[$0] < histogram[$1] } ?? 31) * 8 + 7
  }

  private typealias Box = (left: Int, top: Int, right: Int, bottom: Int)

  private static func box(of isInk: [Bool], _ width: Int, _ height: Int) -> Box? {
    var box: Box?
    for y in 0..<height {
      for x in 0..<width where isInk[y * width + x] {
        let known = box ?? (x, y, x, y)
        box = (min(known.left, x), known.top, max(known.right, x), y)
      }
    }
    return box
  }

  private static func drawn(_ isInk: [Bool], _ stride: Int, _ box: Box, width: Int, height: Int) -> [UInt8] {
    var picture = MonochromePNG(width: width, height: height)
    let white = [UInt8](repeating: 0xFF, count: picture.lineBytes)
    picture.append(white, count: margin)
    for y in box.top...box.bottom {
      var line = white
      for x in box.left...box.right where isInk[y * stride + x] {
        let column = x - box.left + margin
        line[column >> 3] &= ~(0x80 >> UInt8(column & 7))
      }
      picture.append(line, count: 1)
    }
    picture.append(white, count: margin)
    return picture.finish()
  }
}
