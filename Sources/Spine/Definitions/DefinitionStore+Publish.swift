package import Access
package import Audit
import Core
import Entities
import SQL

extension DefinitionStore {
  /// Goes through recorded cases and golden cases with the draft and keeps what would go otherwise (试运行).
  ///
  /// - Throws: ``Refusal`` `definition-missing` without a draft, `definition-wrong` when the checks find an error.
  @discardableResult
  package func tryOut(_ key: DefinitionKey, by principal: Principal, origin: Origin = .inside) async throws
    -> TrialReport
  {
    try principal.require(DefinitionStore.draft, toDo: "试运行草稿")
    guard let draft = try await draft(of: key) else { throw DefinitionStore.missing }
    let (candidate, findings) = judge(key, draft.content)
    if let first = findings.first(where: { $0.severity == .error }) {
      throw Refusal(
        .unprocessable, "definition-wrong", "草稿还有错误，不能试运行：\(first.message)（\(first.position)）。请改正后再试。")
    }
    let report = try await Trial(self, key, candidate).report()
    try await database.transaction { transaction in
      let kept = try await transaction.execute(
        """
        update definition_draft set trial = \(report.json.text)::jsonb, trial_digest = \(DefinitionStore.digest(draft.content))
        where kind = \(key.kind.rawValue) and name = \(key.name) and content = \(draft.content)
        """)
      guard kept == 1 else {
        throw Refusal(.conflict, "draft-changed", "试运行时草稿被改动了，结果没有保存。请重新试运行。")
      }
      try await note("try", key, by: principal, origin, in: transaction)
    }
    return report
  }

  /// Puts the draft in force as a new version; cases that run stay on theirs (发布).
  ///
  /// - Parameter note: why, for the history.
  /// - Returns: its number.
  /// - Throws: ``Refusal`` `definition-own` to whoever drafted it, `definition-untried` without a trial of this text
  ///   against what is in force, `definition-wrong`, `definition-faults`.
  @discardableResult
  package func publish(_ key: DefinitionKey, note text: String, by principal: Principal, origin: Origin = .inside)
    async throws -> Int
  {
    try principal.require(DefinitionStore.publish, toDo: "发布流程、事项、日历和消息模板")
    let text = try DefinitionStore.reason(text)
    guard let draft = try await draft(of: key) else { throw DefinitionStore.missing }
    guard draft.author != principal.actor else {
      throw Refusal(.forbidden, "definition-own", "起草人不能发布自己的草稿，没有发布。请另一位有发布权限的管理员复核后发布。")
    }
    try await refresh()
    guard let trial = draft.trial, trial.against == version(of: key) else {
      throw Refusal(
        .conflict, "definition-untried", "这份草稿还没有对着现行版本试运行，没有发布。请起草人先试运行，看过差异后再发布。")
    }
    if let fault = trial.faults.first {
      throw Refusal(.conflict, "definition-faults", "试运行发现问题，不能发布：\(fault)")
    }
    let (_, findings) = judge(key, draft.content)
    if let first = findings.first(where: { $0.severity == .error }) {
      throw Refusal(.unprocessable, "definition-wrong", "草稿有错误，没有发布：\(first.message)（\(first.position)）")
    }
    let now = clock.now()
    let version = try await database.transaction { transaction -> Int in
      try await lock(transaction)
      let gone = try await transaction.execute(
        """
        delete from definition_draft where kind = \(key.kind.rawValue) and name = \(key.name)
          and content = \(draft.content) and trial_digest = \(DefinitionStore.digest(draft.content))
        """)
      guard gone == 1 else {
        throw Refusal(.conflict, "draft-changed", "草稿刚被改动，没有发布。请刷新后重新查看。")
      }
      let rows = try await transaction.query(
        """
        insert into definition_release (kind, name, version, content, note, drafted_by, published_by, published_at)
        select \(key.kind.rawValue), \(key.name), coalesce(max(version), 0) + 1, \(draft.content), \(text),
          \(draft.author), \(principal.actor), \(now)
        from definition_release where kind = \(key.kind.rawValue) and name = \(key.name)
        returning version
        """)
      guard let version: Int = try rows.first?.get("version") else { throw Fault("release-without-row", key.name) }
      try await put(version, of: key, isRollback: false, text, by: principal, at: now, in: transaction)
      try await note("publish", key, version: version, by: principal, origin, in: transaction)
      return version
    }
    try await refresh()
    return version
  }

  /// Puts an earlier version in force again (回退); 0 is what was delivered.
  ///
  /// - Throws: ``Refusal`` `definition-version` when there is none of that number, or it is in force; `definition-wrong`
  ///   when it no longer goes with the rest.
  package func rollBack(
    _ key: DefinitionKey, to version: Int, note text: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(DefinitionStore.publish, toDo: "回退流程、事项、日历和消息模板")
    let text = try DefinitionStore.reason(text)
    try await refresh()
    guard let content = try await content(of: key, version: version), version != self.version(of: key) else {
      throw Refusal(.conflict, "definition-version", "没有这个版本，或它正在生效，没有改动。请从版本记录里另选一个。")
    }
    let (_, findings) = judge(key, content)
    if let first = findings.first(where: { $0.severity == .error }) {
      throw Refusal(
        .unprocessable, "definition-wrong", "这个版本与现在的其他设置不相符，没有回退：\(first.message)。请另选版本，或从它起草一份改好再发布。")
    }
    let now = clock.now()
    try await database.transaction { transaction in
      try await lock(transaction)
      try await put(version, of: key, isRollback: true, text, by: principal, at: now, in: transaction)
      try await note("rollback", key, version: version, by: principal, origin, in: transaction)
    }
    try await refresh()
  }

  // MARK: Versions

  /// The text of a version; 0 is what was delivered.
  package func content(of key: DefinitionKey, version: Int) async throws -> String? {
    if version == 0 { return deliveredText(of: key) }
    return try await database.query(
      """
      select content from definition_release
      where kind = \(key.kind.rawValue) and name = \(key.name) and version = \(version)
      """
    ).first?.get("content")
  }

  /// Everything that was published, the latest first.
  package func releases(of key: DefinitionKey) async throws -> [DefinitionRelease] {
    try await database.query(
      """
      select r.*, a.name as drafter, b.name as publisher from definition_release r
        left join app_user a on a.id = r.drafted_by left join app_user b on b.id = r.published_by
      where r.kind = \(key.kind.rawValue) and r.name = \(key.name) order by r.version desc
      """
    ).map { row in
      DefinitionRelease(
        version: try row.get("version"), note: try row.get("note"),
        draftedBy: try row.get("drafter", as: String?.self) ?? "系统",
        publishedBy: try row.get("publisher", as: String?.self) ?? "系统", publishedAt: try row.get("published_at"))
    }
  }

  /// What was put in force when and why, the latest first.
  package func changes(of key: DefinitionKey) async throws -> [DefinitionChange] {
    try await database.query(
      """
      select f.*, u.name as who from definition_force f left join app_user u on u.id = f.by
      where f.kind = \(key.kind.rawValue) and f.name = \(key.name) order by f.id desc
      """
    ).map { row in
      DefinitionChange(
        version: try row.get("version"), isRollback: try row.get("rollback"), at: try row.get("at"),
        by: try row.get("who", as: String?.self) ?? "系统", note: try row.get("note"))
    }
  }

  private func put(
    _ version: Int, of key: DefinitionKey, isRollback: Bool, _ text: String, by principal: Principal, at now: Instant,
    in transaction: Transaction
  ) async throws {
    try await transaction.execute(
      """
      insert into definition_force (kind, name, version, rollback, at, by, note)
      values (\(key.kind.rawValue), \(key.name), \(version), \(isRollback), \(now), \(principal.actor), \(text))
      """)
    transaction.notify(
      RecordChangeFeed.channel, "\(DefinitionStore.changePrefix)\(key.kind.rawValue)/\(key.name)")
  }

  /// Versions are published one after the other.
  private func lock(_ transaction: Transaction) async throws {
    _ = try await transaction.query("select pg_advisory_xact_lock(hashtext('definition_force'))")
  }

  private static func reason(_ text: String) throws(Refusal) -> String {
    let text = text.drop(while: \.isWhitespace)
    guard !text.isEmpty else {
      throw Refusal(.invalid, "definition-note", "请写明为什么改，版本记录里会留下。", field: "note")
    }
    return String(text.prefix(500))
  }
}
