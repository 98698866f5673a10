package import Access
package import Audit
package import Core
package import Entities
package import Messaging
import SQL

/// Appointments at windows (预约): what is left, booking, cancelling (C-067, C-235).
///
/// A booking takes a place of its slot under the row's lock, so that the last place goes to one person.
package struct Appointments: Sendable {
  package static let entity = "appointment"
  package static let slot = "appointment_slot"
  package static let block = "appointment_block"

  let store: RecordStore
  let parameters: Parameters
  let messages: MessageCenter
  let windows: ServiceWindows
  /// The way to the other side of a boundary; `nil` where there is none.
  let ferry: AppointmentFerry?

  package init(
    store: RecordStore, parameters: Parameters, messages: MessageCenter, ferry: AppointmentFerry? = nil
  ) {
    self.store = store
    self.parameters = parameters
    self.messages = messages
    self.ferry = ferry
    windows = ServiceWindows(store: store)
  }

  /// An hour of a day at a window, with what is left.
  package struct Slot: Sendable {
    package let id: Int64
    package let date: CivilDate
    package let code: String
    package let label: String
    package let start: Instant
    package let remaining: Int
  }

  /// What is to be done there: an item, or a service of the window.
  package struct Subject: Sendable, Hashable {
    package let code: String
    package let label: String
    /// Of `desk_window_service`.
    package let service: String

    package init(code: String, label: String, service: String) {
      self.code = code
      self.label = label
      self.service = service
    }
  }

  /// When the hour of a slot begins, from its code: `t0830` at half past eight.
  static func start(of code: String, on date: CivilDate) -> Instant? {
    guard code.utf8.count == 5, code.hasPrefix("t"), let number = Int(code.dropFirst()), number / 100 < 24,
      number % 100 < 60
    else { return nil }
    return date.start + Int64(number / 100 * 3600 + number % 100 * 60)
  }

  func number(_ name: String) -> Int { Int((try? parameters.integer("appointment.\(name)")) ?? 0) }

  // MARK: Reading

  /// The slots of a window that begin later than now and can be booked, full ones too.
  package func slots(of window: Int64, service: String) async throws -> [Slot] {
    let now = store.clock.now()
    let today = store.clock.today()
    let query = ListQuery(
      Appointments.slot,
      filters: [
        ListFilter("service_window_id", .equals(.integer(window))), ListFilter("state", .equals(.text("open"))),
        ListFilter(
          "slot_date", .range(from: .date(today), to: .date(today.adding(days: number("days_ahead"))))),
      ],
      sort: [.init(field: "slot_date", descending: false), .init(field: "time_slot", descending: false)],
      columns: ["slot_date", "time_slot", "services", "quota", "booked"], limit: 1000)
    return try await store.records(as: .system).list(query).records.compactMap { record in
      let services = record["services"].list ?? []
      guard services.isEmpty || services.contains(service), let date = record["slot_date"].date,
        let code = record["time_slot"].text, let start = Appointments.start(of: code, on: date), start > now
      else { return nil }
      let left = (record["quota"].integer ?? 0) - (record["booked"].integer ?? 0)
      return Slot(
        id: record.id, date: date, code: code, label: record.titles["time_slot"] ?? code, start: start,
        remaining: Int(max(0, left)))
    }
  }

  /// The appointments of a user, those to come first.
  package func mine(_ user: Int64) async throws -> [Record] {
    let query = ListQuery(
      Appointments.entity, filters: [ListFilter("user_id", .equals(.integer(user)))],
      sort: [.init(field: "slot_date", descending: true)], columns: Appointments.shown, limit: 50)
    return try await store.records(as: .system, purpose: "本人查看预约").list(query).records
  }

  static let shown = [
    "number", "queue_number", "service_window_id", "unit_id", "slot_date", "time_slot", "item_code", "item_label",
    "user_id", "name", "phone", "state", "booked_at", "arrived_at", "cancel_reason", "appointment_slot_id",
  ]

  /// - Throws: ``Refusal`` `appointment-missing` for another's.
  package func one(_ id: Int64, of user: Int64) async throws -> Record {
    let query = ListQuery(
      Appointments.entity,
      filters: [ListFilter("id", .equals(.integer(id))), ListFilter("user_id", .equals(.integer(user)))],
      columns: Appointments.shown, limit: 1)
    guard let found = try await store.records(as: .system, purpose: "本人查看预约").list(query).records.first else {
      throw Appointments.missing
    }
    return found
  }

  static let missing = Refusal(.notFound, "appointment-missing", "没有找到这个预约。请从“我的预约”重新进入。")

  /// Until when a user may not book, and why.
  package func blocked(_ user: Int64) async throws -> (until: CivilDate, reason: String)? {
    let query = ListQuery(
      Appointments.block,
      filters: [
        ListFilter("user_id", .equals(.integer(user))), ListFilter("state", .equals(.text("active"))),
        ListFilter("until", .range(from: .date(store.clock.today()), to: nil)),
      ], sort: [.init(field: "until", descending: true)], limit: 1)
    guard let record = try await store.records(as: .system, purpose: "预约检查").list(query).records.first,
      let until = record["until"].date
    else { return nil }
    return (until, record["reason"].text ?? "")
  }

  // MARK: Booking

  private func records(for principal: Principal, _ purpose: String, _ origin: Origin) -> Records {
    store.records(
      as: principal.entrusted(with: [Appointments.entity, Appointments.slot]), purpose: purpose, origin: origin)
  }

  /// Books a place.
  ///
  /// - Throws: ``Refusal`` that says what is left to do: `slot-full`, `slot-over`, `appointment-open`,
  ///   `appointment-many`, `appointment-blocked`, and what is wrong with the person's particulars.
  package func book(
    slot id: Int64, _ subject: Subject, person: KnownPerson, by principal: Principal, origin: Origin
  ) async throws -> Record {
    let particulars = try Particulars(person)
    if let (until, reason) = try await blocked(principal.id) {
      throw Refusal(
        .forbidden, "appointment-blocked", "\(reason)，\(until) 前不能网上预约，没有预约。您可以直接到窗口取号；认为有误的，请致电窗口申请解除。")
    }
    return try await store.database.transaction { transaction in
      // One booking of a person at a time, then one of a slot: always in this order.
      try await transaction.execute(
        "select pg_advisory_xact_lock(hashtextextended(\("appointment \(principal.id)"), 5118))")
      let records = records(for: principal, "本人预约", origin).within(transaction)
      try await refuseMore(subject, of: principal.id, records)
      _ = try await transaction.query("select id from appointment_slot where id = \(id) for update")
      let slot = try await records.get(Appointments.slot, id)
      guard slot["state"].text == "open", let date = slot["slot_date"].date, let code = slot["time_slot"].text,
        let start = Appointments.start(of: code, on: date), start > store.clock.now(),
        date <= store.clock.today().adding(days: number("days_ahead"))
      else {
        throw Refusal(.conflict, "slot-over", "这个时段已经停止预约或已经开始，没有预约。请另选时段。", field: "slot")
      }
      let services = slot["services"].list ?? []
      guard let window = slot["service_window_id"].integer, services.isEmpty || services.contains(subject.service)
      else {
        throw Refusal(.unprocessable, "slot-service", "这个时段不办理“\(subject.label)”，没有预约。请另选时段。", field: "slot")
      }
      let place = try await windows.one(window)
      guard place.takesAppointment, place.services.contains(subject.service) else {
        throw Refusal(.conflict, "window-suspended", "“\(place.name)”暂停预约或不办理这项业务，没有预约。请另选窗口。", field: "window")
      }
      let booked = slot["booked"].integer ?? 0
      guard booked < slot["quota"].integer ?? 0 else {
        throw Refusal(.conflict, "slot-full", "这个时段刚刚约满，没有预约。请另选时段。", field: "slot")
      }
      try await records.update(Appointments.slot, id, version: nil, ["booked": .integer(booked + 1)], input: .code)
      let before = try await records.count(
        ListQuery(Appointments.entity, filters: [ListFilter("appointment_slot_id", .equals(.integer(id)))]))
      let record = try await records.insert(
        Appointments.entity,
        particulars.values.merging([
          "queue_number": .text(Appointments.queueNumber(before.value + 1, of: code)),
          "appointment_slot_id": .integer(id), "service_window_id": .integer(window),
          "unit_id": slot["unit_id"], "division_code": slot["division_code"], "slot_date": .date(date),
          "time_slot": .text(code), "item_code": .text(subject.code), "item_label": .text(subject.label),
          "user_id": .integer(principal.id), "state": .text("booked"), "booked_at": .instant(store.clock.now()),
        ]) { $1 }, input: .code)
      try await tell("appointment_booked", record, place, in: transaction)
      return record
    }
  }

  /// `B003`: the letter of the hour and a running number, never given twice in a slot.
  static func queueNumber(_ number: Int, of code: String) -> String {
    let hour = (Int(code.dropFirst()) ?? 0) / 100
    let letter = Character(Unicode.Scalar(UInt8(ascii: "A") + UInt8(max(0, min(25, hour - 8)))))
    let digits = String(number)
    return "\(letter)\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits)"
  }

  private func refuseMore(_ subject: Subject, of user: Int64, _ records: Records) async throws {
    let query = ListQuery(
      Appointments.entity,
      filters: [
        ListFilter("user_id", .equals(.integer(user))),
        ListFilter("state", .oneOf([.text("booked"), .text("arrived")])),
      ], columns: ["item_code", "slot_date", "time_slot", "number"], limit: 50)
    let open = try await records.list(query).records
    if let same = open.first(where: { $0["item_code"].text == subject.code }) {
      throw Refusal(
        .conflict, "appointment-open",
        "您已经约了“\(subject.label)”（\(same["slot_date"].date?.description ?? "") \(same.titles["time_slot"] ?? "")，编号 \(same["number"].text ?? "")），没有再约。要改时间的，请先取消原来的预约。"
      )
    }
    guard open.count < number("open_bookings") else {
      throw Refusal(.conflict, "appointment-many", "您已有 \(open.count) 个未办的预约，没有再约。请办完或取消后再约。")
    }
  }

  /// Until when an appointment can be cancelled.
  package func cancelBefore(_ record: Record) -> Instant? {
    guard let date = record["slot_date"].date, let code = record["time_slot"].text,
      let start = Appointments.start(of: code, on: date)
    else { return nil }
    return start + Int64(-number("cancel_minutes") * 60)
  }

  /// Cancels one's own; the place is free again.
  package func cancel(_ id: Int64, by principal: Principal, origin: Origin) async throws {
    let known = try await one(id, of: principal.id)
    guard known["state"].text == "booked" else {
      throw Refusal(.conflict, "appointment-over", "这个预约现在是“\(known.titles["state"] ?? "")”，不能取消。")
    }
    guard let limit = cancelBefore(known), store.clock.now() < limit else {
      throw Refusal(
        .conflict, "cancel-late", "离预约时间不到 \(number("cancel_minutes")) 分钟，不能网上取消。请致电窗口说明，或按时前往。")
    }
    let records = records(for: principal, "本人取消预约", origin)
    try await store.database.transaction { transaction in
      try await records.within(transaction).update(
        Appointments.entity, id, version: known.version,
        ["state": .text("cancelled"), "cancelled_at": .instant(store.clock.now())], input: .code)
    }
  }
}

/// The particulars of who books, checked.
struct Particulars: Sendable {
  let values: [String: Value]

  init(_ person: KnownPerson) throws(Refusal) {
    var refusals: [Refusal] = []
    var values: [String: Value] = [:]
    let name = person.name?.filter { !$0.isWhitespace } ?? ""
    if name.isEmpty || name.count > 60 {
      refusals.append(Refusal(.invalid, "name-missing", "请填写姓名。", field: "name"))
    }
    values["name"] = .text(name)
    if let document = person.document.flatMap({ ResidentID($0) }) {
      values["resident_id"] = .text(document.text)
    } else {
      refusals.append(Refusal(.invalid, "document-invalid", "身份证号不正确，请核对 18 位号码。", field: "document"))
    }
    if let phone = person.phone.flatMap({ PhoneNumber($0) }), phone.kind == .mobile {
      values["phone"] = .text(phone.text)
    } else {
      refusals.append(Refusal(.invalid, "phone-invalid", "请填写手机号码，用来接收提醒。", field: "phone"))
    }
    if let refusal = Refusal(all: refusals) { throw refusal }
    self.values = values
  }
}
