import Documents

extension DocumentPainter {
  private static let signatureHeight = 32.0
  private static let codeSide = 24.0

  /// A place to sign: what was signed electronically with its proof, or room for the pen.
  func signature(_ label: String, _ signature: DocumentSignature?, _ size: Double) throws {
    guard !valuesOnly else { return }
    let (left, width) = document.body
    let name = min(28, width * 0.18)
    guard let signature else { return line(label, name, size) }
    let height = DocumentPainter.signatureHeight
    let proof = DocumentPainter.codeSide + 10
    let note = DocumentPainter.style(8)
    let words = "签名摘要（SM3）：\(signature.digest)\n\(signature.note)"
    let noteHeight = document.height(of: words, width: width - 4, note) + 3
    if document.roomLeft < height + noteHeight { document.addPage() }
    let top = document.position
    for (x, cell) in [(left, name), (left + name, width - name - proof), (left + width - proof, proof)] {
      document.place(rectangleAt: x, top, width: cell, height: height, border: 0.6)
    }
    document.place(
      label, in: PDFBox(x: left + 1, y: top, width: name - 2, height: height), DocumentPainter.style(size, .centre))
    let middle = PDFBox(x: left + name + 2, y: top + 2, width: width - name - proof - 4, height: height - 11)
    if let picture = signature.picture {
      let drawn = min(middle.width, middle.height * picture.ratio)
      try document.place(
        png: picture.png, x: middle.x + (middle.width - drawn) / 2,
        y: middle.y + (middle.height - drawn / picture.ratio) / 2, width: drawn)
    } else {
      document.place(signature.method, in: middle, DocumentPainter.style(size + 2, bold: true, .centre))
    }
    let said = signature.picture == nil ? signature.time : "\(signature.method)　\(signature.time)"
    document.place(
      said, in: PDFBox(x: middle.x, y: top + height - 8, width: middle.width, height: 7),
      DocumentPainter.style(9, .centre))
    try code(signature.code, x: left + width - proof + 5, y: top + 0.5)
    document.place(rectangleAt: left, top + height, width: width, height: noteHeight, border: 0.6)
    document.place(words, in: PDFBox(x: left + 2, y: top + height, width: width - 4, height: noteHeight), note)
    document.position = top + height + noteHeight
    document.space(2)
  }

  /// Label, room for the pen, date.
  private func line(_ label: String, _ name: Double, _ size: Double) {
    let height = 13.0
    if document.roomLeft < height { document.addPage() }
    let (left, width) = document.body
    let top = document.position
    let style = DocumentPainter.style(size, .centre)
    let rest = width - name
    var x = left
    for (text, cell) in [(label, name), ("", rest * 0.41), ("日期", rest * 0.14), ("　　　　年　　月　　日", rest * 0.45)] {
      document.place(rectangleAt: x, top, width: cell, height: height, border: 0.6)
      document.place(text, in: PDFBox(x: x + 1, y: top, width: cell - 2, height: height), style)
      x += cell
    }
    document.position = top + height
  }

  private func code(_ code: String, x: Double, y: Double) throws {
    let side = DocumentPainter.codeSide
    document.place(try QRCode(DocumentOffice.link(code, origin), level: .medium), x: x, y: y, side: side)
    var style = DocumentPainter.style(6.5, .centre)
    style.color = PDFColor(0x444444)
    document.place(
      "扫码验证签名\n\(DocumentOffice.spaced(code))", in: PDFBox(x: x - 4.5, y: y + side - 0.5, width: side + 9, height: 7.5),
      style)
  }
}
