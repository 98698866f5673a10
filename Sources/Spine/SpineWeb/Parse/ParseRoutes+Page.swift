import AddressParsing
import Addresses
import Core
import HTML
import HTTP
import Shell
import Site

extension ParseRoutes {
  func page(
    _ visit: Visit, text: String, answers: [LabelledAddress]?, error: String?, isFile: Bool = false
  ) async throws -> Response {
    try require(visit)
    return try await visit.page(
      "地址解析", status: error == nil ? 200 : 422, crumbs: [Crumb("标准地址", "/r/address")],
      subtitle: "把一条地址拆成省市区、道路、门牌号、楼幢、房间等部分"
    ) {
      if let answers {
        Card("结果", count: .exact(answers.count)) {
          ol(.class("parsed")) { for answer in answers { ParseRoutes.reading(of: answer) } }
        }
      }
      FormView(
        path: "/parse",
        sections: [
          FormSection(
            id: "addresses", "要解析的地址",
            fields: [
              Shell.Field(
                "text", "地址", .longText(text, rows: 8),
                help: "每行一条，最多 \(AskedAddresses.mostOnPage) 条，每条不超过 \(AskedAddresses.longest) 字。",
                error: isFile ? nil : error
              ),
              Shell.Field(
                "file", "或者选择文件",
                .file(
                  Control.FileField(accept: ".csv,.xlsx,.txt", limit: "CSV、XLSX 或每行一条地址的文本，不超过 20 MB")),
                help: "结果作为 CSV 文件下载：每行按原文顺序的分段，以及各类部分各占一列。", error: isFile ? error : nil),
            ])
        ], errors: error.map { [FieldError(isFile ? "file" : "text", $0)] } ?? [],
        submit: Action("解析", .submit(name: nil, value: nil), style: .primary), cancelPath: nil, isMultipart: true,
        note: "只看文字，不查地址库，也不写入数据。")
    }
  }

  /// The parts of an address in the order in which they are written, each with what it is.
  private static func reading(of address: LabelledAddress) -> HTML {
    li {
      p(.class("parsed-text")) { address.text }
      dl(.class("parsed-parts")) {
        for part in address.parts {
          let text = address.text(of: part)
          div(.class("parsed-part"), .class(tone(of: part.label))) {
            dt { part.label.title }
            dd { text.allSatisfy(\.isWhitespace) ? "空格" : text }
          }
        }
      }
    }
  }

  /// Divisions stand out and what adds nothing stands back; the label says what a part is in any case.
  private static func tone(of label: AddressLabel) -> String? {
    switch label {
    case .country, .prov, .city, .district, .devzone, .town, .community: "is-division"
    case .redundant, .otherinfo: "is-idle"
    default: nil
    }
  }
}
