package import Core
package import Entities

/// 本所办结、办结他所、他所办结 by station (C-543), as far as the data scope reaches.
package struct CityWideSummary: Sendable {
  /// What one station completed, and had completed.
  package struct Row: Sendable, Hashable {
    package let unit: Int64
    package let name: String
    /// 本所办结: its own, accepted and completed by itself.
    package var own = 0
    /// 办结他所: those of others, accepted and completed by it.
    package var forOthers = 0
    /// 他所办结: its own, accepted and completed by others.
    package var byOthers = 0

    /// How much of what it completed was for others.
    package var share: String {
      let all = own + forOthers
      return all == 0 ? "—" : "\((forOthers * 100 + all / 2) / all)%"
    }
  }

  private let records: Records

  package init(_ records: Records) { self.records = records }

  /// - Parameter from: first day of completion, `to` the last, both included, in China Standard Time.
  package func rows(from: CivilDate, to: CivilDate) async throws -> [Row] {
    let groups = try await records.aggregate(
      AggregateQuery(
        ServiceCase.entity,
        filters: [
          ListFilter("state", .equals(.text("completed"))),
          ListFilter("finished_at", .range(from: .instant(from.start), to: .instant(to.end))),
        ], groups: [.init("unit_id", .value), .init("home_unit_id", .value)], limit: 10_000))
    var rows: [Int64: Row] = [:]
    for group in groups {
      guard let unit = group.keys[0].integer, let count = group.measures[0].integer.map(Int.init) else { continue }
      let home = group.keys[1].integer ?? unit
      rows[unit, default: Row(unit: unit, name: group.labels[0])].own += home == unit ? count : 0
      guard home != unit else { continue }
      rows[unit, default: Row(unit: unit, name: group.labels[0])].forOthers += count
      rows[home, default: Row(unit: home, name: group.labels[1])].byOthers += count
    }
    return rows.values.sorted { ($0.name, $0.unit) < ($1.name, $1.unit) }
  }
}
