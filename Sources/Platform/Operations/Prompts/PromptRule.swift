import Access
package import Core
package import Entities

/// Of what somebody has to be told (研判规则, A-004): records of a register that fulfil a condition, each by itself, gathered
/// by what they refer to, or beside those of another register. One that cannot be worked out cannot be made.
package struct PromptRule: Sendable {
  /// The register of rules (研判规则).
  package static let register = "prompt_rule"

  /// The dictionary of the registers that rules may be about.
  static let subjects = "prompt_register"

  /// The dictionary of registers that only those know of who answer for them (只给主管人员的登记表): a rule that touches one is
  /// restricted, whatever its author ticked.
  private static let confidential = "prompt_restricted"

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
  /// Whether only those see its prompts who are in charge (只给主管人员).
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
    let named = ["register", "beside_register"].compactMap { values($0).text }
    let isRestricted = values("restricted").boolean == true || named.contains { PromptRule.isConfidential($0, catalog) }
    let reader = Reader(catalog: catalog, isRestricted: isRestricted)
    entity = try reader.entity(values("register").text, "register")
    condition = try reader.condition(values("condition").text, of: entity, "condition")
    let gathering = PromptRule.text(values("group_field"))
    guard let gathering else {
      self.isRestricted = isRestricted
      let occasion = try reader.occasion(values("occasion_field"), of: entity)
      let officer = try reader.field(values("officer_field"), of: entity, "officer_field", .officer)
      form = .each(occasion: occasion, officer: officer, beside: try reader.beside(values, to: entity))
      return
    }
    guard let field = try reader.field(.text(gathering), of: entity, "group_field", .group),
      let subject = field.target.flatMap({ catalog.entity($0) })
    else { throw PromptRule.wrong("按哪一项归并，要填指向另一登记表的字段。", "group_field") }
    self.isRestricted = isRestricted || PromptRule.isConfidential(subject.name, catalog)
    guard let least = values("at_least").integer, least >= 2 else {
      throw PromptRule.wrong("请填写达到几个才提示，至少 2 个。", "at_least")
    }
    let distinct = try reader.field(values("distinct_field"), of: entity, "distinct_field", .distinct)
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

  /// Whether records are told of together, by what they refer to.
  var isGathered: Bool { if case .gathered = form { true } else { false } }

  /// Refuses a rule of somebody who may not read all that it reads: it is worked out with the rights of the system, and how much
  /// it finds would tell its author what they may not ask for.
  func admit(_ author: Principal) throws(Refusal) {
    if author.kind == .system { return }
    for (place, entity, fields) in reads {
      guard author.grants.scope(for: Permission(entity.name, "view")) == .all else {
        throw Refusal(
          .unprocessable, "prompt-rule-unseen",
          "您不能查看全部“\(entity.label)”，不能写或改涉及它的规则，没有保存。请由能查看的人来写，或向系统管理员申请权限。", field: place)
      }
      let hidden = fields.sorted().compactMap { entity.field($0) }.first { !Masking.mayRead($0, author) }
      if let hidden {
        throw Refusal(
          .unprocessable, "prompt-rule-masked",
          "“\(hidden.label)”属于\(hidden.classification.label)信息，您不能在规则里用它，没有保存。请换一项，或由能查看的人来写。", field: place)
      }
    }
  }

  /// The fields that it reads of each register, and which field of the rule names the register.
  private var reads: [(place: String, entity: EntityDeclaration, fields: Set<String>)] {
    var own = condition.fields
    switch form {
    case .each(let occasion, let officer, let beside):
      own.formUnion([occasion, officer].compactMap { $0?.name })
      guard let beside else { return [("register", entity, own)] }
      let other = beside.condition.fields.union([beside.field.name])
      return [("register", entity, own), ("beside_register", beside.entity, other)]
    case .gathered(let field, _, let distinct, _):
      own.formUnion([field, distinct].compactMap { $0?.name })
      return [("register", entity, own)]
    }
  }

  /// The fields it names, by where: its author may have written their labels.
  var named: [(place: String, field: FieldDeclaration)] {
    let named: [(String, FieldDeclaration?)] =
      switch form {
      case .each(let occasion, let officer, let beside):
        [("occasion_field", occasion), ("officer_field", officer), ("beside_field", beside?.field)]
      case .gathered(let field, _, let distinct, _): [("group_field", field), ("distinct_field", distinct)]
      }
    return named.compactMap { place, field in field.map { (place, $0) } }
  }

  /// Whether a write can have changed what this rule says of a record.
  func concerns(_ event: RecordEvent, in context: EvaluationContext) -> Bool {
    func holds(_ values: [String: Value]) -> Bool {
      (try? condition.holds(in: context) { values[$0] ?? .null }) ?? false
    }
    let (was, holds) = (event.kind != .created && holds(event.before), event.kind != .deleted && holds(event.after))
    if was != holds { return true }
    guard holds, case .each(let occasion, let officer, _) = form else { return false }
    return [occasion?.name, officer?.name, entity.scope.division].contains { name in
      name.map { event.before[$0] != event.after[$0] } ?? false
    }
  }

  private static func isConfidential(_ register: String, _ catalog: Catalog) -> Bool {
    catalog.dictionary(confidential)?.code(register) != nil
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

    func field(_ value: Value, of entity: EntityDeclaration, _ place: String, _ use: Place) throws(Refusal)
      -> FieldDeclaration?
    {
      guard let name = text(value) else { return nil }
      guard let field = PromptRule.field(name, of: entity), use.takes(field) else {
        let choice = PromptRule.choice(of: entity, at: use)
        throw wrong("“\(entity.label)”的“\(name)”不能用在这里，或没有这个字段。\(choice)", place)
      }
      try restrict(field, place)
      return field
    }

    /// What makes another time of it: something short that compares exactly.
    func occasion(_ value: Value, of entity: EntityDeclaration) throws(Refusal) -> FieldDeclaration? {
      try field(value, of: entity, "occasion_field", .occasion)
    }

    /// What is sensitive shows in who is listed and when, so only a restricted rule may use it.
    private func restrict(_ field: FieldDeclaration, _ place: String) throws(Refusal) {
      guard PromptRule.restricts(field), !isRestricted else { return }
      throw wrong("“\(field.label)”是敏感内容，用到它的规则要勾选“只给主管人员”。", place)
    }

    func condition(_ text: String?, of entity: EntityDeclaration, _ place: String) throws(Refusal) -> Expression {
      let condition: Expression
      do throws(ExpressionFailure) { condition = try Expression(parsing: text ?? "", for: entity) } catch {
        let isUnknown = error.message.contains("字段")
        let choice = isUnknown ? PromptRule.choice(of: entity, at: .condition) : ""
        throw wrong("条件第 \(error.column) 个字符处：\(error.message)。\(choice)", place)
      }
      guard condition.type == .boolean else { throw wrong("条件应能判断是否成立，这里得到的是\(condition.type.label)。", place) }
      if let name = condition.encryptedFields.sorted().first {
        throw wrong("“\(entity.field(name)?.label ?? name)”加密存放，不能用作条件。", place)
      }
      for name in condition.fields.sorted() {
        if let field = entity.field(name) { try restrict(field, place) }
      }
      return condition
    }

    func beside(_ values: (String) -> Value, to entity: EntityDeclaration) throws(Refusal) -> Beside? {
      guard let name = text(values("beside_register")) else { return nil }
      let other = try self.entity(name, "beside_register")
      guard let field = try field(values("beside_field"), of: other, "beside_field", .beside(entity.name)) else {
        throw wrong(
          "请填写对照字段：“\(other.label)”里指向“\(entity.label)”的字段。\(PromptRule.choice(of: other, at: .beside(entity.name)))",
          "beside_field")
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
