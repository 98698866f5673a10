import Access
import Audit
import Core
package import Entities
import Files
import Identity
import Processes
import SQL

/// The registers of archives (电子档案), by name.
package enum Archive {
  package static let entity = "archive"
  package static let item = "archive_item"
  package static let box = "archive_box"

  /// Kept when no rule says otherwise.
  static let standardRetention = "D30"

  /// Row-level security of the registers is opened for what the system does with them.
  static let openScope: SQL = """
    select set_config('lifang.scope_archive', '{"all":true}', true),
      set_config('lifang.scope_archive_item', '{"all":true}', true)
    """
}

/// Filing by itself (自动归档): a case gets its archive when it is completed (C-045), and already when it was approved
/// and only waits for its originals (预归档, C-020).
extension CaseStore {
  /// Makes or completes the archive of a case after a move.
  func file(_ state: CaseState, before: ProcessInstance?, by principal: Principal, in transaction: Transaction)
    async throws
  {
    let isCompleted =
      state.instance.state == .finished && before?.state != .finished
      && state.instance.variables["outcome"]?.text != "refused"
    let waits = state.awaitsOriginals && state.record["applicant_user_id"]?.isBlank == false
    guard isCompleted || waits else { return }
    let writer = Principal(
      kind: principal.kind, id: principal.id, name: principal.name, unit: principal.unit,
      grants: Grants(
        [Archive.entity, Archive.item, Archive.box, ServiceCase.entity, "unit"].map {
          Grants.Grant(Permission($0, "*"), .all)
        }),
      clearance: .secret)
    let records = store.records(as: writer, purpose: "归档").within(transaction)
    let known = try await records.find(
      Archive.entity, where: ServiceCase.reference, equals: .integer(state.id))
    if !isCompleted, known != nil { return }
    let reader = store.records(as: .system, purpose: "归档").within(transaction)
    let record = try await reader.get(ServiceCase.entity, state.id, reveal: true)
    let archive: Int64
    if let known {
      archive = known.id
    } else {
      archive = try await open(record, state, records, in: transaction)
    }
    guard isCompleted else { return }
    let materials = try await reader.attached(ServiceCase.material, to: state.id, reveal: true)
    try await enter(materials, into: archive, record, records, in: transaction)
    let missing = materials.count {
      $0["state"].text == HandedMaterial.Way.promised.rawValue && ($0["files"].list ?? []).isEmpty
    }
    let now = store.clock.now()
    try await records.update(
      Archive.entity, archive, version: nil,
      [
        "missing": .integer(Int64(missing)), "state": .text(missing == 0 ? "archived" : "pre_archived"),
        "finished_at": .instant(now), "filed_at": missing == 0 ? .instant(now) : .null,
      ], input: .code)
    try await ArchiveDigest.renew(archive, records, in: transaction)
  }

  /// The record of the archive, with its number and its place in a box.
  private func open(_ record: Record, _ state: CaseState, _ records: Records, in transaction: Transaction)
    async throws -> Int64
  {
    let unit = try await transaction.query(
      "select code, parent_id from unit where id = \(record["unit_id"].integer ?? 0)"
    ).first
    let fonds = try unit?.get("code", as: String.self) ?? "000"
    let category = record["category"].text ?? ""
    let retention =
      try await transaction.query(
        """
        select retention from archive_rule where starts_with(\(category), category)
        order by length(category) desc limit 1
        """
      ).first?.get("retention", as: String.self) ?? Archive.standardRetention
    let year = Int64(store.clock.now().chinaTime.date.year)
    let place = try await place(
      [
        "unit_id": record["unit_id"],
        "store_id": try unit?.get("parent_id", as: Int64?.self).map { .integer($0) } ?? .null,
        "division_code": record["division_code"], "fonds": .text(fonds), "year": .integer(year),
        "category": .text(category.split(separator: "/").first.map { String($0).trimmingSpaces } ?? category),
        "retention": .text(retention),
      ], records, in: transaction)
    let subject = record["subject_name"].isBlank ? "applicant" : "subject"
    return try await records.insert(
      Archive.entity,
      [
        ServiceCase.reference: .integer(state.id), "case_number": record["number"], "item_label": record["item_label"],
        "category": .text(category), "applicant_name": record["applicant_name"],
        "subject_name": record["\(subject)_name"], "subject_document": record["\(subject)_document"],
        "division_code": record["division_code"], "unit_id": record["unit_id"], "fonds": .text(fonds),
        "year": .integer(year), "retention": .text(retention), "state": .text("pre_archived"),
        "accepted_at": record["submitted_at"], "box_id": .integer(place.box), "position": .integer(place.position),
      ].filter { !$0.value.isNull }, input: .code
    ).id
  }

  /// The next place in the box of a station, year, class and retention; a new box when the last is full.
  private func place(_ values: [String: Value], _ records: Records, in transaction: Transaction) async throws
    -> (box: Int64, position: Int64)
  {
    let unit = values["unit_id"]?.integer ?? 0
    // One at a time within a station, so that two cases never take the same place.
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended('archive_box', \(unit)))")
    let row = try await transaction.query(
      """
      select id, held from archive_box
      where unit_id = \(unit) and year = \(values["year"]?.integer ?? 0) and category = \(values["category"]?.text ?? "")
        and retention = \(values["retention"]?.text ?? "") and held < capacity
      order by id limit 1
      """
    ).first
    let box: Int64
    let held: Int64
    if let row {
      box = try row.get("id")
      held = try row.get("held")
    } else {
      box = try await records.insert(Archive.box, values.filter { !$0.value.isNull }, input: .code).id
      held = 0
    }
    try await records.update(Archive.box, box, version: nil, ["held": .integer(held + 1)], input: .code)
    return (box, held + 1)
  }

  /// Lines of the catalogue for materials that have none yet; what was replaced after a reopening is a further line.
  private func enter(
    _ materials: [Record], into archive: Int64, _ record: Record, _ records: Records, in transaction: Transaction
  ) async throws {
    let known = try await records.attached(Archive.item, to: archive)
    let seen = Set(known.flatMap { ArchiveDigest.digests($0["entries"]) })
    let isFirst = known.isEmpty
    var position = Int64(known.count)
    for material in materials {
      let keys = material["files"].list ?? []
      let entries = try await ArchiveDigest.entries(keys, in: transaction)
      if !isFirst {
        let fresh = ArchiveDigest.digests(.json(entries)).filter { !seen.contains($0) }
        if fresh.isEmpty { continue }
      }
      position += 1
      try await records.insert(
        Archive.item,
        [
          "archive_id": .integer(archive), "position": .integer(position), "kind": .text("material"),
          "label": material["label"], "entries": .json(entries), "file_count": .integer(Int64(keys.count)),
          "note": .text(store.catalog.dictionary("material_state")?.label(of: material["state"].text ?? "") ?? ""),
          "division_code": record["division_code"], "unit_id": record["unit_id"],
        ].filter { !$0.value.isNull }, input: .code)
    }
  }
}

extension CaseState {
  /// Whether the case was approved and waits for papers only: its open step takes in materials, stops the clock and is
  /// the office's.
  var awaitsOriginals: Bool {
    guard instance.state == .running else { return false }
    return instance.openVisits.contains { visit in
      guard let rule = process.rule(of: visit.node) else { return false }
      return rule.edits == [.materials] && rule.pausesClock && rule.handler != .starter
    }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
