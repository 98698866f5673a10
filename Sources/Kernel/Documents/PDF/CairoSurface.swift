import CPango
import Core
import Glibc

/// Owns a cairo surface.
final class CairoSurface {
  let pointer: OpaquePointer?

  init(_ pointer: OpaquePointer?) { self.pointer = pointer }

  deinit { cairo_surface_destroy(pointer) }

  func check() throws { try CairoSurface.check(cairo_surface_status(pointer)) }

  static func check(_ status: cairo_status_t) throws {
    guard status == CAIRO_STATUS_SUCCESS else {
      throw Fault("cairo", cairo_status_to_string(status).map { String(cString: $0) } ?? "\(status.rawValue)")
    }
  }

  /// The surface's pixels as a PNG file.
  func png() throws -> [UInt8] {
    try CairoSurface.collect { write, context in
      try CairoSurface.check(cairo_surface_write_to_png_stream(pointer, write, context))
    }
  }

  /// A surface with these pixels, which keeps beside them the JPEG file that they come from: a PDF then holds that file
  /// in place of the pixels.
  ///
  /// - Throws: ``Fault`` `cairo`.
  static func copy(of picture: RasterImage, jpeg: [UInt8]) throws -> CairoSurface {
    let surface = CairoSurface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(picture.width), Int32(picture.height)))
    try surface.check()
    let stride = Int(cairo_image_surface_get_stride(surface.pointer))
    guard let target = cairo_image_surface_get_data(surface.pointer) else { throw Fault("cairo", "no pixels") }
    picture.pixels.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      for row in 0..<picture.height {
        memcpy(target + row * stride, base + row * picture.width * 4, picture.width * 4)
      }
    }
    cairo_surface_mark_dirty(surface.pointer)
    guard let kept = malloc(jpeg.count)?.assumingMemoryBound(to: UInt8.self) else { throw Fault("cairo", "no memory") }
    jpeg.withUnsafeBytes { if let base = $0.baseAddress { memcpy(kept, base, jpeg.count) } }
    // Cairo owns the copy from here on, and frees it.
    try check(
      cairo_surface_set_mime_data(surface.pointer, "image/jpeg", kept, UInt(jpeg.count), { free($0) }, kept))
    return surface
  }

  /// Gathers what cairo writes to a stream while `body` runs.
  static func collect(
    _ body: (cairo_write_func_t, UnsafeMutableRawPointer) throws -> Void
  ) rethrows -> [UInt8] {
    var bytes: [UInt8] = []
    try withUnsafeMutablePointer(to: &bytes) { target in
      try body(
        { context, data, count in
          guard let context, let data else { return CAIRO_STATUS_WRITE_ERROR }
          context.assumingMemoryBound(to: [UInt8].self).pointee
            .append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
          return CAIRO_STATUS_SUCCESS
        }, UnsafeMutableRawPointer(target))
    }
    return bytes
  }

  /// Decodes a PNG picture of at most 50 million pixels.
  ///
  /// - Throws: ``Refusal`` `image-unsupported`, `image-too-large`.
  static func decode(png: [UInt8]) throws -> CairoSurface {
    guard let pixels = pixels(png: png) else { throw unsupported }
    guard pixels <= 50_000_000 else {
      throw Refusal(.tooLarge, "image-too-large", "图片超过 5000 万像素，没有使用。请缩小后重新上传。")
    }
    var rest = png[...]
    let pointer = withUnsafeMutablePointer(to: &rest) { source in
      cairo_image_surface_create_from_png_stream(
        { context, target, count in
          guard let context, let target else { return CAIRO_STATUS_READ_ERROR }
          let source = context.assumingMemoryBound(to: ArraySlice<UInt8>.self)
          guard source.pointee.count >= Int(count) else { return CAIRO_STATUS_READ_ERROR }
          source.pointee.prefix(Int(count)).withUnsafeBufferPointer {
            if let base = $0.baseAddress { memcpy(target, base, $0.count) }
          }
          source.pointee.removeFirst(Int(count))
          return CAIRO_STATUS_SUCCESS
        }, source)
    }
    let surface = CairoSurface(pointer)
    guard cairo_surface_status(pointer) == CAIRO_STATUS_SUCCESS else { throw unsupported }
    return surface
  }

  /// How many pixels a PNG says it has, `Int.max` for more than can be counted; `nil` for anything else.
  static func pixels(png: [UInt8]) -> Int? {
    guard png.count >= 24, FileKind.sniff(head: Array(png.prefix(24)), complete: false) == .png else { return nil }
    func number(at offset: Int) -> Int { png[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let (pixels, overflow) = number(at: 16).multipliedReportingOverflow(by: number(at: 20))
    return overflow ? Int.max : pixels
  }

  private static let unsupported = Refusal(
    .unsupported, "image-unsupported", "图片已损坏或不是 PNG 格式，没有使用。请换一张图片。")
}
