import Core
import Documents
import Foundation

/// The archives of before (户籍历史档案): everybody whom the city knows was born, moved and had a card made, on paper.
extension PeerCity {
  private static let papers: [(category: String, mark: String, filed: String, pages: Int)] = [
    ("出生登记", "CS", "1996-03-20", 2), ("迁入", "QR", "2009-06-18", 3), ("变更更正", "BG", "2013-11-05", 1),
  ]

  private var archived: [(number: String, person: Person, paper: Int)] {
    known.enumerated().flatMap { index, person in
      PeerCity.papers.indices.map { paper in
        let one = PeerCity.papers[paper]
        return ("511702-\(one.filed.prefix(4))-\(one.mark)-\(index + 1)", person, paper)
      }
    }
  }

  func archives(_ request: JSON) -> JSON {
    func asked(_ name: String) -> String? { request[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
    guard asked("name") != nil || asked("document") != nil || asked("household_number") != nil else {
      return ["message": "请至少给出姓名、身份证号或户号", "items": []]
    }
    let found = archived.filter { one in
      (asked("name").map { $0 == one.person.name } ?? true)
        && (asked("document").map { $0 == one.person.document } ?? true) && asked("household_number") == nil
        && (asked("category").map { PeerCity.papers[one.paper].category.contains($0) } ?? true)
        && (asked("region").map { "达州市通川区东城派出所".contains($0) } ?? true)
    }
    return [
      "message": .string(found.isEmpty ? "没有符合条件的档案" : "查到 \(found.count) 份"),
      "items": .array(
        found.map { one in
          let paper = PeerCity.papers[one.paper]
          return [
            "archive_number": .string(one.number), "category": .string(paper.category),
            "name": .string(one.person.name), "document": .string(one.person.document), "station": "东城派出所",
            "filed_on": .string(paper.filed), "pages": .int(Int64(paper.pages)),
          ]
        }),
    ]
  }

  func archiveImages(_ request: JSON) -> JSON {
    guard let one = archived.first(where: { $0.number == request["archive_number"]?.string }),
      let file = try? scan(one.number, one.person, PeerCity.papers[one.paper])
    else { return ["message": "没有这份档案"] }
    return ["message": "已提供", "file": .string(Data(file).base64EncodedString())]
  }

  private func scan(
    _ number: String, _ person: Person, _ paper: (category: String, mark: String, filed: String, pages: Int)
  ) throws -> [UInt8] {
    let document = PDFDocument(
      page: PDFPage(width: 210, height: 297, margin: 20),
      properties: PDFProperties(title: "档案 \(number)", created: clock.now()))
    for page in 1...paper.pages {
      if page > 1 { document.addPage() }
      document.place(paper.category, x: 20, y: 30, width: 170, PDFTextStyle(size: 22, bold: true, alignment: .centre))
      for (row, line) in ["档号　\(number)", "姓名　\(person.name)", "归档　\(paper.filed)", "第 \(page) 页，共 \(paper.pages) 页"]
        .enumerated()
      {
        document.place(line, x: 30, y: 60 + Double(row) * 12, width: 150, PDFTextStyle(size: 13))
      }
    }
    return try document.render()
  }
}
