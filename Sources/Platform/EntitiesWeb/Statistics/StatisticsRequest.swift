import Core
import Entities
import HTTP

/// What a page of statistics was asked for: which numbers, by what, over which time (统计条件).
///
/// It stands in the address: `view` a prepared table · `by` and `across` dimensions · `per` a period · `since` `until`
/// the days, both included · `compare` with the time before · `measure` which number a cross table shows; everything
/// else filters as on the list.
struct StatisticsRequest: Sendable {
  /// Names of the address that are no filters.
  static let names: Set<String> = ["view", "by", "across", "per", "since", "until", "compare", "measure", "q"]

  let entity: EntityDeclaration
  let role: StatisticsRole
  let view: StatisticsRole.View?
  let by: FieldDeclaration?
  let across: FieldDeclaration?
  let period: StatisticsRole.Period?
  let since: CivilDate?
  let until: CivilDate?
  let compares: Bool
  /// The measure that a cross table shows.
  let measure: Int
  /// The filters as they stand in the address, those of the view among them.
  let filters: QueryItems

  /// - Throws: ``Refusal`` `statistics-none`; `query-value` for days that are none.
  init(_ entity: EntityDeclaration, _ query: QueryItems) throws(Refusal) {
    guard let role = entity.statistics, let first = role.dimensions.first else {
      throw Refusal(.notFound, "statistics-none", "\(entity.label)没有声明统计。")
    }
    self.entity = entity
    self.role = role
    let view = query.first("view").flatMap { name in role.views.first { $0.name == name } }
    self.view = view
    func dimension(_ name: String, _ standard: String?) -> FieldDeclaration? {
      let asked = query.first(name) ?? standard
      guard let asked, !asked.isEmpty, role.dimensions.contains(asked) else { return nil }
      return entity.field(asked)
    }
    var by = dimension("by", view?.by)
    var across = dimension("across", view?.across)
    var period = (query.first("per") ?? view?.period?.rawValue).flatMap { StatisticsRole.Period(rawValue: $0) }
    if by == nil, let other = across { (by, across) = (other, nil) }
    if across?.name == by?.name { across = nil }
    if role.time == nil { period = nil }
    // A date among the dimensions is the course over time.
    if let field = by, field.name == role.time {
      by = nil
      period = period ?? .month
    }
    if across?.name == role.time { across = nil }
    if period != nil { across = nil }
    if by == nil, period == nil { by = entity.field(first) }
    self.by = by
    self.across = across
    self.period = period
    since = try StatisticsRequest.day("since", query)
    until = try StatisticsRequest.day("until", query)
    compares = query.first("compare") == "true"
    measure = min(max(Int(query.first("measure") ?? "") ?? 0, 0), role.measures.count - 1)
    var filters = query.items.filter { !$0.value.isEmpty && !StatisticsRequest.names.contains($0.name) }
    for item in view?.filters ?? [] where !filters.contains(where: { $0.name == item.name }) {
      filters.append(.init(name: item.name, value: item.value))
    }
    self.filters = QueryItems(filters)
  }

  private static func day(_ name: String, _ query: QueryItems) throws(Refusal) -> CivilDate? {
    guard let text = query.first(name), !text.isEmpty else { return nil }
    guard let day = CivilDate(text) else {
      throw Refusal(.invalid, "query-value", "日期“\(text.prefix(20))”读不懂，没有统计。请写成 2026-11-21。", field: name)
    }
    return day
  }

  var path: String { "/r/\(entity.name)/statistics" }

  /// The field that periods are counted by.
  var timeField: FieldDeclaration? { role.time.flatMap { entity.field($0) } }

  /// Whether a second way of grouping makes it a cross table.
  var isCross: Bool { by != nil && (across != nil || period != nil) }

  var range: StatisticsRange { StatisticsRange(since: since, until: until) }

  // MARK: Links

  /// The list behind a number.
  func listPath(
    _ groups: [(field: FieldDeclaration, key: Value)], period: StatisticsRange?, where measure: StatisticsRole.Measure?
  )
    -> String
  {
    var items = filters
    for group in groups {
      let name = group.field.name
      if group.key.isNull {
        items = items.setting("\(name).empty", to: "true")
      } else if group.field.type == .division {
        items = items.setting("\(name).prefix", to: group.key.plainText)
      } else {
        items = items.setting(name, to: group.key.plainText)
      }
    }
    if let timeField {
      let range = period ?? range
      items = items.setting(
        "\(timeField.name).from", to: range.since.map { "\($0)" } ?? items.first("\(timeField.name).from"))
      items = items.setting(
        "\(timeField.name).to", to: range.until.map { "\($0)" } ?? items.first("\(timeField.name).to"))
    }
    if let measure, !measure.filters.isEmpty { items = narrowed(items, by: measure) }
    return items.isEmpty ? "/r/\(entity.name)" : "/r/\(entity.name)?\(items.encoded)"
  }

  /// The filters in force with those of a measure; of a field that both name, what both allow.
  private func narrowed(_ items: QueryItems, by measure: StatisticsRole.Measure) -> QueryItems {
    var kept = items.items
    for name in Set(measure.filters.map(\.name)).sorted() {
      let inForce = Set(kept.filter { $0.name == name }.map(\.value))
      let wanted = measure.filters.filter { $0.name == name && (inForce.isEmpty || inForce.contains($0.value)) }
      kept.removeAll { $0.name == name }
      kept += wanted.map { QueryItems.Item(name: name, value: $0.value) }
    }
    return QueryItems(kept)
  }

  /// The address of this page, for its export.
  func address(_ path: String, _ query: QueryItems) -> String {
    let items = QueryItems(query.items.filter { !$0.value.isEmpty })
    return items.isEmpty ? path : "\(path)?\(items.encoded)"
  }
}

/// Days from and to, both included; open where `nil`.
struct StatisticsRange: Sendable, Hashable {
  let since: CivilDate?
  let until: CivilDate?

  /// As many days just before; `nil` for a range that is open.
  var before: StatisticsRange? {
    guard let since, let until, until >= since else { return nil }
    let days = until.daysSinceEpoch - since.daysSinceEpoch + 1
    return StatisticsRange(since: since.adding(days: -days), until: since.adding(days: -1))
  }

  /// The days of a period by its key: `2026`, `2026-Q4`, `2026-11`, `2026-W47`, `2026-11-21`.
  init?(key: String, _ period: StatisticsRole.Period) {
    switch period {
    case .day:
      guard let day = CivilDate(key) else { return nil }
      self.init(since: day, until: day)
    case .week:
      let parts = key.split(separator: "-")
      guard parts.count == 2, let year = Int(parts[0]), let week = Int(parts[1].dropFirst()),
        let fourth = CivilDate(year: year, month: 1, day: 4)
      else { return nil }
      // The week with 4 January is the first (ISO 8601).
      let monday = fourth.adding(days: 1 - fourth.weekday + (week - 1) * 7)
      self.init(since: monday, until: monday.adding(days: 6))
    case .month:
      guard let first = CivilDate("\(key)-01") else { return nil }
      self.init(since: first, until: first.adding(days: CivilDate.days(inMonth: first.month, of: first.year) - 1))
    case .quarter:
      let parts = key.split(separator: "-")
      guard parts.count == 2, let year = Int(parts[0]), let quarter = Int(parts[1].dropFirst()),
        let first = CivilDate(year: year, month: quarter * 3 - 2, day: 1),
        let last = CivilDate(year: year, month: quarter * 3, day: CivilDate.days(inMonth: quarter * 3, of: year))
      else { return nil }
      self.init(since: first, until: last)
    case .year:
      guard let year = Int(key), let first = CivilDate(year: year, month: 1, day: 1),
        let last = CivilDate(year: year, month: 12, day: 31)
      else { return nil }
      self.init(since: first, until: last)
    }
  }

  init(since: CivilDate?, until: CivilDate?) {
    self.since = since
    self.until = until
  }

  /// Both ranges at once.
  func clamped(to other: StatisticsRange) -> StatisticsRange {
    StatisticsRange(
      since: [since, other.since].compactMap(\.self).max(), until: [until, other.until].compactMap(\.self).min())
  }
}
