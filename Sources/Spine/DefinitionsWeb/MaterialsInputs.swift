import Cases
import HTTP
import YAML

/// A catalogue of materials as it is typed, right or wrong.
struct MaterialsInputs {
  struct Row {
    var name = ""
    var label = ""
    var medium = "either"
    var isHeld = false
    var help = ""
    /// Months.
    var validity = ""
  }

  var label = ""
  var rows: [Row] = []

  /// More than any catalogue has.
  static let most = 300

  init(_ node: YAMLNode) {
    label = node["label"]?.text ?? ""
    rows = (node["items"]?.sequence ?? []).map { one in
      Row(
        name: one["name"]?.text ?? "", label: one["label"]?.text ?? "", medium: one["medium"]?.text ?? "either",
        isHeld: one["held"]?.bool ?? false, help: one["help"]?.text ?? "", validity: one["validity"]?.text ?? "")
    }
  }

  init(_ form: FormData) {
    func text(_ name: String, _ limit: Int) -> String {
      String((form.first(name) ?? "").filter { !$0.isNewline }.prefix(limit))
    }
    label = text("label", 60)
    let count = min(max(Int(form.first("rows") ?? "") ?? 0, 0), MaterialsInputs.most)
    rows = (0..<count).map { index in
      Row(
        name: text("r\(index).name", 50), label: text("r\(index).label", 100), medium: text("r\(index).medium", 20),
        isHeld: form.first("r\(index).held") != nil, help: text("r\(index).help", 300),
        validity: text("r\(index).validity", 5).filter { !$0.isWhitespace })
    }
  }

  /// The text with what was typed; a row without name and label is left out, what else a material says is kept.
  func laid(over node: YAMLNode) -> YAMLNode {
    let known = Dictionary(
      (node["items"]?.sequence ?? []).map { ($0["name"]?.text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    let items = rows.filter { !$0.name.isEmpty || !$0.label.isEmpty }.map { row -> YAMLNode in
      (known[row.name] ?? .mapping([("name", .string(row.name))])).setting("label", .string(row.label))
        .setting("medium", .string(row.medium)).setting("held", row.isHeld ? .plain("true") : nil)
        .setting("help", row.help.isEmpty ? nil : .string(row.help))
        .setting(
          "validity", row.validity.isEmpty ? nil : Int(row.validity).map { .plain(String($0)) } ?? .string(row.validity)
        )
    }
    return node.setting("label", label.isEmpty ? nil : .string(label)).setting("items", .sequence(items))
  }
}
