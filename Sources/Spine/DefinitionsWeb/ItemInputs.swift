import Cases
import Entities
import HTTP
import Shell
import YAML

/// A service item as it is typed, right or wrong; laid over the text it came from.
struct ItemInputs {
  struct Condition {
    var name = ""
    var check = ""
    var message = ""
    /// Where it is shown.
    var field = ""
  }

  struct Material {
    var name = ""
    var kind = ""
    /// Codes of others that will do as well.
    var more = ""
    var label = ""
    var need = "required"
    var medium = ""
    var when = ""
  }

  struct Flow {
    var process = ""
    var when = ""
  }

  var label = ""
  var category = ""
  var limit = ""
  var channels: Set<String> = []
  var document = ""
  var delivery: Set<String> = []
  var guide = ""
  var conditions: [Condition] = []
  var materials: [Material] = []
  var flows: [Flow] = []
  /// Golden cases that go, by their place.
  var dropped: Set<String> = []

  /// More rows than any item has.
  static let most = 60

  init(_ node: YAMLNode) {
    func text(_ key: String) -> String { node[key]?.text ?? "" }
    label = text("label")
    category = text("class")
    limit = text("limit")
    channels = Set(node["channels"]?.texts ?? CaseChannel.forCitizens.map(\.rawValue))
    document = node["result"]?["document"]?.text ?? ""
    delivery = Set(node["result"]?["delivery"]?.texts ?? [])
    guide = text("guide")
    conditions = (node["conditions"]?.sequence ?? []).map {
      Condition(
        name: $0["name"]?.text ?? "", check: $0["check"]?.text ?? "", message: $0["message"]?.text ?? "",
        field: $0["field"]?.text ?? "")
    }
    materials = (node["materials"]?.sequence ?? []).map { one in
      let kinds = (one["one_of"] ?? one["material"])?.texts ?? []
      return Material(
        name: one["name"]?.text ?? "", kind: kinds.first ?? "", more: kinds.dropFirst().joined(separator: ", "),
        label: one["label"]?.text ?? "", need: one["need"]?.text ?? "required", medium: one["medium"]?.text ?? "",
        when: one["when"]?.text ?? "")
    }
    flows = (node["flow"]?.sequence ?? []).map {
      Flow(process: $0["process"]?.text ?? "", when: $0["when"]?.text ?? "")
    }
  }

  init(_ form: FormData) {
    func text(_ name: String, _ limit: Int = 1000) -> String {
      String((form.first(name) ?? "").unixLines.prefix(limit))
    }
    func count(_ name: String) -> Int { min(max(Int(form.first(name) ?? "") ?? 0, 0), ItemInputs.most) }
    label = text("label", 100)
    category = text("class", 50)
    limit = text("limit", 5)
    channels = Set(form.all("channels"))
    document = text("document", 60)
    delivery = Set(form.all("delivery"))
    guide = text("guide", 4000)
    conditions = (0..<count("conditions")).map {
      Condition(
        name: text("c\($0).name", 50), check: text("c\($0).check"), message: text("c\($0).message", 300),
        field: text("c\($0).field", 50))
    }
    materials = (0..<count("materials")).map {
      Material(
        name: text("m\($0).name", 50), kind: text("m\($0).kind", 50), more: text("m\($0).more", 300),
        label: text("m\($0).label", 100), need: text("m\($0).need", 20), medium: text("m\($0).medium", 20),
        when: text("m\($0).when"))
    }
    flows = (0..<count("flows")).map { Flow(process: text("f\($0).process", 50), when: text("f\($0).when")) }
    dropped = Set(form.all("golden.drop"))
  }

  /// The text with what was typed; rows without content are left out.
  func laid(over node: YAMLNode) -> YAMLNode {
    func optional(_ text: String) -> YAMLNode? { text.allSatisfy(\.isWhitespace) ? nil : .string(text) }
    var node = node.setting("label", .string(label)).setting("class", .string(category))
      .setting("limit", limit.isEmpty ? .plain("20") : Int(limit).map { .plain(String($0)) } ?? .string(limit)).setting(
        "guide", optional(guide))
    let channels = CaseChannel.allCases.map(\.rawValue).filter { self.channels.contains($0) }
    node = node.setting("channels", .sequence(channels.map { .string($0) }))
    let delivery = CaseDelivery.allCases.map(\.rawValue).filter { self.delivery.contains($0) }
    var result: [(String, YAMLNode)] = []
    if let document = optional(document) { result.append(("document", document)) }
    if !delivery.isEmpty { result.append(("delivery", .sequence(delivery.map { .string($0) }))) }
    node = node.setting("result", result.isEmpty ? nil : .mapping(result))
    let conditions = conditions.filter { !$0.check.isEmpty || !$0.message.isEmpty }.map { one in
      mapping([("name", one.name), ("check", one.check), ("message", one.message), ("field", one.field)])
    }
    node = node.setting("conditions", conditions.isEmpty ? nil : .sequence(conditions))
    node = node.setting("materials", .sequence(materials.filter { !$0.kind.isEmpty }.map(self.material)))
    node = node.setting(
      "flow",
      .sequence(flows.filter { !$0.process.isEmpty }.map { mapping([("process", $0.process), ("when", $0.when)]) }))
    guard !dropped.isEmpty, let golden = node["golden"]?.sequence else { return node }
    return node.setting(
      "golden", .sequence(golden.enumerated().filter { !dropped.contains(String($0.offset)) }.map(\.element)))
  }

  private func material(_ one: Material) -> YAMLNode {
    let others = one.more.split(whereSeparator: { ",，、 ".contains($0) }).map(String.init)
    var entries: [(String, YAMLNode)] = []
    if !one.name.isEmpty { entries.append(("name", .string(one.name))) }
    entries.append(
      others.isEmpty
        ? ("material", .string(one.kind)) : ("one_of", .sequence(([one.kind] + others).map { .string($0) })))
    for (key, text) in [("label", one.label), ("medium", one.medium), ("when", one.when)] where !text.isEmpty {
      entries.append((key, .string(text)))
    }
    if one.need == "optional" { entries.append(("need", .string("optional"))) }
    return .mapping(entries)
  }

  private func mapping(_ texts: [(String, String)]) -> YAMLNode {
    .mapping(texts.filter { !$0.1.allSatisfy(\.isWhitespace) }.map { ($0.0, .string($0.1)) })
  }

  /// Which control a finding belongs to, by where it stands in the written text.
  static func field(of finding: Finding, in text: String) -> String? {
    guard let root = try? YAMLNode(parsing: text, file: ""), let entries = root.mapping else { return nil }
    let line = finding.position.line
    guard let entry = entries.last(where: { $0.keyPosition.line <= line }) else { return nil }
    let row = entry.value.sequence?.lastIndex { $0.position.line <= line }
    func part(_ key: String) -> Bool {
      row.flatMap { entry.value.sequence?[$0][key] }.map { $0.position.line == line } ?? false
    }
    switch (entry.key, row) {
    case ("conditions", let row?):
      return "c\(row).\(["message", "field"].first(where: part) ?? "check")"
    case ("materials", let row?): return part("when") ? "m\(row).when" : "m\(row).kind"
    case ("flow", let row?): return part("when") ? "f\(row).when" : "f\(row).process"
    case ("label", _), ("class", _), ("limit", _), ("guide", _), ("channels", _): return entry.key
    case ("result", _): return "document"
    default: return nil
    }
  }
}
