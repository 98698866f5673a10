package import Access
import Core
package import Entities
package import Geo
package import SQL

/// Vector tiles (Mapbox Vector Tile 2.1) of the declared map layers, with the viewer's scope inside each tile.
package struct MapTiles: Sendable {
  let database: Database
  let catalogs: LiveCatalog

  package init(database: Database, catalogs: LiveCatalog) {
    self.database = database
    self.catalogs = catalogs
  }

  /// The names that layers have in tile addresses, and the registers behind them.
  static let names = [
    "divisions": "division", "grids": "grid", "defects": "grid_defect", "roads": "road", "compounds": "compound",
    "buildings": "building",
    "landmarks": "building",
    "addresses": "address", "facilities": "public_facility", "stations": "police_station",
    "organisations": "organisation",
  ]

  /// 突出建筑: what can be told from far, drawn from there on (D1-193).
  private static let landmarks = (condition: SQL("t.prominence is not null and t.status = 'active'"), minimumZoom: 11)

  /// - Returns: the tile; empty bytes where nothing is to be seen.
  /// - Throws: ``Refusal`` for an unknown layer or a tile outside the world; `permission-missing`.
  package func tile(_ layer: String, _ tile: Tile, for principal: Principal) async throws -> [UInt8] {
    // `grids-work`: of the register's records those with this code, where it says by which field they are layers.
    let parts = layer.split(separator: "-", maxSplits: 1).map(String.init)
    let name = parts.first.flatMap { MapTiles.names[$0] } ?? parts.first ?? ""
    guard let entity = catalogs.current.entity(name), let map = entity.map, let field = entity.field(map.geometry),
      parts.count == 1 || map.layers != nil
    else { throw Refusal(.notFound, "layer-unknown", "没有名为“\(layer.prefix(40))”的图层。") }
    let permission = Permission(entity.name, "view")
    try principal.require(permission, toDo: "查看\(entity.label)图层")
    // Where something is, and of which kind, is told to nobody from whom the record hides it.
    let told = [map.geometry, map.label, parts.count == 2 ? map.layers : nil].compactMap { $0.flatMap(entity.field) }
    guard told.allSatisfy({ Masking.shows($0, principal) }) else { return [] }
    let isLandmarks = layer == "landmarks"
    guard tile.z >= (isLandmarks ? MapTiles.landmarks.minimumZoom : map.minimumZoom) || entity.name == "address" else {
      return []
    }
    var scope = ScopePredicate.compile(principal, permission, entity, alias: "t")
    if parts.count == 2, let by = map.layers { scope = "(\(scope)) and t.\(identifier: by) = \(parts[1])" }
    if isLandmarks { scope = "(\(scope)) and \(MapTiles.landmarks.condition)" }
    let statement: SQL
    if entity.name == "address" {
      let terms = ScopeTerms(principal, permission)
      if tile.z <= AddressCells.level - 3, let cells = AddressCells.scope(divisions: terms.divisions, all: terms.all),
        terms.isOnlyDivisions
      {
        statement = clustersOfCells(tile, layer, cells)
      } else {
        statement = clusters(tile, layer, entity, map, scope, cells: tile.z >= 17 ? 64 : 8)
      }
    } else if field.type == .point {
      statement = clusters(tile, layer, entity, map, scope, cells: tile.z >= 15 ? 64 : 8)
    } else {
      statement = shapes(tile, layer, entity, map, scope)
    }
    let rows = try await database.query(statement)
    return try rows.first?.get(0, as: [UInt8]?.self) ?? []
  }

  /// Lines and polygons, clipped to the tile.
  private func shapes(_ tile: Tile, _ layer: String, _ entity: EntityDeclaration, _ map: MapRole, _ scope: SQL) -> SQL {
    let geometry: SQL = "t.\(identifier: map.geometry)"
    let label: SQL = map.label.map { "t.\(identifier: $0)" } ?? "''"
    var condition = scope
    var extra: SQL = ""
    if entity.name == "division" {
      let level = tile.z < 9 ? "district" : tile.z < 12 ? "town" : "community"
      condition = "\(scope) and t.level = \(level)"
      extra = ", t.level as level"
    }
    return """
      with tile as (select st_tileenvelope(\(tile.z)::integer, \(tile.x)::integer, \(tile.y)::integer) as frame)
      select st_asmvt(f, \(layer), 4096, 'geometry', 'id') from (
        select t.id, \(label) as label\(extra),
          st_asmvtgeom(st_transform(st_setsrid(\(geometry), 4326), 3857), tile.frame, 4096, 64, true) as geometry
        from \(identifier: entity.name) t, tile
        where \(geometry) && st_setsrid(st_transform(tile.frame, 4326), 4490) and (\(condition))
        order by t.id limit 20000) f where geometry is not null
      """
  }

  /// Points, gathered in a grid of `cells` × `cells` squares a tile; a square with one point shows that point.
  private func clusters(
    _ tile: Tile, _ layer: String, _ entity: EntityDeclaration, _ map: MapRole, _ scope: SQL, cells: Int
  ) -> SQL {
    let geometry: SQL = "t.\(identifier: map.geometry)"
    let label: SQL = map.label.map { "t.\(identifier: $0)" } ?? "''"
    let box = tile.bounds
    let width = (box.east - box.west) / Double(cells)
    let height = (box.north - box.south) / Double(cells)
    return """
      with tile as (select st_tileenvelope(\(tile.z)::integer, \(tile.x)::integer, \(tile.y)::integer) as frame),
      gathered as (
        select count(*) as count, min(t.id) as id, min(\(label)) as label,
          avg(st_x(\(geometry))) as x, avg(st_y(\(geometry))) as y
        from \(identifier: entity.name) t
        where \(geometry) && st_makeenvelope(\(box.west), \(box.south), \(box.east), \(box.north), 4490)
          and st_x(\(geometry)) < \(box.east) and st_y(\(geometry)) > \(box.south) and (\(scope))
        group by floor((st_x(\(geometry)) - \(box.west)) / \(width)), floor((st_y(\(geometry)) - \(box.south)) / \(height)))
      \(MapTiles.encode(layer))
      """
  }

  private func clustersOfCells(_ tile: Tile, _ layer: String, _ scope: SQL) -> SQL {
    let step = 1 << (AddressCells.level - tile.z)
    let group = max(1, step / 8)
    return """
      with tile as (select st_tileenvelope(\(tile.z)::integer, \(tile.x)::integer, \(tile.y)::integer) as frame),
      gathered as (
        select sum(c.addresses)::bigint as count, null::bigint as id, null::text as label,
          sum(c.longitude) / sum(c.addresses) as x, sum(c.latitude) / sum(c.addresses) as y
        from address_cell c
        where c.x >= \(tile.x * step) and c.x < \((tile.x + 1) * step) and c.y >= \(tile.y * step)
          and c.y < \((tile.y + 1) * step) and (\(scope))
        group by c.x / \(unsafe: String(group)), c.y / \(unsafe: String(group)) having sum(c.addresses) > 0)
      \(MapTiles.encode(layer))
      """
  }

  private static func encode(_ layer: String) -> SQL {
    """
    select st_asmvt(f, \(layer), 4096, 'geometry') from (
      select g.count, case when g.count = 1 then g.id end as id, case when g.count = 1 then g.label end as label,
        st_asmvtgeom(st_transform(st_setsrid(st_makepoint(g.x, g.y), 4326), 3857), tile.frame, 4096, 64, false)
          as geometry
      from gathered g, tile) f where geometry is not null
    """
  }
}

extension ScopeTerms {
  /// Whether nothing but divisions, or everything, is meant.
  fileprivate var isOnlyDivisions: Bool {
    all || (own == nil && units.isEmpty && below.isEmpty && areas.isEmpty && rules.isEmpty)
  }
}
