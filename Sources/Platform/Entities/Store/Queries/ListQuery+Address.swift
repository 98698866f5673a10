package import Core
import Geo

/// How a query stands in the address of a list page and of the interface.
///
/// `kind=residential` (several times: any of them) · `name.prefix=` · `name.contains=` · `built.from=` `built.to=` (both
/// included) · `phone.empty=true` · `footprint.box=107.4,31.1,107.6,31.3` · `footprint.within=<GeoJSON>` ·
/// `location.near=107.5,31.2,1500` · `q=` free text · `sort=-updated_at,name` · `page=2` or `after=<cursor>` · `size=50` ·
/// `columns=code,name` · `at=2026-01-01T00:00` (as it stood then). A field whose name is one of these words is written
/// `size.is=`.
extension ListQuery {
  /// Words that are no field names; other parts of a page keep theirs out by ``init(_:items:ignoring:)``.
  package static let words: Set<String> = ["q", "sort", "page", "after", "size", "columns", "at"]

  /// Reads the items of an address; everything that is not understood is refused.
  ///
  /// - Parameter ignoring: names that the page itself uses, such as `view`.
  /// - Throws: ``Refusal`` naming every wrong item: `query-unknown`, `query-value`, `query-page`.
  package init(
    _ entity: EntityDeclaration, items: [(name: String, value: String)], ignoring: Set<String> = []
  ) throws(Refusal) {
    var reader = QueryReader(entity: entity)
    for item in items where !ignoring.contains(item.name) { reader.read(item.name, item.value) }
    self = try reader.query()
  }

  /// The items that ``init(_:items:ignoring:)`` reads back as this query.
  package var items: [(name: String, value: String)] {
    var items: [(name: String, value: String)] = filters.flatMap(\.items)
    if let search, !search.isEmpty { items.append(("q", search)) }
    if !sort.isEmpty {
      items.append(("sort", sort.map { ($0.descending ? "-" : "") + $0.field }.joined(separator: ",")))
    }
    if let columns { items.append(("columns", columns.joined(separator: ","))) }
    if let limit { items.append(("size", String(limit))) }
    if let asOf { items.append(("at", asOf.iso8601)) }
    switch start {
    case .offset(let offset):
      if offset > 0, let limit, limit > 0 { items.append(("page", String(offset / limit + 1))) }
    case .after(let cursor): items.append(("after", cursor.text))
    }
    return items
  }
}

extension ListFilter {
  /// The filter as items of an address.
  package var items: [(name: String, value: String)] {
    let plain = ListQuery.words.contains(field) ? field + ".is" : field
    switch test {
    case .equals(let value): return [(plain, value.addressText)]
    case .oneOf(let values): return values.map { (plain, $0.addressText) }
    case .prefix(let text): return [(field + ".prefix", text)]
    case .contains(let text): return [(field + ".contains", text)]
    case .range(let from, let to):
      return (from.map { [(field + ".from", $0.addressText)] } ?? [])
        + (to.map { [(field + ".to", $0.addressText)] } ?? [])
    case .empty(let empty): return [(field + ".empty", empty ? "true" : "false")]
    case .box(let box): return [(field + ".box", "\(box.west),\(box.south),\(box.east),\(box.north)")]
    case .within(let area): return [(field + ".within", area.geoJSON.text)]
    case .near(let place, let metres): return [(field + ".near", "\(place.longitude),\(place.latitude),\(metres)")]
    }
  }
}

extension Value {
  fileprivate var addressText: String {
    if case .boolean(let flag) = self { return flag ? "true" : "false" }
    return plainText
  }

  /// Reads one value of `field` as addresses and interfaces write it; `nil` when it is none.
  package init?(addressText text: String, for field: FieldDeclaration) {
    switch field.type.valueKind {
    case .text: self = .text(text)
    case .integer:
      guard let number = Int64(text) else { return nil }
      self = .integer(number)
    case .decimal:
      guard let number = FixedDecimal(text) else { return nil }
      self = .decimal(number)
    case .money:
      guard let money = Money(text) else { return nil }
      self = .money(money)
    case .boolean:
      switch text {
      case "true", "1", "是": self = .boolean(true)
      case "false", "0", "否": self = .boolean(false)
      default: return nil
      }
    case .date:
      guard let date = CivilDate(text) else { return nil }
      self = .date(date)
    case .instant:
      guard let instant = Instant(text) ?? CivilDate(text)?.start else { return nil }
      self = .instant(instant)
    case .list, .geometry, .json: return nil
    }
  }
}

/// Collects the items of one address.
private struct QueryReader {
  let entity: EntityDeclaration
  private var equal: [(field: String, values: [Value])] = []
  private var ranges: [(field: String, from: Value?, to: Value?)] = []
  private var filters: [ListFilter] = []
  private var refusals: [Refusal] = []
  private var search: String?
  private var sort: [ListView.Sort] = []
  private var columns: [String]?
  private var page: Int?
  private var after: String?
  private var size: Int?
  private var asOf: Instant?

  init(entity: EntityDeclaration) { self.entity = entity }

  mutating func read(_ name: String, _ value: String) {
    switch name {
    case "q": search = value.isEmpty ? nil : value
    case "sort": readSort(value)
    case "columns": readColumns(value)
    case "page":
      guard let number = Int(value), number >= 1 else { return wrong(name, value, "页码应为正整数") }
      page = number
    case "size":
      guard let number = Int(value), (1...ListQuery.maximumLimit).contains(number) else {
        return wrong(name, value, "每页条数应在 1 到 \(ListQuery.maximumLimit) 之间")
      }
      size = number
    case "after": after = value
    case "at":
      guard let instant = Instant(value) ?? CivilDate(value)?.start else {
        return wrong(name, value, "时间写作 2026-01-01 或 2026-01-01T08:00")
      }
      asOf = instant
    default: readFilter(name, value)
    }
  }

  private mutating func readSort(_ value: String) {
    for part in value.split(separator: ",") {
      let descending = part.hasPrefix("-")
      let field = String(descending ? part.dropFirst() : part)
      guard entity.field(field) != nil else { return unknown(field) }
      sort.append(ListView.Sort(field: field, descending: descending))
    }
  }

  private mutating func readColumns(_ value: String) {
    var names: [String] = []
    for part in value.split(separator: ",").map(String.init) where !names.contains(part) {
      guard let field = entity.field(part), !field.hidden else { return unknown(part) }
      names.append(part)
    }
    if !names.isEmpty { columns = names }
  }

  private mutating func readFilter(_ name: String, _ value: String) {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let field = entity.field(String(parts[0])), !field.hidden else { return unknown(name) }
    // An empty box of a filter form means no condition.
    if value.isEmpty { return }
    switch parts.count > 1 ? parts[1] : "is" {
    case "is": withValue(name, value, field) { $0.addEqual(field.name, $1) }
    case "from": withValue(name, value, field) { $0.addRange(field.name, from: $1, to: nil) }
    case "to":
      let isDay = field.type.valueKind == .instant && CivilDate(value) != nil
      withValue(name, isDay ? value + "T23:59:59.999999" : value, field) { $0.addRange(field.name, from: nil, to: $1) }
    case "prefix": filters.append(ListFilter(field.name, .prefix(value)))
    case "contains": filters.append(ListFilter(field.name, .contains(value)))
    case "empty":
      guard value == "true" || value == "false" else { return wrong(name, value, "应为 true 或 false") }
      filters.append(ListFilter(field.name, .empty(value == "true")))
    case "box":
      guard let box = try? BoundingBox(value) else { return wrong(name, value, "应依次为西、南、东、北") }
      filters.append(ListFilter(field.name, .box(box)))
    case "near":
      guard let numbers = numbers(value), numbers.count == 3,
        let place = try? Coordinate(longitude: numbers[0], latitude: numbers[1])
      else { return wrong(name, value, "应依次为经度、纬度、半径（米）") }
      filters.append(ListFilter(field.name, .near(place, metres: numbers[2])))
    case "within":
      guard let json = try? JSON(parsing: value), let area = try? Geometry(geoJSON: json),
        area.typeName.hasSuffix("Polygon")
      else { return wrong(name, value, "应为 GeoJSON 面") }
      filters.append(ListFilter(field.name, .within(area)))
    default: unknown(name)
    }
  }

  private mutating func withValue(
    _ name: String, _ text: String, _ field: FieldDeclaration, _ use: (inout QueryReader, Value) -> Void
  ) {
    guard let value = Value(addressText: text, for: field) else {
      return wrong(name, text, "应为\(field.type.label)")
    }
    use(&self, value)
  }

  private mutating func addEqual(_ field: String, _ value: Value) {
    if let index = equal.firstIndex(where: { $0.field == field }) {
      if !equal[index].values.contains(value) { equal[index].values.append(value) }
    } else {
      equal.append((field, [value]))
    }
  }

  private mutating func addRange(_ field: String, from: Value?, to: Value?) {
    if let index = ranges.firstIndex(where: { $0.field == field }) {
      ranges[index].from = from ?? ranges[index].from
      ranges[index].to = to ?? ranges[index].to
    } else {
      ranges.append((field, from, to))
    }
  }

  private func numbers(_ text: String) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let numbers = parts.compactMap { $0 }
    return numbers.count == parts.count && numbers.allSatisfy(\.isFinite) ? numbers : nil
  }

  private mutating func unknown(_ name: String) {
    refusals.append(
      Refusal(.invalid, "query-unknown", "不认识的查询条件“\(name)”。请从列表页重新筛选，或查看接口说明。", field: name))
  }

  private mutating func wrong(_ name: String, _ value: String, _ why: String) {
    refusals.append(Refusal(.invalid, "query-value", "查询条件“\(name)”的值“\(value)”不正确：\(why)。", field: name))
  }

  func query() throws(Refusal) -> ListQuery {
    if let refusal = Refusal(all: refusals) { throw refusal }
    var query = ListQuery(entity.name)
    query.filters =
      equal.map { ListFilter($0.field, $0.values.count == 1 ? .equals($0.values[0]) : .oneOf($0.values)) }
      + ranges.map { ListFilter($0.field, .range(from: $0.from, to: $0.to)) } + filters
    query.search = search
    query.sort = sort
    query.columns = columns
    query.limit = size
    query.asOf = asOf
    if let after {
      guard page == nil else {
        throw Refusal(.invalid, "query-page", "不能同时指定页码和翻页位置。")
      }
      let order = query.order(of: entity)
      query.start = .after(try ListCursor(after, order: order, of: entity))
    } else if let page {
      let (offset, overflows) = (page - 1).multipliedReportingOverflow(by: size ?? entity.list.page)
      guard !overflows, offset <= ListQuery.maximumOffset else {
        throw Refusal(
          .invalid, "query-page", "只能翻到第 \(ListQuery.maximumOffset) 条为止。请增加筛选条件缩小范围，或导出全部数据。", field: "page")
      }
      query.start = .offset(offset)
    }
    return query
  }
}

extension ListQuery {
  /// The order of the query with the id at its end, which breaks ties.
  func order(of entity: EntityDeclaration) -> [ListView.Sort] {
    var order: [ListView.Sort] = []
    for sort in sort.isEmpty ? entity.list.sort : sort where !order.contains(where: { $0.field == sort.field }) {
      order.append(sort)
    }
    if order.last?.field != "id" {
      order.append(ListView.Sort(field: "id", descending: order.last?.descending ?? false))
    }
    return order
  }
}
