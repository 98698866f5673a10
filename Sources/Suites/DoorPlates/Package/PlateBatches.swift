package import Access
package import Audit
package import Core
package import Entities
import Foundation
import SQL

/// Hands approved plates to a maker (打包下发), and packs what was handed.
package struct PlateBatches: Sendable {
  let press: PlatePress
  let store: RecordStore

  /// The most plates of one batch.
  package static let limit = 1000
  package static let pack = Permission("plate_package", "pack")
  package static let download = Permission("plate_package", "download")

  package init(press: PlatePress) {
    self.press = press
    store = press.store
  }

  /// What is taken into a batch.
  package struct Wish: Sendable {
    package var maker: Int64
    /// A code of `plate_kind`; `nil` for all.
    package var kind: String?
    package var station: Int64?
    package var due: CivilDate?
    package var note: String?
    /// Ticked ones (勾选); empty takes all that wait.
    package var plates: [Int64]

    package init(
      maker: Int64, kind: String? = nil, station: Int64? = nil, due: CivilDate? = nil, note: String? = nil,
      plates: [Int64] = []
    ) {
      self.plates = plates
      self.maker = maker
      self.kind = kind
      self.station = station
      self.due = due
      self.note = note
    }

    var filters: [ListFilter] {
      var filters = [ListFilter("state", .equals(.text("approved"))), ListFilter("batch_id", .empty(true))]
      if let kind { filters.append(ListFilter("kind", .equals(.text(kind)))) }
      if !plates.isEmpty { filters.append(ListFilter("id", .oneOf(plates.map { .integer($0) }))) }
      if let station { filters.append(ListFilter("police_station_id", .equals(.integer(station)))) }
      return filters
    }
  }

  /// How many plates wait to be made, within the principal's scope.
  package func waiting(kind: String? = nil, for principal: Principal) async throws -> Int {
    let query = ListQuery(
      DoorPlate.entity, filters: Wish(maker: 0, kind: kind).filters, columns: ["number"], limit: 1)
    return try await store.records(as: principal).list(query).count.value
  }

  /// Those of `plates` that wait to be made, within the principal's scope.
  package func waiting(among plates: [Int64], for principal: Principal) async throws -> [Int64] {
    guard !plates.isEmpty else { return [] }
    let query = ListQuery(
      DoorPlate.entity, filters: Wish(maker: 0, plates: plates).filters, columns: ["number"],
      limit: PlateBatches.limit)
    return try await store.records(as: principal).list(query).records.map(\.id)
  }

  /// Makes a batch of what waits, the oldest first.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `plate-batch-empty`, `plate-batch-changed`, `plate-maker-off`.
  package func make(_ wish: Wish, by principal: Principal, origin: Origin = .inside) async throws -> Record {
    try principal.require(PlateBatches.pack, toDo: "打包下发门牌")
    return try await store.transaction(as: principal, origin: origin) { records in
      guard let transaction = records.transaction else { throw Fault("batch-without-transaction") }
      // Two who pack at once would take the same plates.
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('plate_batch'))")
      var query = ListQuery(
        DoorPlate.entity, filters: wish.filters, sort: [ListView.Sort(field: "applied_at", descending: false)],
        columns: ["number"],
        limit: PlateBatches.limit)
      query.limit = PlateBatches.limit
      let plates = try await records.list(query).records
      guard !plates.isEmpty else {
        throw Refusal(.conflict, "plate-batch-empty", "没有待制牌的门牌，没有打包。审核通过、还没有打包的门牌才能下发。")
      }
      guard wish.plates.isEmpty || plates.count == Set(wish.plates).count else {
        throw Refusal(
          .conflict, "plate-batch-changed",
          "勾选的 \(wish.plates.count) 块里只有 \(plates.count) 块还在待制牌，没有打包。请回到门牌列表重新勾选。")
      }
      var values: [String: Value] = ["maker_id": .integer(wish.maker), "plates": .integer(Int64(plates.count))]
      if let due = wish.due { values["due_on"] = .date(due) }
      if let note = wish.note, !note.isEmpty { values["note"] = .text(note) }
      if let unit = principal.unit {
        values["unit_id"] = .integer(unit.id)
        if !unit.division.isEmpty { values["division_code"] = .text(unit.division) }
      }
      let batch = try await records.insert(DoorPlate.batch, values, input: .code)
      for plate in plates {
        try await records.asSystem.update(
          DoorPlate.entity, plate.id, version: nil,
          ["batch_id": .integer(batch.id), "maker_unit_id": batch["maker_unit_id"]], input: .code)
      }
      return batch
    }
  }

  /// Writes the package of a batch to `path`; the maker's first look is noted.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `record-missing`.
  package func write(_ id: Int64, to path: String, by principal: Principal, origin: Origin = .inside) async throws
    -> Record
  {
    try principal.require(PlateBatches.download, toDo: "下载制牌包")
    let batch = try await store.records(as: principal, origin: origin).get(DoorPlate.batch, id)
    let system = store.records(as: .system, origin: origin)
    var query = ListQuery(
      DoorPlate.entity, filters: [ListFilter("batch_id", .equals(.integer(id)))],
      sort: [ListView.Sort(field: "number", descending: false)],
      columns: ["number", "code", "full_name", "design", "face", "content"], limit: ListQuery.maximumLimit)
    query.limit = ListQuery.maximumLimit
    let plates = try await system.list(query).records
    guard !plates.isEmpty else {
      throw Refusal(.conflict, "plate-batch-empty", "这一批里没有门牌：它们已退回重新制作。没有生成制牌包。")
    }
    try PlatePackage(press: press).write(batch: batch, plates: plates, to: path)
    try await store.audit.append(
      AuditEntry(
        principal, "plate_package.download", entity: DoorPlate.batch, record: id, origin: origin,
        details: ["plates": .int(Int64(plates.count))]), in: store.database)
    if batch["downloaded_at"].isNull, let unit = principal.unit?.id, batch["maker_unit_id"].integer == unit {
      try await system.update(
        DoorPlate.batch, id, version: nil, ["downloaded_at": .instant(store.clock.now())], input: .code)
    }
    return batch
  }
}
