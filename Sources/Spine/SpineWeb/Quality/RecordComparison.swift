import Entities
import EntitiesWeb
import HTML
import Shell

/// Records of one register side by side (对照), a column each, with what differs between two of them marked.
struct RecordComparison {
  struct Shown {
    let heading: String
    let record: Record
  }

  let caption: String
  let register: EntityDeclaration
  /// What is compared; what no record has is left out.
  let fields: [String]
  /// Fields in which any two records differ.
  var unequal: Set<String> = []

  func table(_ shown: [Shown], _ display: FieldDisplay) throws -> HTML {
    let rows = fields.compactMap { register.field($0) }.compactMap { field -> TableRow? in
      let texts = shown.map { display.text(field, of: $0.record) }
      guard texts.contains(where: { !$0.isEmpty }) else { return nil }
      let differs = texts.count == 2 && texts[0] != texts[1] && !unequal.contains(field.name)
      let label: HTML = HTML {
        field.label
        if differs {
          " "
          Badge("不同", .warning)
        }
      }
      let cells = zip(shown, texts).map { shown, text -> HTML in
        if text.isEmpty { return span(.class("blank"), .aria(.label, "未填写")) { "—" } }
        if field.name == register.title {
          return a(.href("/r/\(register.name)/\(shown.record.id)")) { text }
        }
        return .text(text)
      }
      return TableRow(id: field.name, name: field.label, path: nil, cells: [label] + cells)
    }
    return DataTable(
      caption: caption, columns: [Column("项目", .text)] + shown.map { Column($0.heading, .wide) }, rows: rows,
      opensPanel: false, empty: .empty("没有可以对照的内容", "")
    ).html
  }
}
