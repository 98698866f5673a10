import CPango
import CTurboJPEG
import Core

/// A picture in memory: rows from the top, four bytes a pixel (blue, green, red, unused), on white.
///
/// Scanned papers are shown, measured and watermarked from it. JPEG is read by libjpeg-turbo and PNG by cairo; other
/// kinds are refused by name, never guessed.
package struct RasterImage: Sendable {
  package let width: Int
  package let height: Int
  /// `width * height * 4` bytes.
  package let pixels: [UInt8]

  /// Pictures above this many pixels are refused before they are unpacked.
  package static let maximumPixels = 100_000_000

  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 4 && width > 0 && height > 0, "a picture has all its pixels")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Unpacks a JPEG or PNG file, turned the way its camera says (EXIF).
  ///
  /// - Parameter longest: pixels of the longer side that suffice; a JPEG is unpacked no larger than twice that.
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`.
  package init(_ bytes: [UInt8], longest: Int? = nil) throws {
    switch FileKind.sniff(bytes: bytes) {
    case .jpeg:
      let image = try RasterImage(jpeg: bytes, longest: longest)
      self = image.turned(by: EXIFOrientation.read(bytes))
    case .png: try self.init(png: bytes)
    default: throw RasterImage.unsupported
    }
  }

  static let unsupported = Refusal(
    .unsupported, "image-unsupported", "图片已损坏，或不是 JPEG、PNG 格式，不能显示。请下载原件查看，或请提交人换成 JPEG 重新上传。")
  private static let tooLarge = Refusal(
    .tooLarge, "image-too-large", "图片超过 1 亿像素，没有打开。请缩小后重新上传。")

  // MARK: Reading

  private init(jpeg: [UInt8], longest: Int?) throws {
    guard let handle = tjInitDecompress() else { throw Fault("turbojpeg", "init") }
    defer { tjDestroy(handle) }
    var (width, height, sampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let head = tjDecompressHeader3(handle, jpeg, UInt(jpeg.count), &width, &height, &sampling, &space)
    guard head == 0, width > 0, height > 0 else { throw RasterImage.unsupported }
    guard Int(width) * Int(height) <= RasterImage.maximumPixels else { throw RasterImage.tooLarge }
    var size = (width: Int(width), height: Int(height))
    if let longest {
      // Eighths, as the format allows at no cost.
      for eighths in 1..<8 {
        let scaled = (width: (Int(width) * eighths + 7) / 8, height: (Int(height) * eighths + 7) / 8)
        if max(scaled.width, scaled.height) >= longest {
          size = scaled
          break
        }
      }
    }
    var pixels = [UInt8](repeating: 255, count: size.width * size.height * 4)
    let status = tjDecompress2(
      handle, jpeg, UInt(jpeg.count), &pixels, Int32(size.width), Int32(size.width * 4), Int32(size.height),
      Int32(TJPF_BGRX.rawValue), 0)
    // A file that breaks off is shown as far as it goes; what is no JPEG at all is not.
    guard status == 0 || tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue) else { throw RasterImage.unsupported }
    self.init(width: size.width, height: size.height, pixels: pixels)
  }

  private init(png: [UInt8]) throws {
    self = try RasterImage.drawn(from: try CairoSurface.decode(png: png), longest: nil)
  }

  /// A copy of a surface on white, no larger than `longest`.
  private static func drawn(from source: CairoSurface, longest: Int?) throws -> RasterImage {
    let width = Int(cairo_image_surface_get_width(source.pointer))
    let height = Int(cairo_image_surface_get_height(source.pointer))
    let scale = longest.map { min(1, Double($0) / Double(max(width, height, 1))) } ?? 1
    let size = (
      width: max(1, Int((Double(width) * scale).rounded())), height: max(1, Int((Double(height) * scale).rounded()))
    )
    return try drawn(width: size.width, height: size.height) { cairo in
      cairo_scale(cairo, Double(size.width) / Double(width), Double(size.height) / Double(height))
      cairo_set_source_surface(cairo, source.pointer, 0, 0)
      cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_GOOD)
      cairo_paint(cairo)
    }
  }

  /// What `body` draws on a white sheet, or on these pixels.
  static func drawn(width: Int, height: Int, on ground: [UInt8]? = nil, _ body: (OpaquePointer?) throws -> Void) throws
    -> RasterImage
  {
    var pixels = ground ?? [UInt8](repeating: 255, count: width * height * 4)
    try pixels.withUnsafeMutableBufferPointer { buffer in
      let surface = CairoSurface(
        cairo_image_surface_create_for_data(
          buffer.baseAddress, CAIRO_FORMAT_RGB24, Int32(width), Int32(height), Int32(width * 4)))
      try surface.check()
      let cairo = CairoContext(surface)
      try body(cairo.pointer)
      try CairoSurface.check(cairo_status(cairo.pointer))
      cairo_surface_flush(surface.pointer)
    }
    return RasterImage(width: width, height: height, pixels: pixels)
  }

  private func withSurface<Value>(_ body: (CairoSurface) throws -> Value) throws -> Value {
    var copy = pixels
    return try copy.withUnsafeMutableBufferPointer { buffer in
      let surface = CairoSurface(
        cairo_image_surface_create_for_data(
          buffer.baseAddress, CAIRO_FORMAT_RGB24, Int32(width), Int32(height), Int32(width * 4)))
      try surface.check()
      return try body(surface)
    }
  }

  // MARK: Changing

  /// A copy whose longer side has at most this many pixels.
  package func fitted(_ longest: Int) throws -> RasterImage {
    if max(width, height) <= longest { return self }
    return try withSurface { try RasterImage.drawn(from: $0, longest: longest) }
  }

  /// A copy turned clockwise by so many quarter turns.
  package func turned(quarters: Int) -> RasterImage {
    switch ((quarters % 4) + 4) % 4 {
    case 1: mapped(height, width) { x, y in (y, height - 1 - x) }
    case 2: mapped(width, height) { x, y in (width - 1 - x, height - 1 - y) }
    case 3: mapped(height, width) { x, y in (width - 1 - y, x) }
    default: self
    }
  }

  func mirrored() -> RasterImage { mapped(width, height) { x, y in (width - 1 - x, y) } }

  private func turned(by orientation: EXIFOrientation) -> RasterImage {
    let image = turned(quarters: orientation.quarters)
    return orientation.isMirrored ? image.mirrored() : image
  }

  private func mapped(_ newWidth: Int, _ newHeight: Int, _ from: (Int, Int) -> (x: Int, y: Int)) -> RasterImage {
    var result = [UInt8](repeating: 255, count: pixels.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let source = from(x, y)
        let (a, b) = ((y * newWidth + x) * 4, (source.y * width + source.x) * 4)
        result[a] = pixels[b]
        result[a + 1] = pixels[b + 1]
        result[a + 2] = pixels[b + 2]
      }
    }
    return RasterImage(width: newWidth, height: newHeight, pixels: result)
  }

  // MARK: Writing

  /// The picture as a JPEG file.
  ///
  /// - Parameter quality: 1 to 100.
  package func jpeg(quality: Int = 82) throws -> [UInt8] {
    guard let handle = tjInitCompress() else { throw Fault("turbojpeg", "init") }
    defer { tjDestroy(handle) }
    var buffer: UnsafeMutablePointer<UInt8>?
    var size: UInt = 0
    defer { tjFree(buffer) }
    let status = tjCompress2(
      handle, pixels, Int32(width), Int32(width * 4), Int32(height), Int32(TJPF_BGRX.rawValue), &buffer, &size,
      Int32(TJSAMP_420.rawValue), Int32(quality), 0)
    guard status == 0, let buffer else { throw Fault("turbojpeg", "compress") }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(size)))
  }
}
