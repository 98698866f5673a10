import Access
package import Core
package import Entities
package import SQL

/// Who is on duty (值班): for the calendar of a month, for whoever is on duty, and for what has to be handed to somebody now.
package struct DutyRoster: Sendable {
  /// The register of duties (值班表).
  package static let register = "duty_shift"

  /// Where they stand.
  package let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// A duty as pages show it.
  package struct Shift: Sendable, Hashable {
    /// Of the record.
    package let id: Int64
    /// The day it is counted to.
    package let date: CivilDate
    /// What it is called (班次): 白班, 夜班.
    package let name: String
    /// A code of `duty_kind` (值班类别).
    package let kind: String
    /// Who is on duty, by name.
    package let person: String
    /// When it begins.
    package let begin: Instant
    /// When it ends, the instant itself not counted.
    package let end: Instant
    /// The telephone of the duty, not of the person.
    package let phone: String?
    /// What to mind (注意事项), while it is valid.
    package let cautions: String?
  }

  /// Somebody on duty, and the unit whose duty it is.
  package struct Officer: Sendable, Hashable {
    /// The account of whoever is on duty.
    package let user: Int64
    /// Whose duty it is (值班单位).
    package let unit: Int64
  }

  private static let columns = [
    "name", "kind", "on_date", "starts_at", "ends_at", "user_id", "phone", "cautions", "cautions_until",
  ]

  private func shift(_ record: Record) -> Shift? {
    guard let date = record["on_date"].date, let begin = record["starts_at"].instant,
      let end = record["ends_at"].instant
    else { return nil }
    let isValid = record["cautions_until"].date.map { $0 >= store.clock.today() } ?? true
    return Shift(
      id: record.id, date: date, name: record["name"].text ?? "", kind: record.titles["kind"] ?? "",
      person: record.titles["user_id"] ?? "", begin: begin, end: end, phone: record["phone"].text,
      cautions: isValid ? record["cautions"].text : nil)
  }

  /// The duties of a month within the scope of `records`, by day, in the order of their begin.
  ///
  /// - Parameter filters: further conditions, such as one kind.
  package func month(_ first: CivilDate, _ filters: [ListFilter], _ records: Records) async throws
    -> [CivilDate: [Shift]]
  {
    let last = first.adding(months: 1).adding(days: -1)
    let found = try await records.list(
      ListQuery(
        DutyRoster.register,
        filters: [ListFilter("on_date", .range(from: .date(first), to: .date(last)))] + filters,
        sort: [.init(field: "on_date", descending: false)], columns: DutyRoster.columns, limit: ListQuery.maximumLimit)
    ).records.compactMap(shift)
    return Dictionary(grouping: found, by: \.date).mapValues { shifts in
      shifts.sorted { ($0.begin, $0.kind, $0.id) < ($1.begin, $1.kind, $1.id) }
    }
  }

  /// The duties that run now within the scope of `records`.
  package func now(_ filters: [ListFilter], _ records: Records) async throws -> [Shift] {
    let now = store.clock.now()
    let today = now.chinaTime.date
    return try await records.list(
      ListQuery(
        DutyRoster.register,
        filters: [
          ListFilter("on_date", .range(from: .date(today.adding(days: -31)), to: .date(today))),
          ListFilter("starts_at", .range(from: nil, to: .instant(now))),
          ListFilter("ends_at", .range(from: .instant(Instant(microseconds: now.microseconds + 1)), to: nil)),
        ] + filters, columns: DutyRoster.columns, limit: 50)
    ).records.compactMap(shift)
  }

  /// The duty of a user that runs now (值班提示), whether or not they may see the register.
  package func own(of user: Int64) async throws -> [Shift] {
    try await now(
      [ListFilter("user_id", .equals(.integer(user)))], store.records(as: .system, purpose: "值班提示"))
  }

  /// Who is on duty at `time` in this kind of duty, whose shift began last first.
  package func officers(_ kind: String, at time: Instant, in session: some SQLSession) async throws -> [Officer] {
    try await session.query(
      """
      select d.user_id, d.unit_id from duty_shift d join app_user u on u.id = d.user_id and u.status = 'active'
      where d.kind = \(kind) and d.starts_at <= \(time) and d.ends_at > \(time) order by d.starts_at desc, d.id
      """
    ).map { Officer(user: try $0.get("user_id"), unit: try $0.get("unit_id")) }
  }
}
