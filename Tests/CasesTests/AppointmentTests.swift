import Access
import Audit
import Cases
import Core
import Crypto
import Entities
import Ferry
import Portal
import SQL
import Testing

/// What happens to appointments, codes and questions beside the pages.
@Suite struct AppointmentTests {
  private struct Desk {
    let city: CaseFixture
    let ferry = AppointmentFerry()
    let appointments: Appointments
    var records: Records { city.store.records(as: .system, purpose: "测试") }

    /// - Parameter side: of a boundary; `nil` where there is none.
    init(side: FerrySide? = nil) async throws {
      city = try await CaseFixture()
      ferry.begin(
        FerryPost(keys: city.store.keys, files: city.files, clock: city.time.clock) {
          side.map { FerrySettings(side: $0, outgoing: "-", incoming: "-") }
        })
      appointments = Appointments(
        store: city.store, parameters: city.cases.parameters, messages: city.messages, ferry: ferry)
    }

    func window(_ code: String) async throws -> Int64 {
      try await records.insert(
        ServiceWindow.entity,
        [
          "code": .text(code), "name": .text("户政窗口\(code)"), "kind": .text("station"),
          "division_code": .text("511702001"),
          "unit_id": .integer(3), "address": .text("荷叶街 1 号"), "phone": .text("0818-2100001"),
          "weekday_hours": .text("09:00-17:00"), "services": .list(["hukou", "migration"]),
          "location": .geometry(["type": "Point", "coordinates": [107.5, 31.2]]), "takes_appointment": .boolean(true),
          "noon_open": .boolean(false), "accessible": .boolean(true),
          "state": .text("open"),
        ], input: .code
      ).id
    }

    func slot(_ window: Int64, on date: String, at code: String = "t0830") async throws -> Int64 {
      try await records.insert(
        Appointments.slot,
        [
          "service_window_id": .integer(window), "unit_id": .integer(3), "division_code": .text("511702001"),
          "slot_date": CivilDate(date).map { .date($0) } ?? .null, "time_slot": .text(code), "quota": .integer(5),
          "booked": .integer(0), "state": .text("open"),
        ], input: .code
      ).id
    }

    func book(_ slot: Int64, _ service: String = "hukou", by account: String) async throws -> Record {
      try await appointments.book(
        slot: slot, .init(code: service, label: "户口登记", service: service),
        person: KnownPerson(name: "刘芳", document: "511702199603071223", phone: "13800138000"),
        by: try city.person(account), origin: .inside)
    }

    func state(_ record: Record) async throws -> String? {
      try await records.get(Appointments.entity, record.id)["state"].text
    }
  }

  @Test func anHourIsKnownByItsWindowAndTimeAlsoOneFromBeforeThat() async throws {
    let desk = try await Desk()
    let slot = try await desk.slot(try await desk.window("B7"), on: "2026-11-19")
    func code() async throws -> String? { try await desk.records.get(Appointments.slot, slot)["code"].text }
    #expect(try await code() == "B7 2026-11-19 t0830")
    try await desk.city.database.execute("update appointment_slot set code = null where id = \(slot)")
    await desk.appointments.sweep(log: .silent)
    #expect(try await code() == "B7 2026-11-19 t0830")
  }

  @Test func theOutsideForgetsWhatIsLongPastWhateverBecameOfIt() async throws {
    let desk = try await Desk(side: .outside)
    let window = try await desk.window("D1")
    // The window never said what became of the first; the second came and nobody ended it.
    _ = try await desk.book(try await desk.slot(window, on: "2026-11-19"), by: "resident")
    let second = try await desk.book(try await desk.slot(window, on: "2026-11-19", at: "t0930"), by: "neighbour")
    try await desk.records.update(
      Appointments.entity, second.id, version: nil, ["state": .text("arrived")], input: .code)
    try desk.city.wait(until: "2026-11-20 08:00")
    #expect(try await desk.appointments.eraseFerried(desk.ferry, owner: desk.city.database) == 0)
    try desk.city.wait(until: "2028-01-01 08:00")
    // Stopped half way, both are still there to be taken up again: no history stays behind without its appointment.
    try await desk.city.database.execute(
      """
      create function stop_here() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$
      """)
    try await desk.city.database.execute(
      "create trigger stop_here before delete on appointment_history for each statement execute function stop_here()")
    await #expect(throws: SQLFailure.self) {
      try await desk.appointments.eraseFerried(desk.ferry, owner: desk.city.database)
    }
    try await desk.city.database.execute("drop trigger stop_here on appointment_history")
    #expect(try await desk.records.count(ListQuery(Appointments.entity)).value == 2)
    #expect(try await desk.appointments.eraseFerried(desk.ferry, owner: desk.city.database) == 2)
    #expect(try await desk.records.count(ListQuery(Appointments.entity)).value == 0)
    let erased = try await desk.city.database.query(
      "select 1 from audit_entry where action = 'appointment.delete' and purpose = '互联网侧到期清除'")
    #expect(erased.count == 2)
    let kept = try await desk.city.database.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.scope_appointment', '{\"all\":true}', true)")
      return try await transaction.query("select id from appointment_history").count
    }
    #expect(kept == 0)
  }

  @Test func aBookingForHoursThatAreNotPublishedWaitsAndIsNotCalledOff() async throws {
    let desk = try await Desk(side: .inside)
    let database = desk.city.database
    try await database.execute(
      "insert into parameter_value (name, value) values ('ferry.registers', '\"service_window desk_policy\"')")
    try await desk.city.cases.parameters.refresh(from: database)
    let receiver = try #require(desk.ferry.receivers(desk.appointments).first { $0.kind == "appointment.booked" })
    let message = FerryMessage(
      kind: receiver.kind, subject: "appointment Y1",
      payload: [
        "number": .string("Y1"), "slot": .string("D1 2026-11-19 t0830"), "values": .object([]),
      ])
    let code = try await desk.city.refusal {
      try await database.transaction { try await receiver.apply(message, $0) }
    }
    #expect(code == "ferry-slots-unpublished")
  }

  @Test(arguments: [
    ("road service_window desk_policy", "road service_window appointment_slot desk_policy"),
    ("service_window，appointment_slot", "service_window，appointment_slot"), ("desk_policy", "desk_policy"), ("-", "-"),
  ])
  func aListOfRegistersFromBeforePublishesTheHoursBehindTheirWindows(_ before: String, _ after: String) async throws {
    let city = try await CaseFixture()
    try await city.database.execute(
      "insert into parameter_value (name, value) values ('ferry.registers', to_jsonb(\(before)::text))")
    try await city.database.execute(SQL(unsafe: AppointmentFerry.migration.sql))
    try await city.cases.parameters.refresh(from: city.database)
    #expect(try city.cases.parameters.text("ferry.registers") == after)
  }

  @Test func aClosedWindowKeepsNobodyElseFromBeingRemindedOrNoted() async throws {
    let desk = try await Desk()
    let closed = try await desk.window("A1")
    let open = try await desk.window("A2")
    let first = try await desk.book(try await desk.slot(closed, on: "2026-11-19"), by: "resident")
    let second = try await desk.book(try await desk.slot(open, on: "2026-11-19"), by: "neighbour")
    try await desk.records.update(ServiceWindow.entity, closed, version: nil, ["state": .text("closed")], input: .code)
    try desk.city.wait(until: "2026-11-18 20:00")
    await desk.appointments.sweep(log: .silent)
    let reminded = try await desk.city.database.query(
      "select id from message where template = 'appointment_reminder'")
    // Both are told: a window that closed may still have people on their way.
    #expect(reminded.count == 2)
    try desk.city.wait(until: "2026-11-20 08:00")
    await desk.appointments.sweep(log: .silent)
    #expect(try await desk.state(first) == "missed")
    #expect(try await desk.state(second) == "missed")
  }

  @Test func moreThanAPageOfAppointmentsIsGoneThrough() async throws {
    let desk = try await Desk()
    let window = try await desk.window("B1")
    let slot = try await desk.slot(window, on: "2026-11-19")
    let one = try await desk.book(slot, by: "resident")
    try await desk.city.database.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.scope_appointment', '{\"all\":true}', true)")
      try await transaction.execute(
        """
        insert into appointment select (jsonb_populate_record(a, jsonb_build_object('id', 100000 + n, 'number', 'X' || n,
          'item_code', 'x' || n))).* from appointment a, generate_series(1, 1100) n where a.id = \(one.id)
        """)
    }
    try desk.city.wait(until: "2026-11-20 08:00")
    await desk.appointments.sweep(log: .silent)
    let left = try await desk.records.count(
      ListQuery(Appointments.entity, filters: [ListFilter("state", .equals(.text("booked")))]))
    #expect(left.value == 0)
  }

  @Test func ownAppointmentsOfLongAgoAreStillFound() async throws {
    let desk = try await Desk()
    let window = try await desk.window("C1")
    let one = try await desk.book(try await desk.slot(window, on: "2026-11-19"), by: "resident")
    try await desk.city.database.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.scope_appointment', '{\"all\":true}', true)")
      try await transaction.execute(
        """
        insert into appointment select (jsonb_populate_record(a, jsonb_build_object('id', 100000 + n, 'number', 'Y' || n,
          'item_code', 'y' || n, 'slot_date', '2027-01-01'))).*
        from appointment a, generate_series(1, 60) n where a.id = \(one.id)
        """)
    }
    let user = try desk.city.person("resident").id
    #expect(try await desk.appointments.one(one.id, of: user).id == one.id)
    #expect(
      try await desk.city.refusal { try await desk.appointments.one(one.id, of: user + 1) } == "appointment-missing")
  }

  @Test func whoKnowsOnlyTheTelephoneNeitherUsesUpNorReplacesACode() async throws {
    let city = try await CaseFixture()
    let codes = PhoneCodes(messages: city.messages)
    let phone = try #require(PhoneNumber("13800138000"))
    try await codes.send(.progress, to: phone, subject: "HJ-1", isWanted: true)
    // A stranger asks about a number of their own invention, with the telephone of somebody else.
    try await codes.send(.progress, to: phone, subject: "guess", isWanted: false)
    for _ in 0..<6 {
      #expect(
        try await city.refusal { try await codes.redeem(.progress, "000000", phone: phone, subject: "guess") }
          == "code-wrong")
    }
    #expect(
      try await city.refusal { try await codes.send(.progress, to: phone, subject: "HJ-1", isWanted: true) }
        == "code-too-soon")
    let code = try await sent(city)
    try await codes.redeem(.progress, code, phone: phone, subject: "HJ-1")
    #expect(
      try await city.refusal { try await codes.redeem(.progress, code, phone: phone, subject: "HJ-1") } == "code-wrong")
  }

  @Test func codesThatAreOverAreForgotten() async throws {
    let city = try await CaseFixture()
    let codes = PhoneCodes(messages: city.messages)
    let phone = try #require(PhoneNumber("13800138000"))
    try await codes.send(.progress, to: phone, subject: "HJ-1", isWanted: true)
    try await codes.purge()
    #expect(try await city.database.value("select count(*) from phone_code", as: Int.self) == 1)
    try city.wait(until: "2026-11-18 10:11")
    try await codes.purge()
    #expect(try await city.database.value("select count(*) from phone_code", as: Int.self) == 0)
  }

  /// The code of the only message by SMS, out of its sealed content.
  private func sent(_ city: CaseFixture) async throws -> String {
    let row = try #require(
      try await city.database.query("select recipient, content from message where template = 'phone_code'").first)
    let recipient: String = try row.get("recipient")
    let plain = try city.store.keys.open(try row.get("content"), associated: "message.content/\(recipient)")
    let text = try JSON(parsing: plain)["sms"]?.string ?? ""
    return String(text.drop { !($0.isASCII && $0.isNumber) }.prefix(6))
  }

  @Test func nobodyHandsInMoreThanTenADay() async throws {
    let city = try await CaseFixture()
    let resident = try city.person("resident")
    let values: [String: Value] = [
      "kind": .text("question"), "name": .text("落户"), "content": .text("要多久"), "division_code": .text("511702"),
      "channel": .text("web"), "asker_name": .text("刘芳"),
    ]
    for _ in 0..<HandIn.daily {
      _ = try await HandIn.question.insert(values, by: resident, purpose: "本人提问", origin: .inside, in: city.store)
    }
    #expect(
      try await city.refusal {
        try await HandIn.question.insert(values, by: resident, purpose: "本人提问", origin: .inside, in: city.store)
      } == "handed-in-often")
    try city.wait(until: "2026-11-19 00:01")
    _ = try await HandIn.question.insert(values, by: resident, purpose: "本人提问", origin: .inside, in: city.store)
  }
}
