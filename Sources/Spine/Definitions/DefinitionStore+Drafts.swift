package import Access
package import Audit
package import Cases
import Core
import Crypto
package import Entities
import Messaging
import Processes
import SQL
import YAML

extension DefinitionStore {
  /// All definitions of a kind, by label.
  package func entries(_ kind: DefinitionKind) async throws -> [DefinitionEntry] {
    var names: Set<String> = Set(released.keys.filter { $0.kind == kind }.map(\.name))
    if let document = kind.document {
      names.formUnion(catalogs.current.others.filter { $0.kind == document }.map(\.name))
    } else {
      names.formUnion(delivered.processes.keys)
    }
    var drafts: [String: (content: String, isTried: Bool)] = [:]
    for row in try await database.query(
      "select name, content, trial is not null as tried from definition_draft where kind = \(kind.rawValue)")
    {
      drafts[try row.get("name")] = (try row.get("content"), try row.get("tried"))
    }
    var since: [String: Instant] = [:]
    for row in try await database.query(
      "select name, max(at) as at from definition_force where kind = \(kind.rawValue) group by name")
    {
      since[try row.get("name")] = try row.get("at", as: Instant.self)
    }
    // What was delivered had been there before its first version of here.
    var created: [String: DefinitionEntry.Creation] = [:]
    for row in try await database.query(
      """
      select r.name, r.published_at, coalesce(u.name, '') as author
      from definition_release r left join app_user u on u.id = r.drafted_by
      where r.kind = \(kind.rawValue) and r.version = 1
      """)
    {
      let name: String = try row.get("name")
      if deliveredText(of: DefinitionKey(kind, name)) == nil {
        created[name] = .init(by: try row.get("author"), at: try row.get("published_at"))
      }
    }
    return names.union(drafts.keys).map { name in
      let key = DefinitionKey(kind, name)
      return DefinitionEntry(
        key: key, label: label(of: key, text(of: key) ?? drafts[name]?.content ?? ""), version: version(of: key),
        since: since[name], created: created[name], hasDraft: drafts[name] != nil,
        isTried: drafts[name]?.isTried ?? false)
    }.sorted { ($0.key.name) < ($1.key.name) }
  }

  /// How a text calls what it defines.
  package func label(of key: DefinitionKey, _ content: String) -> String {
    if key.kind == .process {
      let definition = try? ProcessDefinition(bpmn: Array(content.utf8), file: key.file)
      return definition?.name ?? key.name
    }
    return (try? YAMLNode(parsing: content, file: key.file))?["label"]?.text ?? key.name
  }

  // MARK: Drafts

  /// The draft of a definition; `nil` without one.
  package func draft(of key: DefinitionKey) async throws -> DefinitionDraft? {
    let row = try await database.query(
      """
      select d.*, u.name as author from definition_draft d left join app_user u on u.id = d.updated_by
      where d.kind = \(key.kind.rawValue) and d.name = \(key.name)
      """
    ).first
    guard let row else { return nil }
    let kept: JSON? = try row.get("trial", as: JSON?.self)
    return DefinitionDraft(
      content: try row.get("content"), base: try row.get("base"), author: try row.get("updated_by"),
      authorName: try row.get("author", as: String?.self) ?? "系统", updatedAt: try row.get("updated_at"),
      trial: kept.flatMap { TrialReport(json: $0) })
  }

  /// The draft, else what is in force: what an editor begins with.
  ///
  /// - Throws: ``Refusal`` `definition-missing`.
  package func workingText(of key: DefinitionKey) async throws -> (text: String, draft: DefinitionDraft?) {
    if let draft = try await draft(of: key) { return (draft.content, draft) }
    guard let text = text(of: key) else { throw DefinitionStore.missing }
    return (text, nil)
  }

  /// Keeps a text as the draft of a definition; a trial made before does not count for it any more.
  ///
  /// - Parameters:
  ///   - seen: when the draft had been changed last that the author saw, in microseconds; `nil` for none. A draft that
  ///     somebody else has changed since is not overwritten.
  /// - Throws: ``Refusal`` `draft-changed`, `draft-too-large`, `definition-name`.
  package func save(
    _ content: String, as key: DefinitionKey, seen: Int64?, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(DefinitionStore.draft, toDo: "起草流程、事项、日历和消息模板")
    guard content.utf8.count <= 1_000_000 else {
      throw Refusal(.tooLarge, "draft-too-large", "内容超过 1 MB，没有保存。请精简后再试。")
    }
    let isKnown = text(of: key) != nil
    guard isKnown || DeclarationName.isValid(key.name) else {
      throw Refusal(
        .invalid, "definition-name", "代号只用小写字母、数字和下划线，以字母开头，最多 \(DeclarationName.maximumLength) 个字符。请改正。",
        field: "name")
    }
    let now = clock.now()
    let base = version(of: key) ?? 0
    try await database.transaction { transaction in
      let row = try await transaction.query(
        """
        select updated_at from definition_draft where kind = \(key.kind.rawValue) and name = \(key.name) for update
        """
      ).first
      let known = try row?.get("updated_at", as: Instant.self).microseconds
      guard known == seen else {
        throw Refusal(.conflict, "draft-changed", "这份草稿刚被别人改动，您的改动没有保存。请刷新后在新的内容上修改。")
      }
      try await transaction.execute(
        """
        insert into definition_draft (kind, name, content, base, updated_at, updated_by)
        values (\(key.kind.rawValue), \(key.name), \(content), \(base), \(now), \(principal.actor))
        on conflict (kind, name) do update set content = excluded.content, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by, trial = null, trial_digest = null
        """)
      try await note("draft", key, by: principal, origin, in: transaction)
    }
  }

  /// Throws a draft away.
  package func discard(_ key: DefinitionKey, by principal: Principal, origin: Origin = .inside) async throws {
    try principal.require(DefinitionStore.draft, toDo: "起草流程、事项、日历和消息模板")
    try await database.transaction { transaction in
      let gone = try await transaction.execute(
        "delete from definition_draft where kind = \(key.kind.rawValue) and name = \(key.name)")
      guard gone == 1 else { throw DefinitionStore.missing }
      try await note("discard", key, by: principal, origin, in: transaction)
    }
  }

  // MARK: Checks

  /// What is wrong with a text, by the checks that the files pass; errors forbid its use.
  package func findings(of key: DefinitionKey, _ content: String) -> [Finding] {
    judge(key, content).findings
  }

  /// Everything as it would be with a text in force, for trying it out.
  package func services(with content: String, of key: DefinitionKey) -> ServiceCatalog {
    Candidate(self, released: released, draft: (key, content)).services
  }

  func judge(_ key: DefinitionKey, _ content: String) -> (candidate: Candidate, findings: [Finding]) {
    let candidate = Candidate(self, released: released, draft: (key, content))
    // What is said of others stood there before.
    var findings = candidate.findings.filter { $0.position.file == key.file }
    let known = standingFindings()
    findings += candidate.findings.filter {
      $0.position.file != key.file && $0.severity == .error && !known.contains($0)
    }
    let start = SourcePosition(file: key.file, line: 1, column: 1)
    let isFound =
      switch key.kind {
      case .process: candidate.services.processes[key.name] != nil
      case .item: candidate.services.item(key.name) != nil
      case .materials: candidate.catalog.others.contains { $0.kind == .materials && $0.name == key.name }
      case .calendar: candidate.services.calendars[key.name] != nil
      case .message: candidate.templates.template(key.name) != nil
      }
    if !findings.hasErrors, !isFound || !names(key, content) {
      findings.append(Finding(.error, start, "这份内容定义的不是“\(key.name)”。请不要改动它的种类和代号。"))
    }
    switch key.kind {
    case .item:
      if !findings.hasErrors, let item = candidate.services.item(key.name) {
        findings += GoldenRun(candidate.services, catalog: candidate.catalog).findings(of: item)
      }
    case .message: findings += missingVariables(key, candidate)
    case .process, .calendar, .materials: break
    }
    return (candidate, findings.sortedByPlace)
  }

  private func names(_ key: DefinitionKey, _ content: String) -> Bool {
    guard let kind = key.kind.document else { return true }
    return (try? YAMLNode(parsing: content, file: key.file))?[kind.rawValue]?.text == key.name
  }

  /// The program gives a message its values; which, is not the administrator's to change.
  private func missingVariables(_ key: DefinitionKey, _ candidate: Candidate) -> [Finding] {
    guard let template = candidate.templates.template(key.name) else { return [] }
    guard deliveredText(of: key) != nil else {
      return template.trigger != nil
        ? [] : [Finding(.error, template.position, "系统不知道何时发送它，请写明触发条件：哪个登记表、什么情况、发给谁")]
    }
    let given = Set(MessageVariables.names(in: deliveredText(of: key) ?? ""))
    let own = Set(template.variables.map(\.name))
    if given == own { return [] }
    let wrong = given.symmetricDifference(own).sorted().joined(separator: "、")
    return [Finding(.error, template.position, "变量由系统给出，不能增减：\(wrong)。请恢复 variables")]
  }

  // MARK: Text

  static func digest(_ content: String) -> [UInt8] { Digest.sm3(Array(content.utf8)) }
}

/// The variables that a template declares.
enum MessageVariables {
  static func names(in text: String) -> [String] {
    guard let root = try? YAMLNode(parsing: text, file: "") else { return [] }
    return (root["variables"]?.sequence ?? []).compactMap { $0["name"]?.text }
  }
}
