package import Access
package import Audit
import Core
import SQL
import YAML

extension ParameterDeclaration {
  /// The group of the installation's own parameters (自建参数, C-479); their names begin with it and a dot.
  package static let ownGroup = "own"

  /// Made here in the browser, not delivered.
  package var isOwn: Bool { name.hasPrefix(ParameterDeclaration.ownGroup + ".") }
}

/// A parameter of the installation's own, as it is typed in.
package struct OwnParameter: Sendable, Hashable {
  /// Without the group.
  package var name = ""
  /// What it is called on pages (参数名称).
  package var label = ""
  /// One of ``types``.
  package var type = "text"
  /// Of a code.
  package var dictionary = ""
  /// The value until somebody sets another.
  package var initial = ""
  /// The least value of a number.
  package var minimum = ""
  /// Of texts the greatest number of characters.
  package var maximum = ""
  /// The unit of measure of a number (单位).
  package var unit = ""
  /// What it is for (说明).
  package var help = ""

  package init() {}

  /// Types whose values fit in one line.
  package static let types = ["text", "integer", "decimal", "money", "boolean", "date", "code", "phone"]

  fileprivate init?(_ node: YAMLNode) {
    guard let name = node["name"]?.text, let type = node["type"]?.text else { return nil }
    self.name = name
    self.type = type
    label = node["label"]?.text ?? ""
    dictionary = node["dictionary"]?.text ?? ""
    initial = node["default"]?.text ?? ""
    minimum = node["min"]?.text ?? ""
    maximum = node["max"]?.text ?? ""
    unit = node["unit"]?.text ?? ""
    help = node["help"]?.text ?? ""
  }

  /// One line of a declaration; a JSON text is a text of YAML too.
  fileprivate var yaml: String {
    var parts = ["name: \(name)", "label: \(JSON.string(label).text)", "type: \(type)"]
    if type == "code" { parts.append("dictionary: \(dictionary)") }
    parts.append("default: \(JSON.string(initial).text)")
    if !minimum.isEmpty { parts.append("min: \(minimum)") }
    if !maximum.isEmpty { parts.append("max: \(maximum)") }
    if !unit.isEmpty { parts.append("unit: \(JSON.string(unit).text)") }
    if !help.isEmpty { parts.append("help: \(JSON.string(help).text)") }
    return "  - {\(parts.joined(separator: ", "))}"
  }
}

/// Parameters that administrators add and delete (系统参数维护, C-479): one declaration made at run time, so that they are
/// typed, checked, changed, set back and audited as those that ship. Message templates may say them: `{own.hotline}`.
extension RuntimeSettings {
  /// The name under which they are kept.
  static let ownParameters = "parameters.own"

  /// An own parameter as it could be typed in again; `nil` for one that is not there.
  package func ownParameter(_ name: String) async throws -> OwnParameter? {
    try await held(in: database).first { $0.name == name }
  }

  private func held(in session: some SQLSession) async throws -> [OwnParameter] {
    let row = try await session.query(
      "select yaml from runtime_declaration where origin = \(RuntimeSettings.ownParameters)"
    ).first
    guard let yaml = try row?.get("yaml", as: String.self) else { return [] }
    do throws(YAMLFailure) {
      return (try YAMLNode(parsing: yaml, file: RuntimeSettings.ownParameters)["items"]?.sequence ?? []).compactMap {
        OwnParameter($0)
      }
    } catch {
      throw Fault("own-parameters-unreadable", error.message)
    }
  }

  /// Adds a parameter, or changes what is said of one; its name and type stay.
  ///
  /// - Throws: ``Refusal`` at the field that is wrong: `name` `label` `type` `dictionary` `initial` `minimum` `maximum`.
  package func put(
    _ typed: OwnParameter, isNew: Bool, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(
      Permission("parameter", isNew ? "create" : "update"), toDo: isNew ? "新增系统参数" : "修改系统参数")
    try await catalogs.refresh(from: database)
    let parameter = RuntimeSettings.tidied(typed)
    try check(parameter, isNew: isNew)
    try await change(isNew ? "create" : "update", parameter.name, principal, origin) { held in
      if isNew {
        guard !held.contains(where: { $0.name == parameter.name }) else {
          throw Refusal(.conflict, "parameter-taken", "代号“\(parameter.name)”已经用了，请换一个。", field: "name")
        }
        held.append(parameter)
      } else {
        guard let index = held.firstIndex(where: { $0.name == parameter.name }) else {
          throw Refusal(.notFound, "parameter-unknown", "没有这个自建参数，可能刚被删除。请返回参数列表。")
        }
        var changed = parameter
        (changed.type, changed.dictionary) = (held[index].type, held[index].dictionary)
        held[index] = changed
      }
    }
  }

  /// Deletes an own parameter with its value.
  ///
  /// - Parameter uses: what says it, in words.
  /// - Throws: ``Refusal`` `parameter-shipped`, `parameter-used`.
  package func removeParameter(
    _ name: String, usedBy uses: [String], by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("parameter", "delete"), toDo: "删除系统参数")
    guard let parameter = catalogs.current.parameter(name), parameter.isOwn else {
      throw Refusal(.conflict, "parameter-shipped", "随产品交付的参数不能删除，可以改它的值或恢复默认值。")
    }
    guard uses.isEmpty else {
      throw Refusal(
        .conflict, "parameter-used", "“\(parameter.label)”还有地方在用，没有删除：\(uses.joined(separator: "、"))。请先改掉它们。")
    }
    let own = String(name.dropFirst(ParameterDeclaration.ownGroup.count + 1))
    try await change("delete", own, principal, origin) { held in held.removeAll { $0.name == own } }
  }

  private func change(
    _ action: String, _ name: String, _ principal: Principal, _ origin: Origin,
    _ body: @Sendable (inout [OwnParameter]) throws -> Void
  ) async throws {
    let key = RuntimeSettings.ownParameters
    let full = "\(ParameterDeclaration.ownGroup).\(name)"
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute("select pg_advisory_xact_lock(hashtext(\(key)))")
      var held = try await held(in: transaction)
      try body(&held)
      if held.isEmpty {
        try await transaction.execute("delete from runtime_declaration where origin = \(key)")
      } else {
        let yaml =
          "parameters: \(ParameterDeclaration.ownGroup)\nlabel: 自建参数\nitems:\n"
          + held.map(\.yaml).joined(separator: "\n") + "\n"
        try RuntimeSettings.prove(yaml, catalogs.current)
        try await transaction.execute(
          """
          insert into runtime_declaration (origin, yaml, updated_at, updated_by)
          values (\(key), \(yaml), \(now), \(principal.actor))
          on conflict (origin) do update set yaml = excluded.yaml, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
          """)
      }
      if action == "delete" { try await transaction.execute("delete from parameter_value where name = \(full)") }
      try await audit.append(
        AuditEntry(
          principal, "parameter.\(action)", entity: "parameter", origin: origin,
          details: ["name": .string(full), "definition": .bool(true)]), in: transaction)
      transaction.notify(RecordChangeFeed.channel, "declaration:\(key)")
      transaction.notify(RecordChangeFeed.channel, "parameter:\(full)")
    }
    try await catalogs.refresh(from: database)
  }

  // MARK: Checks

  private static func tidied(_ typed: OwnParameter) -> OwnParameter {
    var parameter = typed
    parameter.name = TextForms.trimmed(typed.name)
    parameter.label = TextForms.trimmed(typed.label)
    parameter.initial = TextForms.trimmed(typed.initial)
    parameter.minimum = TextForms.trimmed(typed.minimum)
    parameter.maximum = TextForms.trimmed(typed.maximum)
    parameter.unit = TextForms.trimmed(typed.unit)
    parameter.help = TextForms.trimmed(typed.help)
    let isNumber = ["integer", "decimal", "money"].contains(parameter.type)
    if !isNumber { parameter.minimum = "" }
    if !isNumber, parameter.type != "text" { parameter.maximum = "" }
    if parameter.type != "code" { parameter.dictionary = "" }
    return parameter
  }

  private func check(_ parameter: OwnParameter, isNew: Bool) throws(Refusal) {
    var refusals: [Refusal] = []
    func refuse(_ field: String, _ why: String) {
      refusals.append(Refusal(.invalid, "parameter-\(field)", why, field: field))
    }
    if !DeclarationName.isValid(parameter.name) {
      refuse("name", "代号用小写字母、数字和下划线，以字母开头，最多 \(DeclarationName.maximumLength) 个字符。")
    }
    if parameter.label.isEmpty || parameter.label.unicodeScalars.count > 60 || parameter.label.contains("\n") {
      refuse("label", "请填写名称，最多 60 个字。")
    }
    let full = "\(ParameterDeclaration.ownGroup).\(parameter.name)"
    if catalogs.current.parameters.contains(where: { $0.isOwn && $0.label == parameter.label && $0.name != full }) {
      refuse("label", "已有同名的自建参数，请换一个名称。")
    }
    if isNew, !OwnParameter.types.contains(parameter.type) { refuse("type", "请选择类型。") }
    if isNew, parameter.type == "code", catalogs.current.dictionary(parameter.dictionary) == nil {
      refuse("dictionary", "请选择字典。")
    }
    for (field, text) in [("minimum", parameter.minimum), ("maximum", parameter.maximum)]
    where !text.isEmpty && FixedDecimal(text) == nil {
      refuse(field, "应是数。")
    }
    if parameter.initial.isEmpty { refuse("initial", "请填写初始值；没有人改过时就用它。") }
    if let refusal = Refusal(all: refusals) { throw refusal }
  }

  private static func prove(_ yaml: String, _ catalog: Catalog) throws {
    do throws(DeclarationFailure) {
      _ = try catalog.adding(yaml: yaml, origin: ownParameters)
    } catch {
      throw Refusal(
        .invalid, "parameter-initial", error.errors.prefix(3).map(\.message).joined(separator: "；") + "。",
        field: "initial")
    }
  }
}
