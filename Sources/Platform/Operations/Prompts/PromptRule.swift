import Access
package import Core
package import Entities

/// Of what somebody has to be told (研判规则, A-004): records of a register that fulfil a condition, each by itself, gathered
/// by what they refer to, or beside those of another register. One that cannot be worked out cannot be made.
package struct PromptRule: Sendable {
  /// The register of rules (研判规则).
  package static let register = "prompt_rule"

  /// How records become prompts.
  enum Form: Sendable {
    /// Each record is one; another value in `occasion` is another time, and `officer` names who has to act.
    case each(occasion: FieldDeclaration?, officer: FieldDeclaration?, beside: Beside?)
    /// All records that refer to the same are one, when they are at least so many.
    case gathered(by: FieldDeclaration, of: EntityDeclaration, distinct: FieldDeclaration?, atLeast: Int64)
  }

  /// Records of another register that refer to the one judged (对照登记表), or that it lacks.
  struct Beside: Sendable {
    let entity: EntityDeclaration
    let field: FieldDeclaration
    let condition: Expression
    let isMissing: Bool
  }

  let id: Int64
  let name: String
  let entity: EntityDeclaration
  let condition: Expression
  let form: Form
  let level: String
  let days: Int
  let advice: String?
  let isRestricted: Bool
  let isActive: Bool

  /// - Throws: ``Refusal`` `prompt-rule-wrong`, with the field that is.
  package init(id: Int64, _ values: (String) -> Value, _ catalog: Catalog) throws(Refusal) {
    self.id = id
    name = values("name").text ?? ""
    level = values("level").text ?? "general"
    days = Int(values("within_days").integer ?? 7)
    advice = values("advice").text
    isActive = values("active").boolean != false
    let isRestricted = values("restricted").boolean == true
    self.isRestricted = isRestricted
    let reader = Reader(catalog: catalog, isRestricted: isRestricted)
    entity = try reader.entity(values("register").text, "register")
    condition = try reader.condition(values("condition").text, of: entity, "condition")
    let gathering = PromptRule.text(values("group_field"))
    guard let gathering else {
      let occasion = try reader.field(values("occasion_field"), of: entity, "occasion_field")
      let officer = try reader.field(values("officer_field"), of: entity, "officer_field")
      if let officer, officer.target != "app_user" {
        throw PromptRule.wrong("“\(officer.label)”不是指向用户的字段，不能当处置人。", "officer_field")
      }
      form = .each(occasion: occasion, officer: officer, beside: try reader.beside(values, to: entity))
      return
    }
    guard let field = try reader.field(.text(gathering), of: entity, "group_field"),
      let subject = field.target.flatMap({ catalog.entity($0) })
    else { throw PromptRule.wrong("按哪一项归并，要填指向另一登记表的字段。", "group_field") }
    guard let least = values("at_least").integer, least >= 2 else {
      throw PromptRule.wrong("请填写达到几个才提示，至少 2 个。", "at_least")
    }
    let distinct = try reader.field(values("distinct_field"), of: entity, "distinct_field")
    form = .gathered(by: field, of: subject, distinct: distinct, atLeast: least)
  }

  /// The register whose records the prompts are about.
  var subject: EntityDeclaration {
    switch form {
    case .each: entity
    case .gathered(_, let subject, _, _): subject
    }
  }

  /// Whether one record alone decides, so that it is judged when it is written.
  var isImmediate: Bool { if case .each(_, _, beside: nil) = form { true } else { false } }

  /// Whether a write can have changed what this rule says of a record.
  func concerns(_ event: RecordEvent, in context: EvaluationContext) -> Bool {
    func holds(_ values: [String: Value]) -> Bool {
      (try? condition.holds(in: context) { values[$0] ?? .null }) ?? false
    }
    let (was, holds) = (event.kind != .created && holds(event.before), event.kind != .deleted && holds(event.after))
    if was != holds { return true }
    guard holds, case .each(let occasion, let officer, _) = form else { return false }
    return [occasion, officer].contains { field in
      field.map { event.before[$0.name] != event.after[$0.name] } ?? false
    }
  }

  private static func text(_ value: Value) -> String? { value.text.flatMap { $0.isEmpty ? nil : $0 } }

  static func wrong(_ message: String, _ field: String) -> Refusal {
    Refusal(.unprocessable, "prompt-rule-wrong", message + "规则没有保存。", field: field)
  }

  /// Finds what a rule names.
  private struct Reader {
    let catalog: Catalog
    let isRestricted: Bool

    func entity(_ name: String?, _ place: String) throws(Refusal) -> EntityDeclaration {
      guard let entity = name.flatMap({ catalog.entity($0) }) else {
        throw wrong("没有登记表“\(name ?? "")”。", place)
      }
      return entity
    }

    func field(_ value: Value, of entity: EntityDeclaration, _ place: String) throws(Refusal) -> FieldDeclaration? {
      guard let name = text(value) else { return nil }
      guard let field = entity.field(name), field.isStored, !field.encrypted, !field.multiple else {
        throw wrong("“\(entity.label)”没有可以用在这里的字段“\(name)”。", place)
      }
      return field
    }

    /// What is sensitive shows in who is listed, so only a restricted rule may ask for it.
    func condition(_ text: String?, of entity: EntityDeclaration, _ place: String) throws(Refusal) -> Expression {
      let condition: Expression
      do throws(ExpressionFailure) { condition = try Expression(parsing: text ?? "", for: entity) } catch {
        throw wrong("条件第 \(error.column) 个字符处：\(error.message)。", place)
      }
      guard condition.type == .boolean else { throw wrong("条件应能判断是否成立，这里得到的是\(condition.type.label)。", place) }
      if let name = condition.encryptedFields.sorted().first {
        throw wrong("“\(entity.field(name)?.label ?? name)”加密存放，不能用作条件。", place)
      }
      let sensitive = condition.fields.sorted().compactMap { entity.field($0) }.first {
        $0.classification >= .sensitive
      }
      if let sensitive, !isRestricted {
        throw wrong("“\(sensitive.label)”是敏感内容，用作条件的规则要勾选“只给主管人员”。", place)
      }
      return condition
    }

    func beside(_ values: (String) -> Value, to entity: EntityDeclaration) throws(Refusal) -> Beside? {
      guard let name = text(values("beside_register")) else { return nil }
      let other = try self.entity(name, "beside_register")
      guard let field = try field(values("beside_field"), of: other, "beside_field"), field.target == entity.name else {
        throw wrong("对照字段应是“\(other.label)”里指向“\(entity.label)”的字段。", "beside_field")
      }
      return Beside(
        entity: other, field: field,
        condition: try condition(values("beside_condition").text, of: other, "beside_condition"),
        isMissing: values("beside_missing").boolean == true)
    }

    private func text(_ value: Value) -> String? { PromptRule.text(value) }
    private func wrong(_ message: String, _ field: String) -> Refusal { PromptRule.wrong(message, field) }
  }
}
