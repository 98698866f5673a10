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
  package func png(scale: Int = 8, quietZone: Int = 4) -> [UInt8] {
    precondition(scale > 0 && quietZone >= 0 && scale <= 1000, "scale or quiet zone out of range")
    let side = (size + 2 * quietZone) * scale
    var picture = MonochromePNG(width: side, height: side)
    let light = [UInt8](repeating: 0xFF, count: picture.lineBytes)
    picture.append(light, count: quietZone * scale)
    for y in 0..<size {
      var line = light
      for x in 0..<size where self[x, y] {
        let first = (x + quietZone) * scale
        for pixel in first..<first + scale { line[pixel / 8] &= ~(0x80 >> UInt8(pixel % 8)) }
      }
      picture.append(line, count: scale)
    }
    picture.append(light, count: quietZone * scale)
    return picture.finish()
  }
}
