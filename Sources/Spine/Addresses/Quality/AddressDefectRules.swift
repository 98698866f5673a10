import Access
import Core
package import Entities
import SQL

/// What the register of defects does by itself: merging duplicates, settling what was corrected, taking in what officers
/// mark (A-035, A-070).
package enum AddressDefectRules {
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.after(AddressDefect.entity) { events, records in
      for event in events where event.kind == .updated && event.before["kept_id"] != event.after["kept_id"] {
        try await merge(event, records)
      }
      for event in events where event.kind == .updated && event.before["address_id"] != event.after["address_id"] {
        try await locate(event, records)
      }
    }
    hooks.after("address") { events, records in
      let open = try await open(events, records)
      // A defect about two addresses of one batch is settled once.
      var settled: Set<Int64> = []
      for event in events { try await follow(event, open[event.id] ?? [], &settled, records) }
    }
  }

  /// What speaks of a kind: a change of one of these corrects it.
  private static let corrected: [String: Set<String>] = {
    let parts: Set = ["road", "lane", "house_number", "road_id"]
    return [
      "house_number": parts.union(["location"]), "parity": parts.union(["location"]),
      "sub_number": parts.union(["sub_number", "location"]),
      "room_number": ["room", "floor", "building_number", "unit_number"],
      "division": ["division_code", "road_id", "compound_id", "grid_id", "parent_id"],
      "outside": ["location", "division_code"], "location": ["location", "road_id", "parent_id"],
      "road": ["road", "lane", "road_id"],
    ]
  }()

  // MARK: Merging

  /// Keeps one of two: the other is cancelled with its code, points at the one that stays, and what referred to it
  /// refers to that. Plates stay with the code they bear.
  private static func merge(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let kept = event["kept_id"].integer,
      let first = event["address_id"].integer, let second = event["other_id"].integer,
      kept == first || kept == second
    else { return }
    let leaving = kept == first ? second : first
    try records.principal.require(Permission("address", "cancel"), toDo: "注销重复的地址")
    let rows = try await transaction.query(
      "select id, status, full_name from address where id in (\(kept), \(leaving)) order by id for no key update")
    guard rows.count == 2 else {
      throw Refusal(.conflict, "defect-address-gone", "其中一条地址已经删除，没有改动。请刷新后再看。")
    }
    for row in rows where try row.get("status", as: String.self) == "cancelled" {
      throw Refusal(
        .conflict, "defect-address-cancelled", "“\(try row.get("full_name", as: String.self))”已经注销，没有改动。请刷新后再看。")
    }
    let above = try await transaction.query(
      """
      with recursive up as (select parent_id from address where id = \(kept)
        union select a.parent_id from up join address a on a.id = up.parent_id)
      select 1 from up where parent_id = \(leaving)
      """)
    guard above.isEmpty else {
      throw Refusal(.conflict, "defect-address-above", "要注销的地址是留下的那条的上级，没有改动。请留下上级的那一条。")
    }
    try await moveReferences(from: leaving, to: kept, records, in: transaction)
    try await records.update(
      "address", leaving, version: nil,
      [
        "status": .text("cancelled"), "merged_into_id": .integer(kept), "error_kind": .null,
        "changed_on": .date(records.store.clock.today()),
      ], input: .code)
  }

  /// References that a merge moves, but for those in forms of cases, which stay as they were handed in; more of them is a matter for several steps.
  private static let mostMoved = 2000

  private static func moveReferences(
    from leaving: Int64, to kept: Int64, _ records: Records, in transaction: Transaction
  ) async throws {
    let staying: Set = [AddressDefect.entity, "door_plate", "plate_suspicion"]
    var moved = 0
    for entity in records.store.catalog.entities where !staying.contains(entity.name) && entity.attachedTo == nil {
      for field in entity.fields
      where field.target == "address" && field.isStored && !field.multiple && field.name != "merged_into_id" {
        while true {
          let found = try await records.asSystem.plain.list(
            ListQuery(
              entity.name, filters: [ListFilter(field.name, .equals(.integer(leaving)))], columns: [entity.title],
              limit: 200)
          ).records
          if found.isEmpty { break }
          moved += found.count
          guard moved <= mostMoved else {
            throw Refusal(
              .tooLarge, "defect-merge-large", "要注销的地址有 \(mostMoved) 条以上的登记，没有改动。请留下登记多的那一条，或先合并下级地址。")
          }
          for record in found {
            try await records.asSystem.update(
              entity.name, record.id, version: nil, [field.name: .integer(kept)], input: .code)
          }
        }
      }
    }
  }

  /// A report of which somebody has said what address it means belongs to that address's unit.
  private static func locate(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let address = event["address_id"].integer,
      let row = try await transaction.query(
        "select full_name, division_code, police_station_id from address where id = \(address)"
      ).first
    else { return }
    try await records.asSystem.update(
      AddressDefect.entity, event.id, version: nil,
      [
        "subject": .text(try row.get("full_name")), "division_code": .text(try row.get("division_code")),
        "police_station_id": (try row.get("police_station_id", as: Int64?.self)).map { .integer($0) } ?? .null,
      ], input: .code)
  }

  // MARK: Addresses

  private struct Open {
    let id: Int64
    let kind: String
    let source: String
    let address: Int64?
    let other: Int64?
  }

  /// What is open about the changed addresses, by address: one question for a whole batch.
  private static func open(_ events: [RecordEvent], _ records: Records) async throws -> [Int64: [Open]] {
    let ids = events.filter { $0.kind == .updated }.map(\.id)
    guard !ids.isEmpty, let transaction = records.transaction else { return [:] }
    var found: [Int64: [Open]] = [:]
    for row in try await transaction.query(
      """
      select id, kind, source, address_id, other_id from address_defect
      where state = 'open' and (address_id = any(\(ids)) or other_id = any(\(ids)))
      """)
    {
      let defect = Open(
        id: try row.get("id"), kind: try row.get("kind"), source: try row.get("source"),
        address: try row.get("address_id"), other: try row.get("other_id"))
      for id in Set([defect.address, defect.other].compactMap(\.self)) { found[id, default: []].append(defect) }
    }
    return found
  }

  /// A corrected address settles what was said of it, a cancelled one everything; one that an officer marks enters the
  /// list, and leaves it when it is confirmed.
  private static func follow(
    _ event: RecordEvent, _ known: [Open], _ settled: inout Set<Int64>, _ records: Records
  ) async throws {
    guard event.kind == .updated else { return }
    let changed = Set(event.after.keys.filter { event.before[$0] ?? .null != event.after[$0] ?? .null })
    if changed.isDisjoint(with: watched) { return }
    var known = known
    if changed.contains("error_kind"), event["status"].text != "cancelled" {
      try await mark(event, records)
      known = try await open([event], records)[event.id] ?? []
    }
    let isCancelled = changed.contains("status") && event["status"].text == "cancelled"
    let isConfirmed = changed.contains("status") && event["status"].text == "confirmed"
    for defect in known where !settled.contains(defect.id) {
      let (kind, source) = (defect.kind, defect.source)
      let isAbout = defect.address == event.id
      let state: String
      let reason: String
      if isCancelled {
        (state, reason) = ("fixed", "地址已注销")
      } else if isAbout, kind != "duplicate", kind != "gap",
        source == "report"
          ? !changed.isDisjoint(with: anyPart) : !changed.isDisjoint(with: corrected[kind] ?? anyPart)
      {
        (state, reason) = ("fixed", "地址已修改")
      } else if isConfirmed, isAbout, source == "officer" {
        (state, reason) = ("kept", "已实地核查，地址无误")
      } else {
        continue
      }
      settled.insert(defect.id)
      try await records.asSystem.update(
        AddressDefect.entity, defect.id, version: nil,
        [
          "state": .text(state), "reason": .text(reason), "settled_at": .instant(records.store.clock.now()),
          "settled_by": records.principal.kind == .user ? .integer(records.principal.id) : .null,
        ], input: .code)
    }
  }

  private static let anyPart = corrected.values.reduce(into: Set(["zone", "community", "compound", "poi"])) {
    $0.formUnion($1)
  }
  private static let watched = anyPart.union(["status", "error_kind"])

  private static func mark(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let kind = event.after["error_kind"]?.text else { return }
    let key = "mark:\(kind):\(event.id)"
    let evidence = event.after["note"]?.text.map { "民警标记：\($0)" } ?? "民警标记，没有写说明"
    let known = try await transaction.query("select id from address_defect where key = \(key)").first
    if let known {
      try await records.asSystem.update(
        AddressDefect.entity, try known.get("id"), version: nil,
        [
          "state": .text("open"), "evidence": .text(String(evidence.prefix(1000))), "settled_at": .null,
          "settled_by": .null, "reason": .null,
        ], input: .code)
      return
    }
    try await records.asSystem.insert(
      AddressDefect.entity,
      [
        "subject": event["full_name"], "kind": .text(kind), "source": .text("officer"),
        "evidence": .text(String(evidence.prefix(1000))), "address_id": .integer(event.id),
        "division_code": event["division_code"], "police_station_id": event["police_station_id"], "key": .text(key),
      ].filter { !$0.value.isNull }, input: .code)
  }
}
