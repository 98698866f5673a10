package import Access
package import Audit
import Core
import SQL

/// Codes of dictionaries (字典项), added, changed and ordered by administrators.
extension RuntimeSettings {
  /// Adds a code to a dictionary, or changes one: its label, its place in the tree, whether it is still offered.
  ///
  /// A code itself never changes, since records hold it; what is no longer wanted is retired. What a declared code means
  /// is fixed: only its help and whether it is offered can be changed here.
  /// - Parameter isNew: refuses a code that exists.
  /// - Throws: ``Refusal`` `dictionary-unknown`, `code-invalid`, `code-taken`, `code-fixed`, `code-needed`,
  ///   `label-invalid`, `label-taken`, `parent-unknown`, `parent-circle`.
  package func put(
    _ code: String, label: String, in name: String, parent: String? = nil, retired: Bool = false, help: String? = nil,
    isNew: Bool = false, by principal: Principal, origin: Origin = .inside
  ) async throws {
    let dictionary = try dictionary(name)
    let present = dictionary.code(code)
    try principal.require(
      Permission("dictionary", present == nil ? "create" : "update"), toDo: present == nil ? "新增字典项" : "修改字典项")
    if isNew, let present {
      throw Refusal(
        .conflict, "code-taken", "编码“\(code)”已用于“\(present.label)”。请换一个编码，或去修改那一项。", field: "code")
    }
    let label = TextForms.trimmed(label)
    if present == nil { try requireForm(of: code) }
    try requireMeaning(of: code, label: label, parent: parent, in: dictionary)
    if retired, present?.retired != true { try requireDispensable(code, in: name) }
    let now = clock.now()
    let help = help.map(TextForms.trimmed).flatMap { $0.isEmpty ? nil : $0 }
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into dictionary_code (dictionary, code, label, parent, retired, help, updated_at, updated_by)
        values (\(name), \(code), \(label), \(parent), \(retired), \(help), \(now), \(principal.actor))
        on conflict (dictionary, code) do update set label = excluded.label, parent = excluded.parent,
          retired = excluded.retired, help = excluded.help, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by
        """)
      var details: [(key: String, value: JSON)] = [
        ("dictionary", .string(name)), ("code", .string(code)), ("label", .string(label)), ("retired", .bool(retired)),
      ]
      if let present {
        details += [("labelBefore", .string(present.label)), ("retiredBefore", .bool(present.retired))]
      }
      try await note(
        present == nil ? "create" : "update", details, name, by: principal, origin: origin, in: transaction)
    }
    try await catalogs.refresh(from: database)
  }

  /// Moves a code one place up or down among its siblings; does nothing at the end.
  ///
  /// - Throws: ``Refusal`` `dictionary-unknown`, `code-unknown`.
  package func move(
    _ code: String, up: Bool, in name: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("dictionary", "update"), toDo: "调整字典项的顺序")
    let dictionary = try dictionary(name)
    guard let index = dictionary.codes.firstIndex(where: { $0.code == code }) else { throw unknown(code, dictionary) }
    let parent = dictionary.codes[index].parent
    let others = dictionary.codes.indices.filter { dictionary.codes[$0].parent == parent }
    guard let neighbour = up ? others.last(where: { $0 < index }) : others.first(where: { $0 > index }) else { return }
    var codes = dictionary.codes.map(\.code)
    codes.swapAt(index, neighbour)
    let ordered = codes
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into dictionary_order (dictionary, codes, updated_at, updated_by)
        values (\(name), \(ordered), \(now), \(principal.actor))
        on conflict (dictionary) do update set codes = excluded.codes, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by
        """)
      let details: [(key: String, value: JSON)] = [
        ("dictionary", .string(name)), ("code", .string(code)), ("moved", .string(up ? "up" : "down")),
      ]
      try await note("update", details, name, by: principal, origin: origin, in: transaction)
    }
    try await catalogs.refresh(from: database)
  }

  /// Takes away a code that was made here by mistake: retired, and used by no record, not even a past version of one.
  ///
  /// - Throws: ``Refusal`` `dictionary-unknown`, `code-unknown`, `code-fixed`, `code-offered`, `code-used`.
  package func remove(
    _ code: String, from name: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("dictionary", "delete"), toDo: "删除字典项")
    let dictionary = try dictionary(name)
    guard let present = dictionary.code(code) else { throw unknown(code, dictionary) }
    let isDeclared = catalogs.declared.dictionary(name)?.code(code) != nil
    if isDeclared {
      throw Refusal(.conflict, "code-fixed", "字典项“\(present.label)”由声明给出，不能删除，可以停用。没有改动。")
    }
    guard present.retired else {
      throw Refusal(.conflict, "code-offered", "请先停用字典项“\(present.label)”，确认无人使用后再删除。没有改动。")
    }
    if let child = dictionary.codes.first(where: { $0.parent == code }) {
      throw Refusal(.conflict, "code-used", "“\(child.label)”是“\(present.label)”的下级，请先改它的上级。没有改动。")
    }
    let uses = try await uses(of: code, in: name)
    if let use = uses.first {
      throw Refusal(
        .conflict, "code-used",
        "\(use.entity.label)的“\(use.field.label)”里有记录（含历史版本）用着“\(present.label)”，不能删除，可以一直停用。没有改动。")
    }
    try await database.transaction { transaction in
      try await transaction.execute("delete from dictionary_code where dictionary = \(name) and code = \(code)")
      let details: [(key: String, value: JSON)] = [
        ("dictionary", .string(name)), ("code", .string(code)), ("label", .string(present.label)),
      ]
      try await note("delete", details, name, by: principal, origin: origin, in: transaction)
    }
    try await catalogs.refresh(from: database)
  }

  /// Who last added or changed which code here, by code.
  package func codeChanges(in name: String) async throws -> [String: SettingChange] {
    var changes: [String: SettingChange] = [:]
    let rows = try await database.query(
      "select code, updated_at, updated_by from dictionary_code where dictionary = \(name)")
    for row in rows {
      changes[try row.get("code")] = SettingChange(at: try row.get("updated_at"), by: try row.get("updated_by"))
    }
    return changes
  }

  // MARK: Rules

  private func dictionary(_ name: String) throws(Refusal) -> DictionaryDeclaration {
    guard let dictionary = catalogs.current.dictionary(name) else {
      throw Refusal(.notFound, "dictionary-unknown", "没有名为“\(name)”的字典。请从字典列表重新进入。")
    }
    return dictionary
  }

  private func unknown(_ code: String, _ dictionary: DictionaryDeclaration) -> Refusal {
    Refusal(.notFound, "code-unknown", "字典“\(dictionary.label)”里没有编码“\(code)”，可能刚被删除。请刷新后再试。")
  }

  private func requireForm(of code: String) throws(Refusal) {
    let isPlain = code.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "._-".utf8.contains(byte)
    }
    guard isPlain, (1...64).contains(code.utf8.count), code.utf8.first != UInt8(ascii: ".") else {
      throw Refusal(
        .unprocessable, "code-invalid", "编码由 1 到 64 个字母、数字、点、横线或下划线组成，不以点开头。", field: "code")
    }
  }

  private func requireMeaning(
    of code: String, label: String, parent: String?, in dictionary: DictionaryDeclaration
  ) throws(Refusal) {
    if let fixed = catalogs.fixedCode(code, in: dictionary.name) {
      guard label == fixed.label else {
        throw Refusal(
          .conflict, "code-fixed", "编码“\(code)”随产品交付，名称固定为“\(fixed.label)”：已有记录和规则按这个意思使用它。需要别的意思请新增编码。",
          field: "label")
      }
      guard parent == fixed.parent else {
        throw Refusal(.conflict, "code-fixed", "编码“\(code)”随产品交付，上级不能改。需要别的归属请新增编码。", field: "parent")
      }
      return
    }
    guard !label.isEmpty, label.count <= 100 else {
      throw Refusal(.unprocessable, "label-invalid", "请填写名称，最多 100 个字。", field: "label")
    }
    if let other = dictionary.code(labelled: label), other.code != code, dictionary.code(code)?.label != label {
      throw Refusal(.conflict, "label-taken", "名称“\(label)”已用于编码 \(other.code)。请换一个名称。", field: "label")
    }
    guard let parent else { return }
    if dictionary.code(parent) == nil || parent == code {
      throw Refusal(.unprocessable, "parent-unknown", "上级编码“\(parent)”不在字典中。请重新选择。", field: "parent")
    }
    var above: String? = parent
    var seen: Set = [code]
    while let current = above {
      guard seen.insert(current).inserted else {
        throw Refusal(.unprocessable, "parent-circle", "“\(parent)”在“\(label)”之下，不能作它的上级。请重新选择。", field: "parent")
      }
      above = dictionary.code(current)?.parent
    }
  }

  /// A code that declarations themselves write must stay on offer, or records could no longer be made.
  private func requireDispensable(_ code: String, in name: String) throws(Refusal) {
    let catalog = catalogs.current
    func needed(_ by: String) -> Refusal {
      Refusal(.conflict, "code-needed", "\(by)要用编码“\(code)”，停用后那里将无法保存。没有停用。", field: "retired")
    }
    for entity in catalog.entities {
      for field in entity.fields
      where field.dictionary == name && field.defaultValue?.literalResults.contains(code) == true {
        throw needed("\(entity.label)的“\(field.label)”默认值")
      }
      for action in entity.actions {
        for assignment in action.set where assignment.value.literalResults.contains(code) {
          if entity.field(assignment.field)?.dictionary == name { throw needed("\(entity.label)的操作“\(action.label)”") }
        }
      }
    }
    if let parameter = catalog.parameters.first(where: { $0.field.dictionary == name && $0.defaultValue.text == code })
    {
      throw needed("参数“\(parameter.label)”的默认值")
    }
  }

  private func note(
    _ action: String, _ details: [(key: String, value: JSON)], _ name: String, by principal: Principal, origin: Origin,
    in transaction: Transaction
  ) async throws {
    try await audit.append(
      AuditEntry(principal, "dictionary.\(action)", entity: "dictionary", origin: origin, details: .object(details)),
      in: transaction)
    transaction.notify(RecordChangeFeed.channel, "dictionary:\(name)")
  }
}
