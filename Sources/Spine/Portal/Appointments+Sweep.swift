import Access
package import Core
package import Entities
import Ferry
import Messaging
import SQL

/// What happens to appointments by itself: places given back, reminders, staying away.
extension Appointments {
  /// A place that is not needed any more is free again, whoever cancelled.
  package static let hooks: RecordHooks = {
    var hooks = RecordHooks()
    hooks.beforeInsert(Appointments.slot) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await Appointments.name(&drafts[index], records)
      }
    }
    hooks.beforeUpdate(Appointments.slot) { changes, records in
      for index in changes.indices {
        let isMoved = ["service_window_id", "slot_date", "time_slot"].contains { changes[index].alters($0) }
        if isMoved || changes[index]["code"].isNull {
          let change = changes[index]
          changes[index]["code"] = try await Appointments.code({ change[$0] }, records)
        }
      }
    }
    hooks.after(Appointments.entity) { events, records in
      for event in events where event.kind == .updated {
        guard event.before["state"]?.text == "booked",
          ["cancelled", "withdrawn"].contains(event.after["state"]?.text ?? ""),
          let id = event.after["appointment_slot_id"]?.integer, let transaction = records.transaction
        else { continue }
        _ = try await transaction.query("select id from appointment_slot where id = \(id) for update")
        let slot = try await records.asSystem.get(Appointments.slot, id)
        let booked = max(0, (slot["booked"].integer ?? 0) - 1)
        try await records.asSystem.update(
          Appointments.slot, id, version: nil, ["booked": .integer(booked)], input: .code)
      }
    }
    return hooks
  }()

  /// An hour is known by its window and time on both sides of the boundary.
  private static func code(_ values: (String) -> Value, _ records: Records) async throws -> Value {
    guard let window = values("service_window_id").integer, let date = values("slot_date").date,
      let time = values("time_slot").text
    else { return .null }
    let place = try await records.asSystem.plain.get(ServiceWindow.entity, window, columns: ["code"])
    guard let code = place["code"].text else { return .null }
    return .text("\(code) \(date) \(time)")
  }

  private static func name(_ draft: inout RecordDraft, _ records: Records) async throws {
    let given = draft
    draft["code"] = try await code({ given[$0] }, records)
    // One that comes from the other side may be over.
    if records.principal.kind != .system, let date = draft["slot_date"].date, date < records.store.clock.today() {
      draft.refuse(
        Refusal(.unprocessable, "slot-past", "日期已经过去，请选今天或以后的日期", field: "slot_date"))
    }
  }

  func tell(_ template: String, _ record: Record, _ place: ServiceWindow, in transaction: Transaction) async throws {
    guard let user = record["user_id"].integer else { return }
    var values = [
      "window": place.name,
      "time": "\(record["slot_date"].date?.description ?? "") \(record.titles["time_slot"] ?? "")",
      "item": record["item_label"].text ?? "", "phone": place.phone,
    ]
    if template == "appointment_withdrawn" {
      values["reason"] = record["cancel_reason"].text ?? "窗口原因"
    } else {
      values["queue"] = record["queue_number"].text ?? ""
      values["address"] = place.address
      values["cancel"] = cancelBefore(record)?.display ?? ""
    }
    try await messages.send(
      template, to: [.user(user)], values, link: String(record.id), key: "appointment \(record.id)", in: transaction)
  }

  /// Reminds of what is near, tells of what a window cancelled, and ends what nobody came to. Doing it twice changes
  /// nothing; an appointment that makes trouble is logged and keeps no other waiting.
  package func sweep(log: Log) async {
    let now = store.clock.now()
    let today = now.chinaTime.date
    let soon = now + Int64(number("reminder_hours") * 3600)
    await each("booked", from: today, to: soon.chinaTime.date, log) { try await remind($0, now, until: soon) }
    await each("withdrawn", from: today.adding(days: -1), to: nil, log) { try await tell("appointment_withdrawn", $0) }
    await nameHours(log)
    // Who came is known inside, which tells who did not.
    if ferry?.side == .outside { return }
    await each("booked", from: nil, to: today.adding(days: -1), log) { try await miss($0) }
  }

  /// Hours that were given out before they had a code get one, so that the other side can be told of them (C-019).
  private func nameHours(_ log: Log) async {
    do {
      let system = store.records(as: .system, purpose: "号源编号").plain
      let nameless = try await system.all(
        ListQuery(
          Appointments.slot,
          filters: [
            ListFilter("code", .empty(true)),
            ListFilter("slot_date", .range(from: .date(store.clock.today()), to: nil)),
          ], columns: ["service_window_id", "slot_date", "time_slot"]))
      for slot in nameless {
        let code = try await Appointments.code({ slot[$0] }, system)
        if code.isNull { continue }
        try await system.update(Appointments.slot, slot.id, version: nil, ["code": code], input: .code)
      }
    } catch {
      if !Task.isCancelled { log.fault(error, "appointment-hours") }
    }
  }

  /// Does something with every appointment of a state and of these days, however many there are.
  private func each(
    _ state: String, from: CivilDate?, to: CivilDate?, _ log: Log, _ work: (Record) async throws -> Void
  ) async {
    var query = ListQuery(
      Appointments.entity,
      filters: [
        ListFilter("state", .equals(.text(state))),
        ListFilter("slot_date", .range(from: from.map { .date($0) }, to: to.map { .date($0) })),
      ], sort: [.init(field: "id", descending: false)], columns: Appointments.shown, limit: ListQuery.maximumLimit)
    do {
      while !Task.isCancelled {
        let page = try await store.records(as: .system, purpose: "预约提醒").list(query)
        for record in page.records {
          do {
            try await work(record)
          } catch {
            if Task.isCancelled { return }
            log.fault(error, "appointment-sweep", ["appointment": .int(record.id)])
          }
        }
        guard let next = page.next else { return }
        query.start = .after(next)
      }
    } catch {
      if !Task.isCancelled { log.fault(error, "appointment-sweep") }
    }
  }

  private func tell(_ template: String, _ record: Record) async throws {
    guard let window = record["service_window_id"].integer, let place = try await windows.known(window) else { return }
    try await store.database.transaction { transaction in
      try await self.tell(template, record, place, in: transaction)
    }
  }

  private func remind(_ record: Record, _ now: Instant, until soon: Instant) async throws {
    guard let date = record["slot_date"].date, let code = record["time_slot"].text,
      let start = Appointments.start(of: code, on: date), start > now, start <= soon,
      let booked = record["booked_at"].instant, now - booked > 3600
    else { return }
    try await tell("appointment_reminder", record)
  }

  /// Nobody came to it (爽约); too many of these stop a person from booking for a while.
  private func miss(_ record: Record) async throws {
    let records = store.records(as: .system, purpose: "爽约登记")
    try await records.update(
      Appointments.entity, record.id, version: record.version, ["state": .text("missed")], input: .code)
    if let user = record["user_id"].integer { try await blockWhenTooMany(user, records) }
  }

  func blockWhenTooMany(_ user: Int64, _ records: Records) async throws {
    let today = store.clock.today()
    let missed = try await records.count(
      ListQuery(
        Appointments.entity,
        filters: [
          ListFilter("user_id", .equals(.integer(user))), ListFilter("state", .equals(.text("missed"))),
          ListFilter("slot_date", .range(from: .date(today.adding(days: -number("missed_days"))), to: nil)),
        ]))
    guard missed.value >= number("missed_limit"), try await blocked(user) == nil else { return }
    try await records.insert(
      Appointments.block,
      [
        "user_id": .integer(user), "reason": .text("\(number("missed_days")) 天内爽约 \(missed.value) 次"),
        "until": .date(today.adding(days: number("blocked_days"))), "missed": .integer(Int64(missed.value)),
        "state": .text("active"),
      ], input: .code)
  }
}
