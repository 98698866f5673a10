import Access
import Audit
package import Core
import Crypto
package import Entities
import SQL

/// Works rules of analysis out and keeps their prompts (研判预警) in line with what is there now (A-004).
///
/// What goes on is the same prompt, answered or not; one that ended unanswered is 已消除, and what comes back later is a new
/// one. What is gathered from several divisions is told to each of them. An open one follows the rule and the record: how
/// pressing it is, where, who has to act (unless it was passed on). Two that work the same rule out wait for each other.
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
      raised += try await work(id, log: log)
    }
    try await markLate()
    return raised
  }

  /// Works out one rule in force; one that fails says so in the register.
  ///
  /// - Returns: how many prompts were raised.
  @discardableResult
  package func work(_ id: Int64, log: Log) async throws -> Int {
    do {
      return try await store.transaction(as: .system, purpose: "分析研判", origin: .inside) { records in
        try await PromptSweep.sweep(id, records)
      }
    } catch {
      if Task.isCancelled { throw error }
      let refusal = error as? Refusal
      // Deleted meanwhile.
      if refusal?.kind == .notFound { return 0 }
      if refusal == nil { log.fault(error, "prompt-rule-failed", ["rule": .int(id)]) }
      let reason = refusal?.message ?? "这条规则没能研判出来，请系统管理员查看运行日志。"
      try await store.records(as: .system, purpose: "分析研判").update(
        PromptRule.register, id, version: nil, ["failure": .text(String(reason.prefix(300)))], input: .code)
      return 0
    }
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
  /// The whole register is read before anybody has to wait, and what differs from the prompts once more when others do. A rule
  /// that was changed meanwhile is left to whoever works out what it has become.
  ///
  /// - Returns: how many prompts were raised.
  /// - Throws: ``Refusal`` of a rule that the registers have left behind, or that finds too much.
  static func sweep(_ id: Int64, _ records: Records) async throws -> Int {
    let system = records.asSystem
    let record = try await system.get(PromptRule.register, id)
    let rule = try PromptRule(id: id, { record[$0] }, records.store.catalog)
    let all = try await look(rule, only: nil, records)
    // Who changes a rule has its row before its prompts, and so has this.
    let held = try await records.transaction?.query("select version from prompt_rule where id = \(id) for update").first
    guard try held?.get("version", as: Int64.self) == Int64(record.version) else { return 0 }
    try await lock(id, records)
    let standing = try await standing(id, only: nil, system.plain)
    let again = differing(all, from: standing)
    let fresh = try await look(rule, only: again.sorted(), records)
    let found = all.filter { !again.contains($0.subject) } + fresh
    let raised = try await tell(found, over: standing, rule, records)
    if rule.isRestricted { try await hide(id, system.plain) }
    try await system.update(
      PromptRule.register, id, version: nil,
      ["swept_at": .instant(records.store.clock.now()), "found": .integer(Int64(found.count)), "failure": .null],
      input: .code)
    return raised
  }

  /// What has to be looked at when others wait: no prompt stands for it, or one that says something else.
  private static func differing(_ found: [Found], from standing: [Record]) -> Set<Int64> {
    let (known, now) = (byKey(standing), Set(found.map(\.key)))
    let gone = standing.filter { !now.contains($0["key"].text ?? "") }.compactMap { $0["subject_id"].integer }
    let told = found.filter { one in known[one.key].map { !one.isTold(by: $0) } ?? true }
    return Set(gone + told.map(\.subject))
  }

  private static func byKey(_ prompts: [Record]) -> [String: Record] {
    Dictionary(prompts.map { ($0["key"].text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Works a rule out again of some of those that it is about.
  static func settle(_ rule: PromptRule, only: [Int64], _ records: Records) async throws {
    try await lock(rule.id, records)
    let found = try await look(rule, only: only, records)
    let standing = try await standing(rule.id, only: only, records.asSystem.plain)
    _ = try await tell(found, over: standing, rule, records)
  }

  /// Brings the prompts that stand in line with what was found.
  ///
  /// - Returns: how many were raised.
  private static func tell(_ found: [Found], over standing: [Record], _ rule: PromptRule, _ records: Records)
    async throws -> Int
  {
    let system = records.asSystem.plain
    let (known, now) = (byKey(standing), Set(found.map(\.key)))
    let today = records.store.clock.today()
    var changes: [Int64: [String: Value]] = [:]
    for prompt in standing where !now.contains(prompt["key"].text ?? "") {
      changes[prompt.id] = ending(prompt, on: today)
    }
    for one in found {
      guard let prompt = known[one.key], prompt["state"].text == "open" else { continue }
      changes[prompt.id] = one.facts(of: rule).filter { prompt[$0.key] != $0.value }
    }
    try await update(changes, system)
    let new = found.filter { known[$0.key] == nil }
    let titles = try await system.titles(rule.subject.name, new.map(\.subject))
    let time = records.store.clock.now()
    try await write(new.map { (nil, $0.values(of: rule, title: titles[$0.subject], at: time)) }, system)
    return new.count
  }

  /// Ends what a rule prompted that is stopped, whatever has become of the registers it is about.
  static func end(_ rule: Int64, _ records: Records) async throws {
    try await lock(rule, records)
    let system = records.asSystem.plain
    let standing = try await standing(rule, only: nil, system)
    let today = records.store.clock.today()
    try await update(Dictionary(uniqueKeysWithValues: standing.map { ($0.id, ending($0, on: today)) }), system)
  }

  /// Until the transaction ends, nobody else works out this rule.
  private static func lock(_ rule: Int64, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("prompts-without-transaction", "\(rule)") }
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended('lifang.prompt-rule', \(rule)))")
  }

  private static func standing(_ rule: Int64, only: [Int64]?, _ system: Records) async throws -> [Record] {
    var filters = [ListFilter("rule_id", .equals(.integer(rule))), ListFilter("standing", .equals(.boolean(true)))]
    if let only { filters.append(ListFilter("subject_id", .oneOf(only.map { .integer($0) }))) }
    let columns = [
      "key", "subject_id", "state", "amount", "level", "advice", "officer_id", "division_code", "restricted",
      "due_on", "is_late",
    ]
    return try await system.all(ListQuery(register, filters: filters, columns: columns))
  }

  /// Takes back what is answered or over from those who no longer see prompts of a rule that has become restricted (只给主管人员).
  private static func hide(_ rule: Int64, _ system: Records) async throws {
    let filters = [
      ListFilter("rule_id", .equals(.integer(rule))), ListFilter("restricted", .equals(.boolean(false))),
      ListFilter("state", .oneOf([.text("handled"), .text("ended")])),
    ]
    let seen = try await system.all(ListQuery(register, filters: filters, columns: ["number"]))
    try await write(seen.map { ($0.id, ["restricted": .boolean(true)]) }, system)
  }

  /// What becomes of a prompt whose reason is gone today.
  private static func ending(_ prompt: Record, on today: CivilDate) -> [String: Value] {
    guard prompt["state"].text == "open" else { return ["standing": .boolean(false)] }
    // What nobody answered in time stays counted as late (逾期未处置), also when its reason is gone before the night marks it.
    let isLate = prompt["due_on"].date.map { $0 < today } ?? false
    return [
      "standing": .boolean(false), "state": .text("ended"),
      "is_late": .boolean(isLate || prompt["is_late"].boolean == true),
    ]
  }

  private static func update(_ changes: [Int64: [String: Value]], _ system: Records) async throws {
    let ordered = changes.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
    try await write(ordered.map { ($0.key, $0.value) }, system)
  }

  private static func write(_ changes: [(id: Int64?, values: [String: Value])], _ system: Records) async throws {
    let batch = try RecordBatch(system, register)
    for start in stride(from: 0, to: changes.count, by: page) {
      let part = Array(changes[start..<min(start + page, changes.count)])
      let held = try await batch.hold(part.compactMap(\.id))
      let items = part.enumerated().map { number, change in
        let known = change.id.flatMap { held[$0] }
        return RecordBatch.Item(
          number: number, held: known, values: known.map { left(change.values, $0) } ?? change.values)
      }
      let written = try await batch.write(items.filter { !$0.values.isEmpty })
      if let refused = written.first(where: { $0.result == .rejected }) {
        throw Fault("prompt-refused", refused.reason ?? "")
      }
    }
  }

  /// What of a change an officer has left open, who answered meanwhile or passed it on.
  private static func left(_ values: [String: Value], _ held: HeldRecord) -> [String: Value] {
    if held.values["state"]?.text != "open" { return values.filter { ["standing", "restricted"].contains($0.key) } }
    return held.values["passed"]?.boolean == true ? values.filter { $0.key != "officer_id" } : values
  }
}

extension PromptSweep {
  /// Something that a rule found.
  private struct Found: Sendable {
    let subject: Int64
    let amount: Int64?
    let division: String?
    let officer: Int64?
    /// The rule and what it is about, and a keyed digest of which time of it, or the division of what was gathered.
    let key: String

    /// Whether an open prompt says what the record does; what is answered stays as it was.
    func isTold(by prompt: Record) -> Bool {
      prompt["state"].text != "open"
        || (prompt["amount"].integer == amount && prompt["division_code"].text == division
          && prompt["officer_id"].integer == officer)
    }

    /// What an open prompt says as long as it goes on.
    func facts(of rule: PromptRule) -> [String: Value] {
      [
        "level": .text(rule.level), "advice": rule.advice.map { .text($0) } ?? .null,
        "amount": amount.map { .integer($0) } ?? .null, "division_code": division.map { .text($0) } ?? .null,
        "officer_id": officer.map { .integer($0) } ?? .null, "restricted": .boolean(rule.isRestricted),
      ]
    }

    func values(of rule: PromptRule, title: String?, at time: Instant) -> [String: Value] {
      let values: [String: Value] = [
        "name": .text(rule.name), "rule_id": .integer(rule.id), "register": .text(rule.subject.name),
        "subject_id": .integer(subject), "subject": .text(String((title ?? "").prefix(200))),
        "raised_at": .instant(time), "due_on": .date(time.chinaTime.date.adding(days: rule.days)),
        "state": .text("open"), "key": .text(key), "standing": .boolean(true),
      ]
      return values.merging(facts(of: rule)) { $1 }.filter { !$0.value.isNull }
    }
  }

  /// What fulfils a rule now; of a stopped one nothing does.
  private static func look(_ rule: PromptRule, only: [Int64]?, _ records: Records) async throws -> [Found] {
    guard let transaction = records.transaction else { throw Fault("prompts-without-transaction", rule.name) }
    guard rule.isActive, only?.isEmpty != true else { return [] }
    var read = [rule.entity]
    if case .each(_, _, let beside?) = rule.form { read.append(beside.entity) }
    try await TransactionSettings.apply(
      .system, read.map { (entity: $0, permission: Permission($0.name, "view")) }, in: transaction)
    let context = EvaluationContext(now: records.store.clock.now(), principal: .system)
    let rows = try await transaction.query(statement(rule, only: only, context))
    guard rows.count <= most else {
      throw Refusal(
        .unprocessable, "prompt-rule-wide", "符合“\(rule.name)”的超过 \(most) 条，没有提示。请把条件收紧，再研判。")
    }
    let key = HMAC(key: HMAC(key: try records.store.keys.secret(.index)).derivedKey("operations/prompt"))
    return try rows.map { row in
      let subject: Int64 = try row.get("subject")
      let occasion: String? = try row.get("occasion")
      let digest = occasion.map { Hex.encode(key.authenticate("\(rule.id) \(subject) \($0)").prefix(16)) }
      let division: String? = try row.get("division")
      // A group lies in several divisions, each with a prompt of its own; one record moves, and its prompt with it.
      let part = rule.isGathered ? division : digest
      return Found(
        subject: subject, amount: try row.get("amount"), division: division, officer: try row.get("officer"),
        key: "\(rule.id) \(subject) \(part ?? "")")
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
      let these: SQL =
        only.map { "t.\(identifier: field.name) = any(\($0))" } ?? "t.\(identifier: field.name) is not null"
      let amount: SQL = distinct.map { "count(distinct t.\(identifier: $0.name))" } ?? "count(*)"
      // Each division of a group is told of the whole group, since whoever has to act may be in any of them.
      return """
        select g.subject, g.amount, d.division, null::bigint as officer, null::text as occasion
        from (
          select t.\(identifier: field.name) as subject, \(amount) as amount,
            array_agg(distinct \(division)) filter (where \(division) is not null) as divisions
          from \(identifier: entity.name) t where (\(condition)) and \(these)
          group by t.\(identifier: field.name) having \(amount) >= \(least)
        ) g left join lateral unnest(g.divisions) as d (division) on true
        order by g.amount desc, g.subject, d.division limit \(most + 1)
        """
    }
  }
}
