import Access
import Addresses
import Core
package import Entities
package import Messaging
import SQL

/// What the register of inspections (巡检任务) fills in, refuses and passes on to the address, however it is written
/// (A-051, A-053).
package final class InspectionRules: Sendable {
  package static let entity = "inspection_task"

  /// A task that somebody still has to do something about.
  static let underWay = ["assigned", "open", "returned"]

  private let parts = Later<(parameters: Parameters, messages: MessageCenter)>("inspections")

  package init() {}

  package func begin(parameters: Parameters, messages: MessageCenter) {
    parts.begin((parameters, messages))
  }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeUpdate("address") { changes, records in
      for index in changes.indices where changes[index].alters("assigned_at") {
        try await InspectionRules.assign(&changes[index], records)
      }
    }
    hooks.after("address") { events, records in
      for event in events where event.kind == .updated && event.before["assigned_at"] != event.after["assigned_at"] {
        try await records.entrusted(with: [InspectionRules.entity]).insert(
          InspectionRules.entity, ["address_id": .integer(event.id)], input: .code)
      }
    }
    hooks.beforeInsert(InspectionRules.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await InspectionRules.fill(&drafts[index], records)
      }
    }
    hooks.beforeUpdate(InspectionRules.entity) { [self] changes, records in
      for index in changes.indices { try await change(&changes[index], records) }
    }
    hooks.beforeDelete(InspectionRules.entity) { _, _ in
      throw Refusal(.conflict, "inspection-kept", "巡检记录不能删除，没有改动。不需要的任务请撤销。")
    }
    hooks.after(InspectionRules.entity) { [self] events, records in
      for event in events where event.kind == .updated { try await follow(event, records) }
    }
  }

  // MARK: To the station

  private static func assign(_ change: inout RecordChange, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", "address") }
    if try await isUnderWay(change.id, transaction) { return change.refuse(twice(change["full_name"].text)) }
    guard change["police_station_id"].isNull || change["beat"].isBlank else { return }
    let found = try await AddressAreas.over(
      [(change["division_code"].text ?? "", change["location"].point)], in: transaction)[0]
    guard let station = change["police_station_id"].integer ?? found.policeStation else {
      return change.refuse(
        Refusal(
          .unprocessable, "station-unknown",
          "“\(change["full_name"].text ?? "")”所在的区划还没有登记派出所，没有分派。请先在“派出所”里登记，或在地址里填写派出所。",
          field: "police_station_id"))
    }
    change.changes["police_station_id"] = .integer(station)
    if change["beat"].isBlank, found.policeStation == station, let beat = found.beat {
      change.changes["beat"] = .text(beat)
    }
  }

  private static func isUnderWay(_ address: Int64, _ transaction: Transaction) async throws -> Bool {
    let found = try await transaction.query(
      "select 1 from inspection_task where address_id = \(address) and state = any(\(underWay)) limit 1")
    return !found.isEmpty
  }

  private static func twice(_ name: String?) -> Refusal {
    Refusal(
      .conflict, "inspection-under-way", "“\(name ?? "")”已有没完成的巡检任务，没有重复分派。要换人请在“巡检任务”里改派。",
      field: "address_id")
  }

  /// A task takes down which place it is about; the address itself may change until somebody stands there.
  private static func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", entity) }
    guard let id = draft["address_id"].integer else { return }
    // Two who assign one address wait for each other here.
    try await transaction.execute("select 1 from address where id = \(id) for no key update")
    let address = try await records.asSystem.get(
      "address", id,
      columns: ["code", "full_name", "division_code", "grid_id", "road", "compound", "police_station_id", "location"])
    if try await isUnderWay(id, transaction) { return draft.refuse(twice(address["full_name"].text)) }
    for name in ["code", "full_name", "division_code", "grid_id", "police_station_id"] { draft[name] = address[name] }
    draft["road"] = address["road"].isBlank ? address["compound"] : address["road"]
    draft["place"] = address["location"]
    draft["state"] = .text("assigned")
  }

  // MARK: To the officer, and what was found

  private func change(_ change: inout RecordChange, _ records: Records) async throws {
    let state = change["state"].text
    let begins = change.alters("state") || change.alters("officer_id")
    if state == "open", begins {
      try await InspectionRules.judge(&change, records)
      if change["due_on"].isNull {
        let days = try parts.known().parameters.integer("inspection.days")
        change.changes["due_on"] = .date(records.store.clock.today().adding(days: Int(days)))
      }
    }
    if state == "done", change.alters("state") { try await finish(&change, records) }
  }

  /// Only who may inspect, and whose ground it is, is sent there.
  private static func judge(_ change: inout RecordChange, _ records: Records) async throws {
    guard let transaction = records.transaction, let officer = change["officer_id"].integer else { return }
    let row = try await transaction.query(
      """
      select a.name, a.status, u.division_code, exists (
        select 1 from user_role h join role r on r.id = h.role_id and r.active
          join role_grant g on g.role_id = r.id and g.subject in ('inspection_task', '*') and g.action in ('submit', '*')
        where h.user_id = a.id) as may
      from app_user a left join unit u on u.id = a.unit_id where a.id = \(officer)
      """
    ).first
    guard let row else { return }
    let name: String = try row.get("name")
    let may: Bool = try row.get("may")
    let ground: String = try row.get("division_code", as: String?.self) ?? ""
    let status: String = try row.get("status")
    if !may || status != "active" {
      change.refuse(
        Refusal(
          .unprocessable, "officer-not-inspecting", "\(name)没有巡检的权限或账号已停用，没有派发。请选择本所的社区民警或协管员。",
          field: "officer_id"))
    } else if ground.isEmpty || !(change["division_code"].text ?? "").hasPrefix(ground) {
      change.refuse(
        Refusal(
          .unprocessable, "officer-elsewhere",
          "“\(change["full_name"].text ?? "")”不在\(name)的责任区，没有派发。请选择责任区包含它的民警。", field: "officer_id"))
    }
  }

  private func finish(_ change: inout RecordChange, _ records: Records) async throws {
    guard let transaction = records.transaction, let address = change["address_id"].integer else { return }
    let parameters = try parts.known().parameters
    let row = try await transaction.query("select status from address where id = \(address) for no key update").first
    if try row?.get("status", as: String.self) == "cancelled" {
      return change.refuse(
        Refusal(.conflict, "address-cancelled", "这个地址已经注销，没有登记巡检结果。任务可以由派出所撤销。"))
    }
    let result = change["result"].text
    if result != "wrong" { change.changes["error_kind"] = result == "missing" ? .text("not_found") : .null }
    if try parameters.boolean("inspection.photo_required"), change["photo"].isBlank {
      change.refuse(Refusal(.unprocessable, "field-required", "请拍一张现场照片，拍到门牌和周围。", field: "photo"))
    }
    if result == "confirmed", try parameters.boolean("inspection.position_required"), change["position"].isNull {
      change.refuse(
        Refusal(.unprocessable, "field-required", "确认无误要有现场位置。请按“用我的位置”，或在地图上选。", field: "position"))
    }
    let drift = GroundLength.distance(change["position"], change["measured"])
    let limit = Double(try parameters.integer("inspection.drift_metres"))
    if let drift, drift > limit {
      change.refuse(
        Refusal(
          .unprocessable, "drift-too-far",
          "采用的位置离手机实测的位置 \(Int(drift)) 米，超过纠偏上限 \(Int(limit)) 米，没有登记。请到现场重新定位，或把位置移近。",
          field: "position"))
    }
    change.changes["drift"] = drift.map(GroundLength.metres) ?? .null
    change.changes["deviation"] =
      GroundLength.distance(change["position"], change["place"]).map(GroundLength.metres) ?? .null
  }

  // MARK: What follows

  private func follow(_ event: RecordEvent, _ records: Records) async throws {
    let state = event.after["state"]?.text
    if state == "open", let officer = event.after["officer_id"]?.integer,
      event.before["officer_id"] != event.after["officer_id"] || event.before["state"]?.text != "open",
      let transaction = records.transaction
    {
      // A station sends hundreds at once: one message a day says that there are some.
      try await parts.known().messages.send(
        "inspection_dispatched", to: [.user(officer)], [:],
        key: "inspection \(officer) \(records.store.clock.today())", in: transaction)
    }
    if state == "done", event.before["state"]?.text != "done" { try await InspectionRules.apply(event, records) }
  }

  /// A confirmed address is where somebody stood; a wrong or missing one waits for correction (A-051, A-070).
  private static func apply(_ event: RecordEvent, _ records: Records) async throws {
    guard let address = event.after["address_id"]?.integer else { return }
    var values: [String: Value] = ["inspected_on": .date(records.store.clock.today())]
    if event.after["result"]?.text == "confirmed" {
      values["status"] = .text("confirmed")
      values["error_kind"] = .null
      if let place = event.after["position"], !place.isNull {
        values["location"] = place
        values["location_source"] = .text("device")
      }
    } else {
      values["status"] = .text("doubtful")
      values["error_kind"] = event.after["error_kind"] ?? .null
    }
    try await records.entrusted(with: ["address"]).update("address", address, version: nil, values, input: .code)
  }
}
