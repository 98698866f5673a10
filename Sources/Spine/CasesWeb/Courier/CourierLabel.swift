import Core
import Documents
import Entities

/// The label of a parcel (面单): 100 × 150 mm, the waybill as a code and in figures, who to whom.
struct CourierLabel {
  let parcel: Record
  /// Of the case.
  let number: String
  let printedAt: Instant

  private func text(_ field: String) -> String { parcel[field].text ?? "" }

  /// - Throws: ``Fault`` `cairo`; ``Refusal`` when the waybill does not fit a code.
  func render() throws -> [UInt8] {
    let waybill = text("waybill")
    let document = PDFDocument(
      page: PDFPage(width: 100, height: 150, margin: 4),
      properties: PDFProperties(title: "面单 \(waybill)", created: printedAt))
    document.place(rectangleAt: 3, 3, width: 94, height: 144, border: 1)
    document.place(text("company"), x: 6, y: 6, width: 60, PDFTextStyle(size: 10, bold: true))
    document.place(parcel.titles["direction"] ?? "", x: 6, y: 12, width: 60, PDFTextStyle(size: 9))
    document.place(text("sorting_code"), x: 6, y: 20, width: 50, PDFTextStyle(size: 26, bold: true))
    document.place(try QRCode(waybill, level: .high), x: 66, y: 5, side: 30)
    document.place(waybill, x: 6, y: 36, width: 88, PDFTextStyle(size: 16, bold: true, alignment: .centre))
    document.place(rectangleAt: 3, 46, width: 94, height: 0.2, border: 0.5)
    person("收", "receiver", y: 50, size: 13, on: document)
    document.place(rectangleAt: 3, 88, width: 94, height: 0.2, border: 0.5)
    person("寄", "sender", y: 92, size: 9, on: document)
    document.place(rectangleAt: 3, 124, width: 94, height: 0.2, border: 0.5)
    document.place("内件：\(text("goods"))", x: 6, y: 127, width: 88, PDFTextStyle(size: 9))
    document.place("办件 \(number)　打印 \(printedAt.display)", x: 6, y: 136, width: 88, PDFTextStyle(size: 8))
    return try document.render()
  }

  private func person(_ mark: String, _ side: String, y: Double, size: Double, on document: PDFDocument) {
    document.place(mark, x: 6, y: y, width: 10, PDFTextStyle(size: 18, bold: true))
    document.place(
      "\(text("\(side)_name"))　\(text("\(side)_phone"))", x: 18, y: y, width: 76, PDFTextStyle(size: size, bold: true))
    document.place(text("\(side)_address"), x: 18, y: y + size * 0.6, width: 76, PDFTextStyle(size: size))
  }
}
