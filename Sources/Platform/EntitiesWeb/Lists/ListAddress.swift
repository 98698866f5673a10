package import Core
package import Entities
package import HTTP

/// The address of a list page, and the links that change one thing of it; the store says what its items mean
/// (``ListQuery/init(_:items:ignoring:)``).
package struct ListAddress: Sendable {
  package let entity: EntityDeclaration
  package let query: ListQuery
  /// The prepared query that the address names (`view=four`).
  package let prepared: ListView.Query?
  /// The items that say something about the list, without empty ones.
  package let items: QueryItems

  /// Items of the page itself, which are no part of the list.
  static let ignored: Set<String> = [
    "panel", "format", "return", CrossSiteGuard.field, "key", "all", "id", "action", "text-size",
  ]

  /// - Throws: ``Refusal`` naming every item that cannot be understood.
  ///
  /// - Parameter divisions: understands the name of a division typed where no script picks it.
  package init(
    _ entity: EntityDeclaration, _ query: QueryItems, divisions: DivisionNames = DivisionNames()
  ) throws(Refusal) {
    self.entity = entity
    let query = try ListAddress.withDivisions(query, divisions)
    items = QueryItems(
      query.items.filter {
        !$0.value.isEmpty && !ListAddress.ignored.contains($0.name) && !$0.name.hasSuffix(".text")
      })
    prepared = items.first("view").flatMap { entity.list.query($0) }
    self.query = try ListQuery(entity, items: ListAddress.asked(items, prepared))
  }

  /// The items with what the prepared query always asks. Of a field that both name, what both allow: a query never shows
  /// more than it is for.
  private static func asked(_ items: QueryItems, _ prepared: ListView.Query?) -> [(name: String, value: String)] {
    let plain = items.items.map { (name: $0.name, value: $0.value) }
    guard let prepared else { return plain }
    var asked = plain.filter { $0.name != "view" }
    for name in Set(prepared.conditions.map(\.name)).sorted() {
      let allowed = prepared.conditions.filter { $0.name == name }.map(\.value)
      let both = asked.filter { $0.name == name && allowed.contains($0.value) }.map(\.value)
      asked.removeAll { $0.name == name }
      asked += (both.isEmpty ? allowed : both).map { (name: name, value: $0) }
    }
    if let columns = prepared.columns, !items.contains("columns") {
      asked.append((name: "columns", value: columns.joined(separator: ",")))
    }
    return asked
  }

  /// What the page is called.
  package var label: String { prepared?.label ?? entity.label }

  /// The fields of the filter bar.
  package var filterNames: [String] { prepared?.filters ?? entity.list.filters }

  /// `division_code.prefix.text=东城街道` beside an empty `division_code.prefix` becomes its code.
  ///
  /// - Throws: ``Refusal`` `division-unclear` when no division or several are called so; a list of everything would look
  ///   like the answer.
  private static func withDivisions(_ query: QueryItems, _ divisions: DivisionNames) throws(Refusal) -> QueryItems {
    var query = query
    for item in query.items where item.name.hasSuffix(".prefix.text") && !item.value.isEmpty {
      let name = String(item.name.dropLast(".text".count))
      guard query.first(name)?.isEmpty ?? true else { continue }
      guard let code = divisions.code(meant: item.value) else {
        let similar = divisions.suggest(item.value, limit: 3).map(\.path).joined(separator: "、")
        let text = item.value.prefix(40)
        throw Refusal(
          .invalid, "division-unclear",
          similar.isEmpty
            ? "没有名为“\(text)”的区划，没有筛选。请返回写区划的全名或代码。" : "“\(text)”可能指\(similar)，没有筛选。请返回写全名。", field: name)
      }
      query = query.setting(name, to: code)
    }
    return query
  }

  package var search: String? { items.first("q") }

  package var page: Int { max(1, items.first("page").flatMap { Int($0) } ?? 1) }

  package var size: Int { query.limit ?? entity.list.page }

  /// The name of the item that filters `field` in the filter bar.
  package static func filterName(_ field: FieldDeclaration, in entity: EntityDeclaration) -> String {
    switch field.type {
    case .division: "\(field.name).prefix"
    case .text, .longtext: entity.list.search.contains(field.name) ? "\(field.name).contains" : field.name
    default: field.name
    }
  }

  /// `built.from` is about `built`.
  static func baseName(_ name: String) -> String { name.split(separator: ".").first.map(String.init) ?? name }

  /// The names of the fields that are filtered, in the order of the address.
  package var filtered: [String] {
    var names: [String] = []
    for item in items.items where !ListQuery.words.contains(item.name) && !(item.name == "view" && prepared != nil) {
      let name = ListAddress.baseName(item.name)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  // MARK: Links

  /// The path of this list with one item changed; anything but the page goes back to page one.
  package func path(setting name: String, to value: String?) -> String {
    var changed = items.setting(name, to: value)
    if name != "page" { changed = changed.setting("page", to: nil).setting("after", to: nil) }
    return path(changed)
  }

  /// The path without any filter of `field`.
  package func path(without field: String) -> String {
    path(
      QueryItems(
        items.items.filter { ListAddress.baseName($0.name) != field || ListQuery.words.contains($0.name) }
      ).setting("page", to: nil))
  }

  package var path: String { path(items) }

  /// The path with nothing filtered.
  package var bare: String { "/r/\(entity.name)" }

  /// The path of the prepared query, or of the register, with nothing else filtered.
  package var cleared: String { prepared.map { "\(bare)?view=\($0.name)" } ?? bare }

  private func path(_ items: QueryItems) -> String { items.isEmpty ? bare : "\(bare)?\(items.encoded)" }
}
