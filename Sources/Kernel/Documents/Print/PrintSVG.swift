extension PrintArtwork {
  /// The artwork as an SVG document in millimetres, lettering as outlines.
  ///
  /// - Parameter forCutting: with bleed, and with edge and holes as a layer of lines named `cut`; without it as the
  ///   finished piece looks.
  package func svg(_ book: GlyphBook, forCutting: Bool = false) -> String {
    var bytes: [UInt8] = []
    let margin = forCutting ? bleed : 0
    bytes.put(#"<svg xmlns="http://www.w3.org/2000/svg" width=""#)
    PrintNumber.write(width + 2 * margin, into: &bytes)
    bytes.put(#"mm" height=""#)
    PrintNumber.write(height + 2 * margin, into: &bytes)
    bytes.put(#"mm" viewBox=""#)
    bytes.put(-margin, -margin, width + 2 * margin, height + 2 * margin)
    bytes.put("\">\n")
    let outer = PDFBox(x: -margin, y: -margin, width: width + 2 * margin, height: height + 2 * margin)
    PrintArtwork.rectangle(outer, forCutting ? 0 : radius, ground, into: &bytes)
    for mark in marks { draw(mark, book, forCutting, into: &bytes) }
    if forCutting { cut(into: &bytes) }
    bytes.put("</svg>\n")
    return String(decoding: bytes, as: UTF8.self)
  }

  private func draw(_ mark: Mark, _ book: GlyphBook, _ forCutting: Bool, into bytes: inout [UInt8]) {
    switch mark {
    case .area(let box, let radius, let color): PrintArtwork.rectangle(box, radius, color, into: &bytes)
    case .frame(let box, let radius, let line, let color):
      PrintArtwork.rectangle(box, radius, nil, into: &bytes, stroke: (color, line))
    case .glyph(let glyph, let x, let y, let scaleX, let scaleY, let color):
      bytes.put(#"<path fill=""#)
      bytes += Array(color.hex.utf8)
      bytes.put(#"" d=""#)
      for segment in book.outlines[glyph].segments {
        switch segment {
        case .move(let a, let b):
          bytes.put("M")
          bytes.put(x + a * scaleX, y + b * scaleY)
        case .line(let a, let b):
          bytes.put("L")
          bytes.put(x + a * scaleX, y + b * scaleY)
        case .curve(let a, let b, let c, let d, let e, let f):
          bytes.put("C")
          bytes.put(
            x + a * scaleX, y + b * scaleY, x + c * scaleX, y + d * scaleY, x + e * scaleX, y + f * scaleY)
        case .close: bytes.put("Z")
        }
      }
      bytes.put("\"/>\n")
    case .code(let code, let box, let color):
      let side = code.size + 8
      bytes.put(#"<path fill=""#)
      bytes += Array(color.hex.utf8)
      bytes.put(#"" shape-rendering="crispEdges" transform="translate("#)
      bytes.put(box.x, box.y)
      bytes.put(") scale(")
      PrintNumber.write(box.width / Double(side), into: &bytes)
      bytes.put(#")" d=""#)
      for run in code.runs {
        bytes += Array("M\(run.x + 4) \(run.y + 4)h\(run.length)v1h-\(run.length)z".utf8)
      }
      bytes.put("\"/>\n")
    case .hole(let x, let y, let diameter):
      guard !forCutting else { return }
      bytes.put(##"<circle fill="#FFFFFF" stroke="#8A8A8A" stroke-width="0.4" cx=""##)
      PrintNumber.write(x, into: &bytes)
      bytes.put(#"" cy=""#)
      PrintNumber.write(y, into: &bytes)
      bytes.put(#"" r=""#)
      PrintNumber.write(diameter / 2, into: &bytes)
      bytes.put("\"/>\n")
    }
  }

  private func cut(into bytes: inout [UInt8]) {
    bytes.put("<g id=\"cut\" fill=\"none\" stroke=\"#FF00FF\" stroke-width=\"0.1\">\n")
    PrintArtwork.rectangle(PDFBox(x: 0, y: 0, width: width, height: height), radius, nil, into: &bytes)
    for case .hole(let x, let y, let diameter) in marks {
      bytes += Array("<circle cx=\"".utf8)
      PrintNumber.write(x, into: &bytes)
      bytes.put(#"" cy=""#)
      PrintNumber.write(y, into: &bytes)
      bytes.put(#"" r=""#)
      PrintNumber.write(diameter / 2, into: &bytes)
      bytes.put("\"/>\n")
    }
    bytes.put("</g>\n")
  }

  private static func rectangle(
    _ box: PDFBox, _ radius: Double, _ fill: PrintColor?, into bytes: inout [UInt8],
    stroke: (color: PrintColor, width: Double)? = nil
  ) {
    bytes.put("<rect x=\"")
    PrintNumber.write(box.x, into: &bytes)
    bytes.put("\" y=\"")
    PrintNumber.write(box.y, into: &bytes)
    bytes.put("\" width=\"")
    PrintNumber.write(box.width, into: &bytes)
    bytes.put("\" height=\"")
    PrintNumber.write(box.height, into: &bytes)
    if radius > 0 {
      bytes.put("\" rx=\"")
      PrintNumber.write(radius, into: &bytes)
    }
    if let fill { bytes += Array("\" fill=\"\(fill.hex)".utf8) }
    if let stroke {
      bytes += Array("\" fill=\"none\" stroke=\"\(stroke.color.hex)\" stroke-width=\"".utf8)
      PrintNumber.write(stroke.width, into: &bytes)
    }
    bytes.put("\"/>\n")
  }
}
