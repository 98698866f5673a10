import Access
import Audit
package import Core
package import Entities
import SQL

/// Works rules of analysis out and keeps their prompts (研判预警) in line with what is there now (A-004).
///
/// What goes on is the same prompt, answered or not; one that ended unanswered is 已消除, and what comes back later is a new
/// one. Two that work the same rule out wait for each other.
package struct PromptSweep: Sendable {
  /// The register of prompts (研判预警).
  package static let register = "analysis_prompt"

  /// A rule that finds more than this says nothing of anybody; it waits until it is drawn tighter.
  static let most = 5000

  /// Prompts that are written at once.
  private static let page = 500

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// Works out every rule in force, each in a transaction of its own; one that fails says so in the register.
  ///
  /// - Returns: how many prompts were raised.
  package func run(log: Log) async throws -> Int {
    var raised = 0
    let system = store.records(as: .system, purpose: "分析研判")
    let active = ListFilter("active", .equals(.boolean(true)))
    for id in try await system.all(ListQuery(PromptRule.register, filters: [active], columns: ["name"])).map(\.id) {
      do {
        raised += try await store.transaction(as: .system, purpose: "分析研判", origin: .inside) { records in
          try await PromptSweep.sweep(id, records)
        }
      } catch {
        if Task.isCancelled { throw error }
        let refusal = error as? Refusal
        if refusal == nil { log.fault(error, "prompt-rule-failed", ["rule": .int(id)]) }
        let reason = refusal?.message ?? "这条规则没能研判出来，请系统管理员查看运行日志。"
        try await system.update(
          PromptRule.register, id, version: nil, ["failure": .text(String(reason.prefix(300)))], input: .code)
      }
    }
    try await markLate()
    return raised
  }

  /// Marks what nobody has answered in time (逾期未处置).
  private func markLate() async throws {
    let yesterday = store.clock.today().adding(days: -1)
    try await store.transaction(as: .system, purpose: "分析研判", origin: .inside) { records in
      let late = try await records.plain.all(
        ListQuery(
          PromptSweep.register,
          filters: [
            ListFilter("state", .equals(.text("open"))), ListFilter("is_late", .equals(.boolean(false))),
            ListFilter("due_on", .range(from: nil, to: .date(yesterday))),
          ], columns: ["number"]))
      try await PromptSweep.write(late.map { ($0.id, ["is_late": .boolean(true)]) }, records.plain)
    }
  }

  /// Works one rule out, as it stands in this transaction, and takes down when and how much it found.
  ///
  /// - Throws: ``Refusal`` of a rule that the registers have left behind, or that finds too much.
  static func sweep(_ id: Int64, _ records: Records) async throws -> Int {
    let system = records.asSystem
    let record = try await system.get(PromptRule.register, id)
    let rule = try PromptRule(id: id, { record[$0] }, records.store.catalog)
    let (found, raised) = try await settle(rule, only: nil, records)
    try await system.update(
      PromptRule.register, id, version: nil,
      ["swept_at": .instant(records.store.clock.now()), "found": .integer(Int64(found)), "failure": .null],
      input: .code)
    return raised
  }

  /// - Parameter only: the records that a rule is worked out of again; `nil` for all.
  /// - Returns: how many are there now, and for how many of them a prompt was raised.
  @discardableResult
  static func settle(_ rule: PromptRule, only: [Int64]?, _ records: Records) async throws -> (found: Int, raised: Int) {
    guard let transaction = records.transaction else { throw Fault("prompts-without-transaction", rule.name) }
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended('lifang.prompt-rule', \(rule.id)))")
    let found = rule.isActive ? try await look(rule, only: only, records, in: transaction) : []
    guard found.count <= most else {
      throw Refusal(
        .unprocessable, "prompt-rule-wide", "符合“\(rule.name)”的超过 \(most) 条，没有提示。请把条件收紧，再研判。")
    }
    let system = records.asSystem.plain
    var filters = [ListFilter("rule_id", .equals(.integer(rule.id))), ListFilter("standing", .equals(.boolean(true)))]
    if let only { filters.append(ListFilter("subject_id", .oneOf(only.map { .integer($0) }))) }
    let columns = ["key", "state", "amount", "officer_id", "division_code"]
    let standing = try await system.all(ListQuery(register, filters: filters, columns: columns))
    let known = Dictionary(standing.map { ($0["key"].text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    let now = Set(found.map(\.key))
    var changes: [(id: Int64?, values: [String: Value])] = []
    for prompt in standing where !now.contains(prompt["key"].text ?? "") {
      var values: [String: Value] = ["standing": .boolean(false)]
      if prompt["state"].text == "open" { (values["state"], values["is_late"]) = (.text("ended"), .boolean(false)) }
      changes.append((prompt.id, values))
    }
    let new = found.filter { known[$0.key] == nil }
    for one in found {
      guard let prompt = known[one.key], prompt["state"].text == "open" else { continue }
      let amount = one.amount.map { Value.integer($0) } ?? .null
      if prompt["amount"] != amount { changes.append((prompt.id, ["amount": amount])) }
    }
    let titles = try await system.titles(rule.subject.name, new.map(\.subject))
    let time = records.store.clock.now()
    for one in new { changes.append((nil, one.values(of: rule, title: titles[one.subject], at: time))) }
    try await write(changes, system)
    return (found.count, new.count)
  }

  private static func write(_ changes: [(id: Int64?, values: [String: Value])], _ system: Records) async throws {
    let batch = try RecordBatch(system, register)
    for start in stride(from: 0, to: changes.count, by: page) {
      let part = Array(changes[start..<min(start + page, changes.count)])
      let held = try await batch.hold(part.compactMap(\.id))
      // What an officer has answered meanwhile stays so, and is only no longer there.
      let items = part.enumerated().map { number, change in
        RecordBatch.Item(number: number, held: change.id.flatMap { held[$0] }, values: change.values)
      }
      let written = try await batch.write(items)
      if let refused = written.first(where: { $0.result == .rejected }) {
        throw Fault("prompt-refused", refused.reason ?? "")
      }
    }
  }
}

extension PromptSweep {
  /// Something that a rule found.
  private struct Found: Sendable {
    let subject: Int64
    let amount: Int64?
    let division: String?
    let officer: Int64?
    /// The rule and what it is about, and which time of it.
    let key: String

    func values(of rule: PromptRule, title: String?, at time: Instant) -> [String: Value] {
      let values: [String: Value] = [
        "name": .text(rule.name), "rule_id": .integer(rule.id), "level": .text(rule.level),
        "register": .text(rule.subject.name), "subject_id": .integer(subject),
        "subject": .text(String((title ?? "").prefix(200))), "amount": amount.map { .integer($0) } ?? .null,
        "advice": rule.advice.map { .text($0) } ?? .null, "division_code": division.map { .text($0) } ?? .null,
        "officer_id": officer.map { .integer($0) } ?? .null, "restricted": .boolean(rule.isRestricted),
        "raised_at": .instant(time), "due_on": .date(time.chinaTime.date.adding(days: rule.days)),
        "state": .text("open"), "key": .text(key), "standing": .boolean(true),
      ]
      return values.filter { !$0.value.isNull }
    }
  }

  private static func look(_ rule: PromptRule, only: [Int64]?, _ records: Records, in transaction: Transaction)
    async throws -> [Found]
  {
    var read = [rule.entity]
    if case .each(_, _, let beside?) = rule.form { read.append(beside.entity) }
    try await TransactionSettings.apply(
      .system, read.map { (entity: $0, permission: Permission($0.name, "view")) }, in: transaction)
    let context = EvaluationContext(now: records.store.clock.now(), principal: .system)
    let rows = try await transaction.query(statement(rule, only: only, context))
    return try rows.map { row in
      let subject: Int64 = try row.get("subject")
      let occasion: String? = try row.get("occasion")
      return Found(
        subject: subject, amount: try row.get("amount"), division: try row.get("division"),
        officer: try row.get("officer"), key: "\(rule.id) \(subject) \(occasion ?? "")")
    }
  }

  private static func statement(_ rule: PromptRule, only: [Int64]?, _ context: EvaluationContext) -> SQL {
    func column(_ field: FieldDeclaration?, _ type: SQL) -> SQL {
      field.map { "t.\(identifier: $0.name)::\(type)" } ?? "null::\(type)"
    }
    let entity = rule.entity
    let division = column(entity.scope.division.flatMap { entity.field($0) }, "text")
    let condition = rule.condition.sql(in: context, alias: "t")
    switch rule.form {
    case .each(let occasion, let officer, let beside):
      var wheres: [SQL] = ["(\(condition))"]
      if let only { wheres.append("t.id = any(\(only))") }
      if let beside {
        let found: SQL = """
          exists (select from \(identifier: beside.entity.name) b where b.\(identifier: beside.field.name) = t.id
            and (\(beside.condition.sql(in: context, alias: "b"))))
          """
        wheres.append(beside.isMissing ? "not \(found)" : found)
      }
      return """
        select t.id as subject, null::bigint as amount, \(division) as division, \(column(officer, "bigint")) as officer,
          \(column(occasion, "text")) as occasion
        from \(identifier: entity.name) t where \(SQL.join(wheres, separator: " and ")) order by t.id limit \(most + 1)
        """
    case .gathered(let field, _, let distinct, let least):
      let amount: SQL = distinct.map { "count(distinct t.\(identifier: $0.name))" } ?? "count(*)"
      return """
        select t.\(identifier: field.name) as subject, \(amount) as amount, min(\(division)) as division,
          null::bigint as officer, null::text as occasion
        from \(identifier: entity.name) t where (\(condition)) and t.\(identifier: field.name) is not null
        group by t.\(identifier: field.name) having \(amount) >= \(least) order by 2 desc, 1 limit \(most + 1)
        """
    }
  }
}
