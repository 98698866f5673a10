import Access
import Addresses
import Core
import Entities
import Jobs
import SQL

/// Grids of other kinds in one town of the demo city, so that the map has a layer of each and a few true faults lie in them.
enum DemoGrids {
  private static let town = "511702001"

  /// Begins the first inspection; later ones come each night.
  static func inspect(_ jobs: JobQueue) async throws {
    guard try await jobs.list(kind: GridQualityJob.kind, limit: 1).isEmpty else { return }
    _ = try await jobs.add(
      GridQualityJob(), label: GridQualityJob.label, by: .system, uniqueKey: GridQualityJob.uniqueKey)
  }

  /// Unit grids where the work grids are; sanitation, greening and enforcement by communities.
  static func sow(_ records: Records, in transaction: Transaction) async throws {
    let work = try await transaction.query(
      """
      select code, name, division_code, st_asgeojson(boundary, 15) as shape from grid
      where kind = 'work' and starts_with(code, \(town)) order by code
      """)
    for (index, row) in work.enumerated() {
      let code: String = try row.get("code")
      // The first lies a little short of its neighbours.
      let shape =
        try await index == 0
        ? spoilt("st_difference(s, \(corner))", row.get("shape"), transaction) : row.get("shape", as: String.self)
      try await insert(
        "\(code.dropLast(3))5\(code.suffix(2))", "\(try row.get("name", as: String.self))（单元）", "unit",
        try row.get("division_code"), shape, records)
    }
    let communities = try await transaction.query(
      """
      select code, name, st_asgeojson(boundary, 15) as shape from division
      where parent_code = \(town) and level = 'community' and boundary is not null order by code
      """)
    for (index, row) in communities.enumerated() {
      let (code, name): (String, String) = (try row.get("code"), try row.get("name"))
      let shape: String = try row.get("shape")
      for (number, kind, label) in [
        ("901", "sanitation", "环卫"), ("902", "enforcement", "执法"), ("903", "greening", "绿化"),
      ] {
        let fault: SQL? =
          switch (index, kind) {
          // One stretches into its neighbours, one has a hole.
          case (0, "sanitation"): "st_union(s, \(corner))"
          case (1, "enforcement"): "st_difference(s, st_buffer(st_pointonsurface(s), 0.0005))"
          default: nil
          }
        var boundary = shape
        if let fault { boundary = try await spoilt(fault, shape, transaction) }
        try await insert(code + number, name + label + "网格", kind, code, boundary, records)
      }
    }
  }

  /// A circle of some sixty metres about the first vertex of `s`.
  private static let corner: SQL = "st_buffer(st_pointn(st_exteriorring(st_geometryn(s, 1)), 1), 0.0006)"

  private static func spoilt(_ fault: SQL, _ shape: String, _ transaction: Transaction) async throws -> String {
    let rows = try await transaction.query(
      """
      select st_asgeojson(st_multi(\(fault)), 12) as shape
      from (select st_setsrid(st_geomfromgeojson(\(shape)), 4490) as s) t
      """)
    guard let row = rows.first else { throw Fault("demo-grid") }
    return try row.get("shape")
  }

  private static func insert(
    _ code: String, _ name: String, _ kind: String, _ division: String, _ shape: String, _ records: Records
  ) async throws {
    try await records.insert(
      "grid",
      [
        "code": .text(code), "name": .text(name), "kind": .text(kind), "division_code": .text(division),
        "boundary": .geometry(try JSON(parsing: shape)), "status": .text("active"),
      ], input: .code)
  }
}
