import CPango
import Core
import Glibc

extension QRCode {
  /// The code as an SVG document, one path on white, in units of modules.
  ///
  /// - Parameter quietZone: light modules around it; the standard asks for four.
  package func svg(quietZone: Int = 4) -> String {
    let side = size + 2 * quietZone
    let path = runs.map { "M\($0.x + quietZone) \($0.y + quietZone)h\($0.length)v1h-\($0.length)z" }.joined()
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" shape-rendering="crispEdges">\
      <path fill="#fff" d="M0 0h\(side)v\(side)h-\(side)z"/><path d="\(path)"/></svg>
      """
  }

  /// The code as a PNG of one bit a pixel.
  ///
  /// - Parameters:
  ///   - scale: pixels per module.
  ///   - quietZone: light modules around it; the standard asks for four.
  /// - Throws: ``Fault`` `cairo`.
  package func png(scale: Int = 8, quietZone: Int = 4) throws -> [UInt8] {
    let side = (size + 2 * quietZone) * scale
    let surface = CairoSurface(cairo_image_surface_create(CAIRO_FORMAT_A1, Int32(side), Int32(side)))
    try surface.check()
    cairo_surface_flush(surface.pointer)
    let stride = Int(cairo_image_surface_get_stride(surface.pointer))
    guard let data = cairo_image_surface_get_data(surface.pointer) else { throw Fault("cairo", "no pixels") }
    // Bits stand in the machine's byte order from the lowest; a set bit is white.
    memset(data, 0xFF, stride * side)
    for run in runs {
      let first = (run.x + quietZone) * scale
      for y in (run.y + quietZone) * scale..<(run.y + quietZone + 1) * scale {
        for x in first..<first + run.length * scale { data[y * stride + x / 8] &= ~(1 << UInt8(x % 8)) }
      }
    }
    cairo_surface_mark_dirty(surface.pointer)
    return try surface.png()
  }
}
