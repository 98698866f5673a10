import Core
import Entities
import Geo
import HTTP

/// What `/items` may be asked for (17-069r4 §7.15).
extension FeatureCollection {
  /// Opaque: where a page begins. Clients follow `next` and never make it.
  static let cursorName = "cursor"
  static let words: Set<String> = ["limit", "bbox", "bbox-crs", "datetime", "f", cursorName]
  static let defaultLimit = 100

  /// The fields that features can be filtered by, each by its name and an exact value (§7.15.5).
  var filters: [FieldDeclaration] {
    entity.fields.filter { field in
      guard field.isStored, !field.hidden, !FeatureCollection.words.contains(field.name) else { return false }
      switch field.type {
      case .point, .line, .polygon, .file, .image, .json, .longtext: return false
      default: return true
      }
    }
  }

  var parameterNames: Set<String> { FeatureCollection.words.union(filters.map(\.name)) }

  /// - Throws: ``Refusal`` naming every parameter that cannot be understood.
  func query(_ items: QueryItems) throws(Refusal) -> ListQuery {
    var filters: [ListFilter] = []
    var refusals: [Refusal] = []
    func read(_ body: () throws(Refusal) -> [ListFilter]) {
      do throws(Refusal) { filters += try body() } catch { refusals.append(error) }
    }
    if let crs = items.first("bbox-crs"), crs != FeatureCollection.crs84 {
      refusals.append(wrong("bbox-crs", "只支持 \(FeatureCollection.crs84)"))
    }
    if let text = items.first("bbox") { read { () throws(Refusal) in [try box(text)] } }
    if let text = items.first("datetime") { read { () throws(Refusal) in try time(text) } }
    for field in self.filters {
      for text in items.all(field.name) { read { () throws(Refusal) in [try equal(text, field)] } }
    }
    var limit = FeatureCollection.defaultLimit
    if let text = items.first("limit") {
      if let number = Int(text), number >= 1 {
        // More than there may be is no error (/req/core/fc-limit-response-1).
        limit = min(number, ListQuery.maximumLimit)
      } else {
        refusals.append(wrong("limit", "应为 1 到 \(ListQuery.maximumLimit) 的整数"))
      }
    }
    if let refusal = Refusal(all: refusals) { throw refusal }
    var address = [("sort", "id")]
    if let cursor = items.first(FeatureCollection.cursorName) { address.append(("after", cursor)) }
    var query = try ListQuery(entity, items: address)
    query.filters = filters
    query.columns = columns
    query.limit = limit
    return query
  }

  private func wrong(_ name: String, _ why: String) -> Refusal {
    Refusal(.invalid, "query-value", "参数 \(name) 不正确：\(why)。", field: name)
  }

  private func equal(_ text: String, _ field: FieldDeclaration) throws(Refusal) -> ListFilter {
    if field.multiple { return ListFilter(field.name, .equals(.text(text))) }
    guard let value = Value(addressText: text, for: field) else { throw wrong(field.name, "应为\(field.type.label)") }
    return ListFilter(field.name, .equals(value))
  }

  // MARK: Space

  /// `west,south,east,north`, or with heights in third and sixth place, which are left out of account. A box whose west
  /// lies east of its east goes across the 180th meridian.
  private func box(_ text: String) throws(Refusal) -> ListFilter {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0.filter { $0 != " " }) }
    let numbers = parts.compactMap { $0 }
    guard numbers.count == parts.count, numbers.count == 4 || numbers.count == 6 else {
      throw wrong("bbox", "应依次为西、南、东、北四个数，或在南、北之后各加一个高程")
    }
    let (west, south) = (numbers[0], numbers[1])
    let (east, north) = numbers.count == 4 ? (numbers[2], numbers[3]) : (numbers[3], numbers[4])
    if west > east {
      let halves = [try bounds(west, south, 180, north), try bounds(-180, south, east, north)]
      let polygons = halves.map { half -> JSON in
        let (w, s, e, n) = (
          JSON.double(half.west), JSON.double(half.south), JSON.double(half.east), JSON.double(half.north)
        )
        return [[[w, s], [e, s], [e, n], [w, n], [w, s]]]
      }
      let area: JSON = ["type": "MultiPolygon", "coordinates": .array(polygons)]
      return ListFilter(geometry.name, .within(try Geometry(geoJSON: area)))
    }
    return ListFilter(geometry.name, .box(try bounds(west, south, east, north)))
  }

  private func bounds(_ west: Double, _ south: Double, _ east: Double, _ north: Double) throws(Refusal) -> BoundingBox {
    do throws(Refusal) {
      return try BoundingBox(west: west, south: south, east: east, north: north)
    } catch {
      throw wrong("bbox", "经度应在 -180 到 180 之间，纬度应在 -90 到 90 之间，南不大于北")
    }
  }

  // MARK: Time

  /// A time, or two with `/` between, of which one may be open (`..` or nothing); features are dated by their last
  /// change.
  private func time(_ text: String) throws(Refusal) -> [ListFilter] {
    func instant(_ part: Substring) throws(Refusal) -> Instant? {
      if part.isEmpty || part == ".." { return nil }
      guard part.utf8.count > 10, let instant = Instant(String(part)) else {
        throw wrong("datetime", "应为 2026-11-21T08:00:00Z，或以 / 隔开的两个时间，一端可写 ..")
      }
      return instant
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let from = try instant(parts[0])
    let to = parts.count == 2 ? try instant(parts[1]) : from
    if parts.count == 1, from == nil || parts[0] == ".." { throw wrong("datetime", "没有写时间") }
    if parts.count > 2 { throw wrong("datetime", "最多两个时间") }
    if let from, let to, from > to { throw wrong("datetime", "开始晚于结束") }
    if from == nil, to == nil { return [] }
    return [
      ListFilter("updated_at", .range(from: from.map { .instant($0) }, to: to.map { .instant($0) }))
    ]
  }
}
