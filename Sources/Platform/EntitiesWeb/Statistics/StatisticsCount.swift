import Access
import Core
import Entities
import HTTP

/// Works out what a page of statistics was asked for.
struct StatisticsCount: Sendable {
  let request: StatisticsRequest
  let records: Records

  private var role: StatisticsRole { request.role }
  private var entity: EntityDeclaration { request.entity }

  /// Groups and columns at most; beyond them the greatest are shown and the page says so.
  static let maximumRows = 500
  static let maximumColumns = 60

  func result() async throws -> StatisticsResult {
    if request.isCross { return try await cross() }
    return request.period == nil ? try await plain() : try await course()
  }

  // MARK: Asking

  private func filters(_ range: StatisticsRange) throws -> [ListFilter] {
    let items = request.filters.items.map { ($0.name, $0.value) }
    var filters = try ListQuery(entity, items: items, ignoring: ListAddress.ignored).filters
    if let time = request.timeField, let days = rangeFilter(time, range) { filters.append(days) }
    return filters
  }

  private func rangeFilter(_ time: FieldDeclaration, _ range: StatisticsRange) -> ListFilter? {
    guard range.since != nil || range.until != nil else { return nil }
    let isDate = time.valueKind == .date
    let from: Value? = range.since.map { isDate ? .date($0) : .instant($0.start) }
    let to: Value? = range.until.map { isDate ? .date($0) : .instant($0.end) }
    return ListFilter(time.name, .range(from: from, to: to))
  }

  private func rows(
    _ groups: [AggregateQuery.Group], _ measures: [StatisticsRole.Measure], _ range: StatisticsRange,
    ordersByKey: Bool = false
  ) async throws -> [AggregateRow] {
    var query = AggregateQuery(
      entity.name, filters: try filters(range), groups: groups, measures: measures, limit: 10_000)
    query.ordersByKey = ordersByKey
    return try await records.aggregate(query)
  }

  private func group(_ field: FieldDeclaration) -> AggregateQuery.Group {
    let isTime = field.valueKind == .date || field.valueKind == .instant
    return .init(field.name, field.type == .division ? .digits(9) : isTime ? .month : .value)
  }

  private func periods(_ period: StatisticsRole.Period) -> AggregateQuery.Group {
    let cut: AggregateQuery.Group.Cut =
      switch period {
      case .day: .day
      case .week: .week
      case .month: .month
      case .quarter: .quarter
      case .year: .year
      }
    return .init(role.time ?? "", cut)
  }

  private func label(_ measure: StatisticsRole.Measure) -> String { StatisticsCount.label(measure, entity) }

  /// What a column is called.
  static func label(_ measure: StatisticsRole.Measure, _ entity: EntityDeclaration) -> String {
    if let label = measure.label { return label }
    let field = measure.field.flatMap { entity.field($0)?.label } ?? ""
    return switch measure.function {
    case .count: "数量"
    case .sum: "\(field)合计"
    case .avg: "平均\(field)"
    case .min: "最小\(field)"
    case .max: "最大\(field)"
    }
  }

  /// Dates among the dimensions that are not the register's time open by their month.
  private func opens(_ field: FieldDeclaration) -> Bool {
    field.valueKind != .date && field.valueKind != .instant
  }

  // MARK: By one thing

  private func plain() async throws -> StatisticsResult {
    guard let by = request.by else { throw Fault("statistics-without-group", entity.name) }
    var rows = try await rows([group(by)], role.measures, request.range)
    let isCut = rows.count > StatisticsCount.maximumRows
    if isCut { rows = Array(rows.prefix(StatisticsCount.maximumRows)) }
    var before: [Value: Value] = [:]
    var note = isCut ? "只列出最多的 \(StatisticsCount.maximumRows) 项。" : nil
    let beside = try await self.beside(by)
    let compares = request.compares && request.range.before != nil
    if request.compares, !compares { note = "要与上期比较，请先选起止日期。" }
    if compares, let range = request.range.before {
      for row in try await self.rows([group(by)], Array(role.measures.prefix(1)), range) {
        before[row.keys[0]] = row.measures[0]
      }
    }
    let lines = rows.map { row in
      let groups = opens(by) ? [(field: by, key: row.keys[0])] : []
      var cells = zip(role.measures, row.measures).map { measure, value in
        StatisticsCell(value: value, path: request.listPath(groups, period: nil, where: measure))
      }
      cells += beside.map { $0.cell(of: row.keys[0]) }
      if compares { cells += change(row.measures[0], before[row.keys[0]] ?? .integer(0), groups) }
      return StatisticsResult.Line(
        label: row.labels[0], path: request.listPath(groups, period: nil, where: nil), cells: cells)
    }
    let more = alone(beside, rows, compares)
    return StatisticsResult(
      title: "按\(by.label)统计\(entity.label)", heading: by.label,
      columns: role.measures.map(label) + beside.map(\.label) + (compares ? ["上期", "增减", "增减 %"] : []),
      lines: lines + more, totals: try await totals() + beside.map(\.total), note: note, isCourse: false,
      charted: 0..<1)
  }

  /// The groups that only the registers beside have something in.
  private func alone(_ beside: [StatisticsBeside], _ rows: [AggregateRow], _ compares: Bool) -> [StatisticsResult.Line]
  {
    var seen = Set(rows.map { $0.keys[0] })
    var lines: [StatisticsResult.Line] = []
    for row in beside.flatMap(\.rows)
    where lines.count + rows.count < StatisticsCount.maximumRows && seen.insert(row.keys[0]).inserted {
      let none = StatisticsCell(value: .integer(0), path: nil)
      let missing = StatisticsCell(value: .null, path: nil)
      lines.append(
        StatisticsResult.Line(
          label: row.labels[0], path: nil,
          cells: role.measures.map { $0.function == .count ? none : missing } + beside.map { $0.cell(of: row.keys[0]) }
            + (compares ? [none, none, missing] : [])))
    }
    return lines
  }

  /// What the registers beside count by the same thing, as far as the person may see them.
  private func beside(_ by: FieldDeclaration) async throws -> [StatisticsBeside] {
    var found: [StatisticsBeside] = []
    for beside in role.beside where records.principal.may(Permission(beside.register, "view")) {
      guard let other = records.store.catalog.entity(beside.register), entity.shares(by.name, with: other) else {
        continue
      }
      // What this list is filtered by narrows the other too, as far as it knows the same thing.
      let shared = request.filters.items.filter { item in
        entity.shares(ListAddress.baseName(item.name), with: other)
          && !beside.filters.contains { $0.name == item.name }
      }.map { StatisticsRole.Filter(name: $0.name, value: $0.value) }
      let items = beside.filters + shared
      var filters = try ListQuery(other, items: items.map { ($0.name, $0.value) }).filters
      var days: [StatisticsRole.Filter] = []
      if let time = other.statistics?.time.flatMap({ other.field($0) }) {
        if let range = rangeFilter(time, request.range) { filters.append(range) }
        if let since = request.range.since { days.append(.init(name: "\(time.name).from", value: "\(since)")) }
        if let until = request.range.until { days.append(.init(name: "\(time.name).to", value: "\(until)")) }
      }
      let rows = try await records.aggregate(
        AggregateQuery(
          other.name, filters: filters, groups: [group(by)], measures: [.init(function: .count, field: nil)],
          limit: StatisticsCount.maximumRows))
      found.append(StatisticsBeside(label: beside.label, entity: other.name, by: by, items: items + days, rows: rows))
    }
    return found
  }

  private func change(_ now: Value, _ before: Value, _ groups: [(field: FieldDeclaration, key: Value)])
    -> [StatisticsCell]
  {
    let previous = StatisticsCell(
      value: before,
      path: request.range.before.map { request.listPath(groups, period: $0, where: role.measures.first) })
    guard let now = now.integer, let old = before.integer else {
      return [previous, StatisticsCell(value: .null, path: nil), StatisticsCell(value: .null, path: nil)]
    }
    let share =
      old == 0 ? Value.null : FixedDecimal("\(tenths: (now - old) * 1000, of: old)").map { .decimal($0) } ?? .null
    return [
      previous, StatisticsCell(value: .integer(now - old), path: nil), StatisticsCell(value: share, path: nil),
    ]
  }

  private func totals() async throws -> [StatisticsCell] {
    guard let row = try await rows([], role.measures, request.range).first else { return [] }
    return zip(role.measures, row.measures).map { measure, value in
      StatisticsCell(value: value, path: request.listPath([], period: nil, where: measure))
    }
  }

  // MARK: Over time

  private func course() async throws -> StatisticsResult {
    guard let period = request.period, let time = request.timeField else {
      throw Fault("statistics-without-time", entity.name)
    }
    let rows = try await rows([periods(period)], role.measures, request.range, ordersByKey: true)
    var lines: [StatisticsResult.Line] = []
    var last: Int64?
    for row in rows.suffix(StatisticsCount.maximumRows) {
      let range = row.keys[0].text.flatMap { StatisticsRange(key: $0, period) }?.clamped(to: request.range)
      var cells = zip(role.measures, row.measures).map { measure, value in
        StatisticsCell(value: value, path: path([], range, measure, time, row.keys[0]))
      }
      let now = row.measures[0].integer
      if request.compares {
        let difference: Value = last.flatMap { last in now.map { .integer($0 - last) } } ?? .null
        cells.append(StatisticsCell(value: difference, path: nil))
      }
      last = now
      lines.append(
        StatisticsResult.Line(label: row.labels[0], path: path([], range, nil, time, row.keys[0]), cells: cells))
    }
    return StatisticsResult(
      title: "\(entity.label)按\(period.label)的变化", heading: time.label,
      columns: role.measures.map(label) + (request.compares ? ["较上\(period.label)"] : []), lines: lines,
      totals: try await totals(), note: nil, isCourse: true, charted: 0..<counted)
  }

  /// The leading measures that count records, which share a scale.
  private var counted: Int {
    max(1, role.measures.prefix { $0.function == .count }.count)
  }

  private func path(
    _ groups: [(field: FieldDeclaration, key: Value)], _ range: StatisticsRange?, _ measure: StatisticsRole.Measure?,
    _ time: FieldDeclaration, _ key: Value
  ) -> String? {
    if key.isNull { return request.listPath(groups + [(time, key)], period: nil, where: measure) }
    return range.map { request.listPath(groups, period: $0, where: measure) }
  }

  // MARK: By two things

  private func cross() async throws -> StatisticsResult {
    guard let by = request.by else { throw Fault("statistics-without-group", entity.name) }
    let measure = role.measures[request.measure]
    let second = request.period.map(periods) ?? request.across.map(group)
    guard let second else { throw Fault("statistics-without-group", entity.name) }
    let rows = try await rows([group(by), second], [measure], request.range)
    var columns: [(key: Value, label: String, sum: Double)] = []
    var lines: [(key: Value, label: String)] = []
    var values: [[Value]: Value] = [:]
    var sums: [Value: Double] = [:]
    for row in rows {
      let amount = StatisticsCell(value: row.measures[0], path: nil).number
      if sums[row.keys[1]] == nil { columns.append((row.keys[1], row.labels[1], 0)) }
      sums[row.keys[1], default: 0] += amount
      if !lines.contains(where: { $0.key == row.keys[0] }) { lines.append((row.keys[0], row.labels[0])) }
      values[row.keys] = row.measures[0]
    }
    if request.period != nil {
      columns.sort { $0.key.plainText < $1.key.plainText }
    } else {
      columns.sort { (sums[$0.key] ?? 0) > (sums[$1.key] ?? 0) }
    }
    let isCut = columns.count > StatisticsCount.maximumColumns || lines.count > StatisticsCount.maximumRows
    let shown =
      request.period == nil
      ? Array(columns.prefix(StatisticsCount.maximumColumns)) : Array(columns.suffix(StatisticsCount.maximumColumns))
    let isSum = measure.function == .count || measure.function == .sum
    let made = lines.prefix(StatisticsCount.maximumRows).map { line in
      let groups = opens(by) ? [(field: by, key: line.key)] : []
      var cells = shown.map { column in
        let value = values[[line.key, column.key]] ?? (isSum ? .integer(0) : .null)
        let isNone = value.isNull || value == .integer(0)
        return StatisticsCell(value: value, path: isNone ? nil : self.path(groups, measure, column.key))
      }
      if isSum { cells.append(sum(of: cells, path: request.listPath(groups, period: nil, where: measure))) }
      return StatisticsResult.Line(
        label: line.label, path: request.listPath(groups, period: nil, where: nil), cells: cells)
    }
    var totals: [StatisticsCell] = []
    if isSum, !made.isEmpty {
      totals = (0...shown.count).map { index in
        sum(
          of: made.map { $0.cells[index] },
          path: index < shown.count
            ? path([], measure, shown[index].key) : request.listPath([], period: nil, where: measure))
      }
    }
    return StatisticsResult(
      title: "\(label(measure))：\(by.label) × \(request.period?.label ?? request.across?.label ?? "")",
      heading: by.label, columns: shown.map(\.label) + (isSum ? ["合计"] : []), lines: Array(made), totals: totals,
      note: isCut ? "行或列太多，只列出一部分。请增加筛选条件。" : nil, isCourse: request.period != nil,
      charted: 0..<shown.count)
  }

  private func path(
    _ groups: [(field: FieldDeclaration, key: Value)], _ measure: StatisticsRole.Measure, _ key: Value
  ) -> String? {
    if let period = request.period, let time = request.timeField {
      return path(
        groups, key.text.flatMap { StatisticsRange(key: $0, period) }?.clamped(to: request.range), measure, time, key)
    }
    guard let across = request.across else { return nil }
    return request.listPath(groups + (opens(across) ? [(across, key)] : []), period: nil, where: measure)
  }

  private func sum(of cells: [StatisticsCell], path: String?) -> StatisticsCell {
    if cells.allSatisfy({ $0.value.isNull || $0.value.integer != nil }) {
      return StatisticsCell(value: .integer(cells.reduce(0) { $0 + ($1.value.integer ?? 0) }), path: path)
    }
    var money: Int64 = 0
    var isMoney = true
    var decimal = FixedDecimal(millionths: 0)
    for cell in cells {
      switch cell.value {
      case .money(let one): money += one.fen
      case .decimal(let one):
        isMoney = false
        decimal = FixedDecimal(millionths: decimal.millionths + one.millionths)
      default: break
      }
    }
    return StatisticsCell(value: isMoney ? .money(Money(fen: money)) : .decimal(decimal), path: path)
  }
}

extension DefaultStringInterpolation {
  /// `numerator / denominator`, a tenth being the last figure: `-12.5`.
  fileprivate mutating func appendInterpolation(tenths numerator: Int64, of denominator: Int64) {
    let tenths = numerator / denominator
    appendInterpolation("\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)")
  }
}
