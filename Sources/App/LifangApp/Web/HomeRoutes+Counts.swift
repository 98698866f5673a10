import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The numbers that registers declare for the workbench, within the person's scope.
extension HomeRoutes {
  struct Counts {
    var tiles: [Tile] = []
    var tables: [(label: String, table: DataTable)] = []
  }

  func counts(_ visit: Visit, _ records: Records) async throws -> Counts {
    let declared = store.catalog.entities.filter { visit.principal.may(Permission($0.name, "view")) }
      .flatMap { entity in entity.workbench.map { (entity: entity, tile: $0) } }
      .filter { $0.tile.permission.map { visit.principal.may($0) } ?? true }
      .sorted { ($0.tile.order, $0.tile.label) < ($1.tile.order, $1.tile.label) }
    var counts = Counts()
    for (entity, tile) in declared {
      let items = QueryItems(tile.filters.map { QueryItems.Item(name: $0.name, value: $0.value) })
      let filters = try ListQuery(entity, items: tile.filters.map { ($0.name, $0.value) }).filters
      if let by = tile.by.flatMap({ entity.field($0) }) {
        counts.tables.append((tile.label, try await table(tile, by, entity, items, filters, records)))
        continue
      }
      let count = try await records.count(ListQuery(entity.name, filters: filters))
      counts.tiles.append(
        Tile(
          tile.label, value: count.display, note: count.value > 0 ? tile.note : nil, noteTone: .warning,
          path: HomeRoutes.path(entity, items), icon: tile.icon.flatMap { Icon(rawValue: $0) }))
    }
    return counts
  }

  /// A number for each value of a dimension, codes in the order of their dictionary.
  private func table(
    _ tile: WorkbenchTile, _ by: FieldDeclaration, _ entity: EntityDeclaration, _ items: QueryItems,
    _ filters: [ListFilter], _ records: Records
  ) async throws -> DataTable {
    var rows = try await records.aggregate(
      AggregateQuery(entity.name, filters: filters, groups: [.init(by.name)], limit: 30))
    if let codes = by.dictionary.flatMap({ store.catalog.dictionary($0) })?.codes {
      let order = Dictionary(
        codes.enumerated().map { ($1.code, $0) }, uniquingKeysWith: { first, _ in first })
      rows.sort { (order[$0.keys[0].plainText] ?? codes.count) < (order[$1.keys[0].plainText] ?? codes.count) }
    }
    return table(tile.label, by.label, entity.label, rows) { HomeRoutes.path(entity, items.setting(by.name, to: $0)) }
  }

  private static func path(_ entity: EntityDeclaration, _ items: QueryItems) -> String {
    items.isEmpty ? "/r/\(entity.name)" : "/r/\(entity.name)?\(items.encoded)"
  }
}
