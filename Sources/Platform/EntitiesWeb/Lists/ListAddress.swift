package import Core
package import Entities
package import HTTP

/// A list as its URL says it: filters, search, order, page; what a link of the list changes is one of these again.
///
/// `kind=room&kind=unit` is one of several, `built.from=2000&built.to=2010` a range, `division_code=511702` a prefix,
/// `q=` free text, `sort=-updated_at`, `page`, `size`, `columns=a,b`, `as_of=2026-11-01`.
package struct ListAddress: Sendable {
  package let entity: EntityDeclaration
  /// The items that say something about this list; anything else in the query was dropped.
  package private(set) var items: QueryItems

  /// - Throws: ``Refusal`` naming the first item that cannot be understood, with `field`.
  package init(_ entity: EntityDeclaration, query: QueryItems) throws(Refusal) {
    self.entity = entity
    items = QueryItems(query.items.filter { !$0.value.isEmpty && ListAddress.known($0.name, entity) })
    for item in query.items where !item.value.isEmpty && !ListAddress.known(item.name, entity) {
      guard ["panel", "format", "return", "csrf", "key"].contains(item.name) else {
        throw Refusal(
          .invalid, "unknown-filter", "“\(entity.label)”没有名为“\(item.name.prefix(40))”的筛选条件。", field: item.name)
      }
    }
  }

  private static let ownNames: Set = ["q", "sort", "page", "size", "columns", "as_of", "bbox"]

  private static func known(_ name: String, _ entity: EntityDeclaration) -> Bool {
    if ownNames.contains(name) { return true }
    return entity.field(baseName(name)) != nil
  }

  /// `built.from` is about `built`.
  static func baseName(_ name: String) -> String { name.split(separator: ".").first.map(String.init) ?? name }

  package var search: String? { items.first("q") }

  package var page: Int { max(1, items.first("page").flatMap { Int($0) } ?? 1) }

  package var size: Int {
    min(200, max(1, items.first("size").flatMap { Int($0) } ?? entity.list.page))
  }

  package var sort: [Entities.ListView.Sort] {
    guard let text = items.first("sort") else { return [] }
    return text.split(separator: ",").map { part in
      let descending = part.hasPrefix("-")
      return Entities.ListView.Sort(field: String(descending ? part.dropFirst() : part), descending: descending)
    }
  }

  package var columns: [String]? { items.first("columns").map { $0.split(separator: ",").map(String.init) } }

  /// The names of the fields that are filtered, in the order of the URL.
  package var filtered: [String] {
    var names: [String] = []
    for item in items.items where !ListAddress.ownNames.contains(item.name) {
      let name = ListAddress.baseName(item.name)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// - Throws: ``Refusal`` `invalid-date` for an `as_of` that is no date or time.
  package func asOf() throws(Refusal) -> Instant? {
    guard let text = items.first("as_of") else { return nil }
    if let instant = Instant(text) { return instant }
    if let date = CivilDate(text) { return Instant(microseconds: date.adding(days: 1).start.microseconds - 1) }
    throw Refusal(.invalid, "invalid-date", "“\(text.prefix(40))”不是日期。请写成 2026-11-21。", field: "as_of")
  }

  /// The filters as the store takes them.
  ///
  /// - Throws: ``Refusal`` for a value that does not fit its field.
  package func filters() throws(Refusal) -> [ListFilter] {
    var filters: [ListFilter] = []
    for name in filtered {
      guard let field = entity.field(name) else { continue }
      filters.append(try filter(field))
    }
    if let box = items.first("bbox"), let geometry = entity.map?.geometry {
      let numbers = box.split(separator: ",").compactMap { Double($0) }
      guard numbers.count == 4, numbers.allSatisfy(\.isFinite) else {
        throw Refusal(.invalid, "invalid-bbox", "范围应为“西,南,东,北”四个数。", field: "bbox")
      }
      filters.append(
        ListFilter(geometry, .box(west: numbers[0], south: numbers[1], east: numbers[2], north: numbers[3])))
    }
    return filters
  }

  private func filter(_ field: FieldDeclaration) throws(Refusal) -> ListFilter {
    let from = items.first("\(field.name).from")
    let to = items.first("\(field.name).to")
    if from != nil || to != nil {
      return ListFilter(field.name, .range(from: try value(from, field), to: try value(to, field)))
    }
    let texts = items.all(field.name)
    if texts.count == 1, texts[0] == "-" { return ListFilter(field.name, .empty(true)) }
    switch field.type {
    case .division: return ListFilter(field.name, .prefix(texts.first ?? ""))
    case .text where !field.encrypted && field.dictionary == nil && entity.list.search.contains(field.name):
      return ListFilter(field.name, .contains(texts.first ?? ""))
    default:
      var values: [Value] = []
      for text in texts { if let value = try value(text, field) { values.append(value) } }
      return ListFilter(field.name, values.count == 1 ? .equals(values[0]) : .oneOf(values))
    }
  }

  private func value(_ text: String?, _ field: FieldDeclaration) throws(Refusal) -> Value? {
    guard let text else { return nil }
    switch field.type {
    case .integer, .ref:
      guard let number = Int64(text) else { throw mismatch(text, field, "整数") }
      return .integer(number)
    case .decimal:
      guard let number = FixedDecimal(text) else { throw mismatch(text, field, "数字") }
      return .decimal(number)
    case .money:
      guard let money = Money(text) else { throw mismatch(text, field, "金额") }
      return .money(money)
    case .boolean: return .boolean(["true", "1", "是"].contains(text))
    case .date:
      guard let date = CivilDate(text) else { throw mismatch(text, field, "日期") }
      return .date(date)
    case .instant:
      if let instant = Instant(text) { return .instant(instant) }
      guard let date = CivilDate(text) else { throw mismatch(text, field, "日期") }
      return .instant(date.start)
    default: return .text(text)
    }
  }

  private func mismatch(_ text: String, _ field: FieldDeclaration, _ kind: String) -> Refusal {
    Refusal(
      .invalid, "filter-mismatch", "筛选条件“\(field.label)”应为\(kind)，收到“\(text.prefix(40))”。", field: field.name)
  }

  // MARK: Links

  /// The path of this list with one item changed; anything but the page goes back to page one.
  package func path(setting name: String, to value: String?) -> String {
    var changed = items.setting(name, to: value)
    if name != "page" { changed = changed.setting("page", to: nil) }
    return path(changed)
  }

  package func path(without field: String) -> String {
    path(
      QueryItems(items.items.filter { ListAddress.baseName($0.name) != field || ListAddress.ownNames.contains($0.name) })
        .setting("page", to: nil))
  }

  package var path: String { path(items) }

  /// The path with nothing filtered.
  package var bare: String { "/r/\(entity.name)" }

  private func path(_ items: QueryItems) -> String { items.isEmpty ? bare : "\(bare)?\(items.encoded)" }
}
