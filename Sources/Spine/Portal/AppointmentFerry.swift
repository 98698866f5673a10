import Access
import Cases
import Audit
import Core
package import Entities
package import Ferry
import Messaging
package import SQL

/// Appointments across the boundary (预约摆渡, C-019). Citizens book outside, where places are counted; windows work inside, where
/// places are given out and people are checked in.
///
/// The hours (号源) travel as a published register, without what is booked of them. A booking and its cancelling go inside in
/// the transaction that makes them, what becomes of it there goes back out. Both sides know an appointment by its number, so
/// the same message twice is the same appointment, and each counts anew what is taken of an hour.
package final class AppointmentFerry: RecordRules {
  static let booked = "appointment.booked"
  static let cancelled = "appointment.cancelled"
  static let state = "appointment.state"

  /// What the window decides (窗口的状态).
  static let decided = ["arrived", "served", "withdrawn", "missed"]

  /// Where an administrator gave the list of published registers a value before appointments were ferried, the hours join it,
  /// behind the windows that they refer to.
  package static let migration = Migration(
    id: "0079-ferry-appointments",
    sql: """
      update parameter_value set value = to_jsonb(
        regexp_replace(value #>> '{}', '(^|[ ,，、])service_window($|[ ,，、])', '\\1service_window appointment_slot\\2'))
      where name = 'ferry.registers' and value #>> '{}' ~ '(^|[ ,，、])service_window($|[ ,，、])'
        and value #>> '{}' !~ '(^|[ ,，、])appointment_slot($|[ ,，、])';
      """)

  private let way = Later<FerryPost>("appointment-ferry")

  package init() {}

  package func begin(_ post: FerryPost) { way.begin(post) }

  package var side: FerrySide? { way.value?.side }

  /// How long the outside keeps what is over (互联网侧不留存).
  package var keepDays: Int64 { way.value?.current?.keepDays ?? 0 }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(Appointments.entity) { [self] drafts, records in
      guard side == .inside, records.principal.kind != .system else { return }
      for index in drafts.indices { drafts[index].refuse(AppointmentFerry.outsideOnly) }
    }
    hooks.beforeUpdate(Appointments.entity) { [self] changes, records in
      guard side == .outside, records.principal.kind != .system else { return }
      for index in changes.indices where AppointmentFerry.decided.contains(changes[index]["state"].text ?? "") {
        if changes[index].alters("state") { changes[index].refuse(AppointmentFerry.insideOnly) }
      }
    }
    // Whatever the inside publishes, nobody who has booked loses the place.
    hooks.beforeUpdate(Appointments.slot) { [self] changes, records in
      guard side != nil, records.principal.kind == .system else { return }
      for index in changes.indices {
        let taken = changes[index]["booked"].integer ?? 0
        if (changes[index]["quota"].integer ?? 0) < taken { changes[index]["quota"] = .integer(taken) }
      }
    }
    hooks.after(Appointments.entity) { [self] events, records in
      for event in events { try await send(event, records) }
    }
  }

  private static let outsideOnly = Refusal(
    .conflict, "appointment-outside", "预约在互联网侧办理，公安网侧不另外占号，没有预约。请群众在网上预约，或直接到窗口取号。")

  private static let insideOnly = Refusal(
    .conflict, "appointment-inside", "签到、办完和窗口取消在公安网侧登记，本侧只接收，没有改动。")

  // MARK: Sending

  private func send(_ event: RecordEvent, _ records: Records) async throws {
    guard let post = way.value, let side = post.side, let transaction = records.transaction else { return }
    let was = event.before["state"]?.text
    let stands = event.after["state"]?.text ?? ""
    let number = event.after["number"]?.text ?? ""
    switch (side, event.kind) {
    case (.outside, .created):
      let values = AppointmentFerry.carried.reduce(into: [String: Value]()) { $0[$1] = event[$1] }
      let slot = try await records.asSystem.plain.get(
        Appointments.slot, event["appointment_slot_id"].integer ?? 0, columns: ["code"])
      try await post.send(
        AppointmentFerry.message(
          AppointmentFerry.booked, number,
          ["number": .string(number), "slot": .string(slot["code"].text ?? ""), "values": values.ferried]),
        in: transaction)
    case (.outside, .updated) where stands == "cancelled" && was == "booked":
      try await post.send(
        AppointmentFerry.message(AppointmentFerry.cancelled, number, ["number": .string(number)]), in: transaction)
    case (.inside, .updated) where was != stands && AppointmentFerry.decided.contains(stands):
      try await post.send(AppointmentFerry.standing(event.after), in: transaction)
    default: break
    }
  }

  /// What of a booking the window has to know.
  private static let carried = [
    "queue_number", "slot_date", "time_slot", "item_code", "item_label", "name", "resident_id", "phone", "booked_at",
  ]

  private static func message(_ kind: String, _ number: String, _ payload: JSON) -> FerryMessage {
    FerryMessage(kind: kind, subject: "appointment \(number)", payload: payload)
  }

  /// How an appointment stands at the window.
  private static func standing(_ values: [String: Value]) -> FerryMessage {
    let number = values["number"]?.text ?? ""
    var payload: [(key: String, value: JSON)] = [
      ("number", .string(number)), ("state", .string(values["state"]?.text ?? "")),
    ]
    if let reason = values["cancel_reason"]?.text { payload.append(("reason", .string(reason))) }
    return message(state, number, .object(payload))
  }

  // MARK: Receiving

  /// What this side does with messages about appointments.
  package func receivers(_ appointments: Appointments) -> [FerryReceiver] {
    let number = FerryShape.text(max: 30)
    return [
      FerryReceiver(
        AppointmentFerry.booked, "网上预约", from: .outside,
        .members([("number", number), ("slot", .text(max: 60)), ("values", .map(.value, max: 20))])
      ) { [self] message, transaction in try await take(message.payload, appointments, in: transaction) },
      FerryReceiver(
        AppointmentFerry.cancelled, "取消预约", from: .outside, .members([("number", number)])
      ) { [self] message, transaction in try await cancel(message.payload, appointments, in: transaction) },
      FerryReceiver(
        AppointmentFerry.state, "窗口登记的预约情况", from: .inside,
        .members(
          [("number", number), ("state", .word(AppointmentFerry.decided + ["booked", "cancelled"]))],
          optional: [("reason", .text(max: 200))])
      ) { message, transaction in try await AppointmentFerry.follow(message.payload, appointments, in: transaction) },
    ]
  }

  private static func records(_ appointments: Appointments, _ transaction: Transaction) -> Records {
    appointments.store.records(as: .system, purpose: "预约摆渡").within(transaction)
  }

  private static func known(_ payload: JSON, _ records: Records) async throws -> Record? {
    try await records.find(Appointments.entity, where: "number", equals: .text(payload["number"]?.string ?? ""))
  }

  private static let unpublished = Refusal(
    .conflict, "ferry-slots-unpublished",
    "号源没有发布到互联网侧，这个预约对不上时段，没有登记。请系统管理员在参数“发布到互联网侧的登记”里 service_window 后面加上 appointment_slot，再重新处理这一条。")

  /// Inside: a place that was taken outside. Of an hour that is gone the citizen is told so; one of hours that this side does
  /// not publish waits for somebody to mend that.
  private func take(_ payload: JSON, _ appointments: Appointments, in transaction: Transaction) async throws {
    let records = AppointmentFerry.records(appointments, transaction)
    let number = payload["number"]?.string ?? ""
    guard try await AppointmentFerry.known(payload, records) == nil else {
      throw Refusal(.conflict, "ferry-known", "预约编号 \(number) 已经收到过，没有重复登记。请核对后拒绝这一条。")
    }
    let code = payload["slot"]?.string ?? ""
    guard let slot = try await records.find(Appointments.slot, where: "code", equals: .text(code)) else {
      guard try appointments.publishesSlots else { throw AppointmentFerry.unpublished }
      try await way.known().send(
        AppointmentFerry.standing([
          "number": .text(number), "state": .text("withdrawn"), "cancel_reason": .text("这个时段已经取消，请另约时间。"),
        ]), in: transaction)
      return
    }
    let given = try [String: Value](ferried: payload["values"])
    var values = given.filter { AppointmentFerry.carried.contains($0.key) }
    values["number"] = .text(number)
    values["appointment_slot_id"] = .integer(slot.id)
    for name in ["service_window_id", "unit_id", "division_code"] { values[name] = slot[name] }
    values["state"] = .text("booked")
    try await records.insert(Appointments.entity, values, input: .code)
    try await Appointments.recount(slot.id, records)
  }

  /// Inside: one that was served meanwhile stays so, and the outside is told.
  private func cancel(_ payload: JSON, _ appointments: Appointments, in transaction: Transaction) async throws {
    let records = AppointmentFerry.records(appointments, transaction)
    // Of an hour that was gone there is nothing here to cancel.
    guard let known = try await AppointmentFerry.known(payload, records) else { return }
    guard known["state"].text == "booked" else {
      return try await way.known().send(AppointmentFerry.standing(known.values), in: transaction)
    }
    try await records.update(
      Appointments.entity, known.id, version: nil,
      ["state": .text("cancelled"), "cancelled_at": .instant(appointments.store.clock.now())], input: .code)
    try await Appointments.recount(known["appointment_slot_id"].integer ?? 0, records)
  }

  /// Outside: the window decides.
  private static func follow(_ payload: JSON, _ appointments: Appointments, in transaction: Transaction) async throws {
    let records = records(appointments, transaction)
    // What was over for long is not kept outside.
    guard let known = try await known(payload, records), let state = payload["state"]?.string else { return }
    if known["state"].text == state || (known["state"].text == "cancelled" && state == "withdrawn") { return }
    let now = appointments.store.clock.now()
    var values: [String: Value] = ["state": .text(state)]
    switch state {
    case "arrived": values["arrived_at"] = .instant(now)
    case "served": values["served_at"] = .instant(now)
    case "withdrawn":
      values["cancelled_at"] = .instant(now)
      values["cancel_reason"] = .text(payload["reason"]?.string ?? "窗口原因")
    default: break
    }
    try await records.update(Appointments.entity, known.id, version: nil, values, input: .code)
    try await Appointments.recount(known["appointment_slot_id"].integer ?? 0, records)
    if state == "missed", let user = known["user_id"].integer { try await appointments.blockWhenTooMany(user, records) }
  }
}

extension Appointments {
  /// Whether the inside publishes the hours that are booked (发布到互联网侧的登记).
  fileprivate var publishesSlots: Bool {
    get throws {
      PublishedRegisters.names(in: try parameters.text(PublishedRegisters.parameter)).contains(Appointments.slot)
    }
  }

  /// Counts anew what is taken of an hour, under its lock: the sides agree whatever came first.
  static func recount(_ slot: Int64, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("appointment-without-transaction") }
    guard try await !transaction.query("select id from appointment_slot where id = \(slot) for update").isEmpty else {
      return
    }
    let taken = try await records.count(
      ListQuery(
        entity,
        filters: [
          ListFilter("appointment_slot_id", .equals(.integer(slot))),
          ListFilter("state", .oneOf(["booked", "arrived", "served", "missed"].map { .text($0) })),
        ]))
    try await records.update(
      Appointments.slot, slot, version: nil, ["booked": .integer(Int64(taken.value))], input: .code)
  }

  /// Outside: forgets appointments whose day is long past, with everything their history holds, also those of which the window
  /// never said what became of them (C-207: 互联网侧不留存业务数据).
  ///
  /// - Parameter owner: may write history.
  /// - Returns: how many.
  @discardableResult
  package func eraseFerried(_ ferry: AppointmentFerry, owner: Database, limit: Int = 200) async throws -> Int {
    guard ferry.side == .outside else { return 0 }
    // Staying away counts for as long as it may stop somebody from booking.
    let days = max(Int(ferry.keepDays), number("missed_days"))
    let system = store.records(as: .system, purpose: "互联网侧到期清除").plain
    let over = try await system.list(
      ListQuery(
        Appointments.entity,
        filters: [
          ListFilter("slot_date", .range(from: nil, to: .date(store.clock.today().adding(days: -max(days, 1)))))
        ], columns: ["number"], limit: limit)
    ).records
    guard !over.isEmpty else { return 0 }
    let ids = over.map(\.id)
    try await messages.forget(ids.map { "appointment \($0)" })
    // Both at once: history without its record would never be found again.
    try await owner.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.actor', '0', true)")
      _ = try await transaction.query("select set_config('lifang.scope_appointment', '{\"all\":true}', true)")
      try await transaction.execute("delete from appointment where id = any(\(ids))")
      for id in ids {
        try await store.audit.append(
          AuditEntry(
            .system, "\(Appointments.entity).delete", entity: Appointments.entity, record: id, purpose: "互联网侧到期清除"),
          in: transaction)
      }
      try await transaction.execute("delete from appointment_history where id = any(\(ids))")
    }
    return ids.count
  }
}
