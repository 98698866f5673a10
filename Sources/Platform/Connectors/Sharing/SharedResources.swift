import Core
package import Entities
import YAML

/// Information that others may use (信息资源): some fields of some records of a register, and under which conditions
/// (C-561, C-563…C-583).
package struct SharedResource: Sendable {
  /// 共享属性.
  package enum ShareType: String, Sendable, Hashable, CaseIterable {
    /// 无条件共享: every key may.
    case open
    /// 有条件共享: keys that an approved application names.
    case conditional
    /// 不予共享.
    case closed
  }

  package let name: String
  package let label: String
  /// 序号 in the catalogue.
  package let position: Int
  package let register: String
  /// Which of its records; all must hold.
  package let filters: [ListFilter]
  /// What must hold of each record besides, judged when it is read; may ask computed fields, which no filter can.
  package let condition: Expression?
  /// What must hold of the record that each belongs to, such as the case of a form.
  package let ownerFilters: [ListFilter]
  package let fields: [String]
  package let share: ShareType
  package let branch: String
  package let element: String
  package let format: String
  /// 共享条件.
  package let terms: String
  package let scope: String
  package let method: String
  /// Ids of the requirement rows it answers.
  package let source: [String]
}

/// The catalogue of shared information (信息资源共享目录), read from the declarations and proved.
package struct SharedResources: Sendable {
  /// In the order of their numbers.
  package let all: [SharedResource]
  package let findings: [Finding]

  package init(_ catalog: Catalog) {
    let collector = FindingCollector()
    var found: [SharedResource] = []
    var names: Set<String> = []
    for document in catalog.others where document.kind == .resources {
      for (resource, position) in SharedResourceReader(document, catalog, collector).resources() {
        if names.insert(resource.name).inserted {
          found.append(resource)
        } else {
          collector.error(position, "信息资源“\(resource.name)”重复，标识在全部目录中应唯一")
        }
      }
    }
    all = found.sorted { ($0.position, $0.name) < ($1.position, $1.name) }
    findings = collector.findings.sortedByPlace
  }

  /// The resource of this name (资源标识).
  package func resource(_ name: String) -> SharedResource? { all.first { $0.name == name } }
}

/// Understands one catalogue (`resources: hukou_shared`).
struct SharedResourceReader {
  private let catalog: Catalog
  private let collector: FindingCollector
  private let reader: MappingReader

  private static let common = ["branch", "element", "format", "share", "condition", "scope", "method"]

  init(_ document: DeclarationDocument, _ catalog: Catalog, _ collector: FindingCollector) {
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(
      document.node, "信息资源目录“\(document.name)”",
      keys: ["resources", "label", "items"] + SharedResourceReader.common, collector)
  }

  func resources() -> [(SharedResource, SourcePosition)] {
    _ = reader.label(fallback: "信息资源")
    return reader.nodes("items").compactMap { node in resource(node).map { ($0, node.position) } }
  }

  private func resource(_ node: YAMLNode) -> SharedResource? {
    let item = MappingReader(
      node, "信息资源",
      keys: ["name", "number", "label", "source", "register", "where", "when", "owner", "fields", "remove"]
        + SharedResourceReader.common,
      collector)
    guard let name = item.name("name") else { return nil }
    let register = item.required("register", limit: 50, fallback: "")
    guard let entity = catalog.entity(register) else {
      collector.error(
        item.place("register"),
        "没有登记表“\(register)”\(Suggestion.text(for: register, among: catalog.entities.map(\.name)))")
      return nil
    }
    var fields: [String] = []
    for (field, position) in item.texts("fields") {
      if entity.field(field) == nil {
        let names = entity.fields.map(\.name)
        collector.error(position, "登记表“\(entity.label)”没有字段“\(field)”\(Suggestion.text(for: field, among: names))")
      } else {
        fields.append(field)
      }
    }
    if fields.isEmpty { collector.error(node.position, "信息资源“\(name)”没有信息项（fields）") }
    func text(_ key: String) -> String { item.text(key, limit: 100) ?? reader.text(key, limit: 100) ?? "" }
    return SharedResource(
      name: name, label: item.label(fallback: name), position: item.integer("number", in: 1...10_000) ?? 0,
      register: register, filters: filters(item, "where", entity),
      condition: condition(item, entity), ownerFilters: ownerFilters(item, entity),
      fields: fields,
      share: item.choice("share", SharedResource.ShareType.self) ?? reader.choice(
        "share", SharedResource.ShareType.self) ?? .conditional, branch: text("branch"), element: text("element"),
      format: text("format"), terms: text("condition"), scope: text("scope"), method: text("method"),
      source: item.texts("source").map(\.text))
  }

  private func condition(_ item: MappingReader, _ entity: EntityDeclaration) -> Expression? {
    guard let node = item.node("when") else { return nil }
    guard let text = node.text else {
      collector.error(node.position, "when 应是条件表达式")
      return nil
    }
    do throws(ExpressionFailure) {
      let expression = try Expression(parsing: text, at: node.textPosition, for: entity, and: [])
      if expression.type == .boolean, expression.encryptedFields.isEmpty { return expression }
      collector.error(node.position, "when 应是条件（是/否），不能用加密字段的内容")
    } catch {
      collector.error(error.position, error.message)
    }
    return nil
  }

  /// An application is no fact before it was granted: what belongs to something has to say which of it counts.
  private func ownerFilters(_ item: MappingReader, _ entity: EntityDeclaration) -> [ListFilter] {
    guard let owner = entity.attachedTo.flatMap({ catalog.entity($0) }) else {
      if item.has("owner") { collector.error(item.place("owner"), "登记表“\(entity.label)”不从属于别的登记表，不应有 owner") }
      return []
    }
    if !item.has("owner") {
      collector.error(
        item.place("register"), "“\(entity.label)”从属于“\(owner.label)”，应写 owner 限定哪些算数，如 owner: {state: completed}")
    }
    return filters(item, "owner", owner)
  }

  private func filters(_ item: MappingReader, _ key: String, _ entity: EntityDeclaration) -> [ListFilter] {
    (item.node(key)?.mapping ?? []).compactMap { entry in
      guard let field = entity.field(entry.key), field.isStored, !field.encrypted else {
        collector.error(entry.keyPosition, "登记表“\(entity.label)”没有可以限定的字段“\(entry.key)”")
        return nil
      }
      do throws(Refusal) {
        let value = try catalog.parse(entry.value.text ?? "", for: field)
        return ListFilter(field.name, .equals(value))
      } catch {
        collector.error(entry.value.position, error.message)
        return nil
      }
    }
  }
}
