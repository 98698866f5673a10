import Access
package import Entities
import YAML

/// On which occasion a template sends itself, without any program (触发条件, B4-247, B4-258): a record of a register of which
/// a condition begins to hold.
package struct MessageTrigger: Sendable {
  /// Whom it is for.
  package enum Audience: Sendable, Hashable {
    /// The user in this field.
    case user(field: String)
    /// Everybody active in the unit of this field, or those of them who have the role.
    case unit(field: String, role: String?)
    /// The telephone in this field, by SMS.
    case phone(field: String)
  }

  /// The register whose records set it off.
  package let register: String
  /// `nil` for every new record.
  package let when: Expression?
  /// Whom it is for.
  package let audience: Audience
  /// What each variable says of the record.
  package let values: [String: Expression]

  /// The fields of `expression` that a message may not tell of: it leaves the scope of the register. A reference tells the
  /// title of what it names, which of a register with personal data is somebody's.
  ///
  /// - Parameter level: of a field: as declared, or as it counts here (敏感标记).
  static func sensitiveFields(
    of expression: Expression, in entity: EntityDeclaration, _ catalog: Catalog,
    by level: (FieldDeclaration) -> Classification
  ) -> [String] {
    func tells(_ field: FieldDeclaration, _ depth: Int) -> Bool {
      if field.encrypted || level(field) >= .sensitive { return true }
      guard let other = field.target.flatMap({ catalog.entity($0) }) else { return false }
      // A title may be a reference itself; what names itself in a circle is told by nobody.
      guard !other.personal, depth < 5 else { return true }
      return other.field(other.title).map { tells($0, depth + 1) } ?? false
    }
    return expression.fields.filter { name in entity.field(name).map { tells($0, 0) } ?? false }.sorted()
  }

  /// Whether what stands in `expression` may be told as the levels are now.
  static func mayTell(_ expression: Expression, of entity: EntityDeclaration, _ catalog: Catalog) -> Bool {
    sensitiveFields(of: expression, in: entity, catalog) { $0.classification }.isEmpty
  }
}

/// Understands `trigger: {register: door_plate, when: "state == 'damaged'", to: {unit: station_id, role: officer}}`.
struct MessageTriggerReader {
  let catalog: Catalog
  let collector: FindingCollector

  /// - Parameter values: of the variables, by name, with the places of those that have none as `nil`.
  func trigger(_ reader: MappingReader, values: [(name: String, node: YAMLNode?)]) -> MessageTrigger? {
    guard let entity = entity(reader) else { return nil }
    let when = reader.node("when").flatMap { expression($0, entity) }
    if let when, when.type != .boolean {
      collector.error(reader.place("when"), "触发条件的 when 得到的是\(when.type.label)，应能判断是否成立")
    }
    if let when, let node = reader.node("when") { refuseSensitive(when, entity, node.position) }
    var says: [String: Expression] = [:]
    for (name, node) in values {
      guard let node else {
        collector.error(reader.place("register"), "变量“\(name)”没有写 value：自动发送的消息，每个变量取记录的什么内容")
        continue
      }
      says[name] = expression(node, entity)
      if let expression = says[name] { refuseSensitive(expression, entity, node.position) }
    }
    guard let audience = audience(reader, entity) else { return nil }
    return MessageTrigger(register: entity.name, when: when, audience: audience, values: says)
  }

  /// Neither what a message says nor when it is sent may tell what is sensitive. What is so by a label of the security
  /// officer alone is left out when the message is sent, so that a label never puts a template out of use.
  private func refuseSensitive(_ expression: Expression, _ entity: EntityDeclaration, _ position: SourcePosition) {
    let declared = MessageTrigger.sensitiveFields(of: expression, in: entity, catalog) { $0.declaredClassification }
    for name in declared {
      collector.error(position, "“\(entity.label)”的“\(name)”是敏感内容，不能写进消息，也不能用作触发条件；请让收件人到记录里看")
    }
    let labelled = MessageTrigger.sensitiveFields(of: expression, in: entity, catalog) { $0.classification }
    for name in labelled where !declared.contains(name) {
      collector.warning(position, "“\(entity.label)”的“\(name)”已标为敏感：消息里不再写出它，用它作触发条件的不再发送")
    }
  }

  private func entity(_ reader: MappingReader) -> EntityDeclaration? {
    guard let name = reader.text("register") else {
      collector.error(reader.position, "触发条件缺少 register")
      return nil
    }
    guard let entity = catalog.entity(name) else {
      let names = catalog.entities.map(\.name)
      collector.error(reader.place("register"), "没有登记表“\(name)”\(Suggestion.text(for: name, among: names))")
      return nil
    }
    return entity
  }

  private func expression(_ node: YAMLNode, _ entity: EntityDeclaration) -> Expression? {
    guard let text = node.text else {
      collector.error(node.position, "这里应是公式")
      return nil
    }
    do throws(ExpressionFailure) {
      return try Expression(parsing: text, at: node.textPosition, for: entity, and: [])
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }

  private func audience(_ reader: MappingReader, _ entity: EntityDeclaration) -> MessageTrigger.Audience? {
    guard let to = reader.mapping("to", "触发条件的 to", keys: ["user", "unit", "phone", "role"]) else {
      if !reader.has("to") { collector.error(reader.position, "触发条件缺少 to：发给谁") }
      return nil
    }
    func field(_ key: String, _ wanted: String, _ isRight: (FieldType) -> Bool) -> String? {
      guard let name = to.text(key) else { return nil }
      guard let field = entity.field(name), field.isStored else {
        let names = entity.storedFields.map(\.name)
        collector.error(to.place(key), "“\(entity.label)”没有字段“\(name)”\(Suggestion.text(for: name, among: names))")
        return nil
      }
      if !isRight(field.type) {
        collector.error(to.place(key), "“\(field.label)”是\(field.type.label)，应是\(wanted)")
        return nil
      }
      return name
    }
    let role = to.text("role")
    if let role, !to.has("unit") { collector.error(to.place("role"), "role 只和 unit 一起用（\(role)）") }
    if let role, catalog.role(role) == nil {
      collector.error(to.place("role"), "没有角色“\(role)”\(Suggestion.text(for: role, among: catalog.roles.map(\.name)))")
    }
    if let name = field("user", "对用户的引用", { $0 == .ref(entity: "app_user") }) { return .user(field: name) }
    if let name = field("unit", "对机构的引用", { $0 == .ref(entity: "unit") }) { return .unit(field: name, role: role) }
    if let name = field("phone", "电话号码", { $0 == .phone }) { return .phone(field: name) }
    if !to.has("user"), !to.has("unit"), !to.has("phone") {
      collector.error(to.position, "触发条件的 to 要写 user、unit 或 phone 之一，值是记录的字段")
    }
    return nil
  }
}
