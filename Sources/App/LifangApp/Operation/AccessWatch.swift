import Access
import Audit
import Core
import Entities
import Identity
import Messaging
import SQL

/// Finds in the audit who looked at much personal data, looked often, or kept trying what they may not (安全审计预警,
/// C-603), enters a warning and tells the security officers. One person is warned of once an hour and kind.
struct AccessWatch: Sendable {
  let database: Database
  let store: RecordStore
  let messages: MessageCenter
  let parameters: Parameters

  private struct Suspect: Sendable {
    let user: Int64?
    let key: String
    let person: String
    let unit: String
    let address: String?
    let counts: [(kind: String, amount: Int64)]
  }

  /// Looks at the last minutes, as the parameters `watch.*` say.
  func look() async throws {
    let minutes = try parameters.integer("watch.minutes")
    let now = store.clock.now()
    let personal = store.catalog.entities.filter(\.personal).map(\.name)
    let rows = try await database.query(
      """
      select principal_kind, principal_id, max(principal_name) as person, max(unit_name) as unit,
        max(remote_address) as address,
        coalesce(sum(coalesce((details ->> 'count')::bigint, 1)) filter (where personal and looks), 0)::bigint as rows,
        count(*) filter (where personal and looks) as looks,
        count(*) filter (where personal and action like '%.reveal') as reveals,
        count(*) filter (where outcome = 'refused') as refusals
      from (
        select *, entity = any(\(personal)) as personal,
          action like '%.view' or action like '%.list' or action like '%.reveal' or action like '%.export' as looks
        from audit_entry where occurred_at > \(now + -minutes * 60) and principal_kind in ('user', 'key')
      ) e
      group by principal_kind, principal_id
      """)
    let limits = Dictionary(
      uniqueKeysWithValues: try ["rows", "looks", "reveals", "refusals"].map {
        ($0, try parameters.integer("watch.\($0)"))
      })
    for row in rows {
      let isUser = try row.get("principal_kind", as: String.self) == "user"
      let id: Int64 = try row.get("principal_id")
      let suspect = Suspect(
        user: isUser && id > 0 ? id : nil, key: "\(isUser ? "user" : "key") \(id)", person: try row.get("person"),
        unit: try row.get("unit", as: String?.self) ?? "没有单位", address: try row.get("address"),
        counts: try ["rows", "looks", "reveals", "refusals"].map { ($0, try row.get($0, as: Int64.self)) })
      for (kind, amount) in suspect.counts {
        guard let limit = limits[kind], amount > limit else { continue }
        try await warn(suspect, kind, amount, limit, minutes, at: now)
      }
    }
  }

  private func warn(
    _ suspect: Suspect, _ kind: String, _ amount: Int64, _ limit: Int64, _ minutes: Int64, at now: Instant
  ) async throws {
    let key = "\(suspect.key) \(kind) \(now.seconds / 3600)"
    let known = try await database.query("select 1 from access_warning where key = \(key)")
    guard known.isEmpty else { return }
    var values: [String: Value] = [
      "person": .text(String(suspect.person.prefix(100))), "unit_name": .text(String(suspect.unit.prefix(100))),
      "kind": .text(kind), "amount": .integer(amount), "threshold": .integer(limit), "minutes": .integer(minutes),
      "found_at": .instant(now), "key": .text(key),
    ]
    if let user = suspect.user { values["user_id"] = .integer(user) }
    if let address = suspect.address { values["remote_address"] = .text(address) }
    let made = values
    let label = store.catalog.dictionary("access_warning_kind")?.code(kind)?.label ?? kind
    do {
      try await store.database.transaction { transaction in
        try await store.records(as: .system).within(transaction).insert("access_warning", made, input: .code)
        let people = try await Responsibility(clock: store.clock).everyone(
          with: Permission("access_warning", "justify"), in: transaction)
        try await messages.send(
          "access_warning", to: people.map { .user($0) },
          [
            "person": suspect.person, "unit": suspect.unit, "kind": label, "minutes": String(minutes),
            "amount": String(amount), "threshold": String(limit),
          ], key: key, in: transaction)
      }
    } catch let refusal as Refusal where refusal.code == "duplicate" {
      // Another node was quicker.
    }
  }

  /// Looks once a minute, until the task is cancelled.
  func run(_ rounds: Rounds) async { await rounds.every(.seconds(60), "access-watch-failed") { try await look() } }
}
