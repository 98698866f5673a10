import Access
import Cases
import Connectors
import Core
import Entities
import Peers
import SQL
import Testing

/// Parcels of a case: ordered by whoever may, followed, called off, and never in two copies.
@Suite struct CourierTests {
  static let home = CourierAddress(name: "刘芳", phone: "13800138000", address: "达州市通川区荷叶街28号")

  private func city(_ body: (CaseFixture, PeerCity) async throws -> Void) async throws {
    let city = try await CaseFixture()
    try await city.database.execute("update unit set phone = '0818-2380102', address = '东城街道1号' where code = 'station'")
    let peers = PeerCity(secret: "geheim", clock: city.time.clock)
    let connected = try await city.connected(to: peers, secret: "geheim")
    do {
      try await body(connected, peers)
    } catch {
      await peers.stop()
      throw error
    }
    await peers.stop()
  }

  private func parcels(_ city: CaseFixture, _ id: Int64) async throws -> [Record] {
    try await city.store.records(as: .system).attached(CaseStore.parcels, to: id)
  }

  @Test func whatIsDeclaredForTheWindowIsNotSent() async throws {
    let city = try await CaseFixture()
    #expect(try await city.refusal { try await city.start("hukou_099", delivery: "courier") } == "delivery-closed")
    #expect(try await city.refusal { try await city.start("hukou_099", delivery: "window") } == "none")
    #expect(try await city.refusal { try await city.start("hukou_097", delivery: "courier") } == "none")
    // Nor is it taken later, when papers are sent after.
    let id = try await city.start("hukou_099", delivery: "window")
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补正")
    var content = CaseContent()
    content.values = ["delivery": .text("courier"), "recipient_address": .text("达州市通川区荷叶街28号")]
    let changed = content
    #expect(
      try await city.refusal { try await city.answer(id, by: "resident", content: changed) } == "delivery-closed")
    let sent = city.cases.services.items.filter(\.result.goesByCourier).map(\.code)
    // What C-068 names first.
    for code in [
      "hukou_046", "hukou_050", "hukou_054", "hukou_083", "hukou_084", "hukou_095", "hukou_097", "hukou_043",
    ] {
      #expect(sent.contains(code), "\(code)")
    }
  }

  @Test func theApplicantHasTheOriginalsCollectedAndBothSidesFollowThem() async throws {
    try await city { city, _ in
      let id = try await city.start()
      let resident = try city.person("resident")
      let waybill = try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident)
      let parcel = try #require(try await parcels(city, id).first)
      #expect(parcel["waybill"].text == waybill && parcel["state"].text == "ordered")
      #expect(parcel["sender_phone"].text == "13800138000" && parcel["receiver_address"].text == "东城街道1号")
      #expect(parcel["fee"].money == Money(fen: 1200))
      // Once only.
      #expect(
        try await city.refusal { try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident) }
          == "courier-closed")
      for state in ["collected", "in_transit", "delivered"] {
        city.time.advance(seconds: 60)
        try await city.cases.track(
          parcel: parcel.id, of: id, by: try city.person(state == "delivered" ? "aux" : "resident"))
        #expect(try await parcels(city, id).first?["state"].text == state)
      }
      // Nobody uses the courier's quota up.
      #expect(
        try await city.refusal { try await city.cases.track(parcel: parcel.id, of: id, by: resident) } == "courier-soon"
      )
      let after = try #require(try await parcels(city, id).first)
      #expect(
        after["delivered_at"].instant == CaseFixture.start + 180
          && after["trail"].text?.split(separator: "\n").count == 4)
      let seen = try await city.cases.view(id, as: resident).shownEvents
      #expect(seen.contains { $0.action == "courier" && $0.target?.contains(waybill) == true })
    }
  }

  @Test func aParcelThatWasNotCollectedCanBeCalledOffAndOrderedAnew() async throws {
    try await city { city, _ in
      let id = try await city.start()
      let resident = try city.person("resident")
      let first = try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident)
      let parcel = try #require(try await parcels(city, id).first)
      try await city.cases.cancel(parcel: parcel.id, of: id, by: resident)
      let second = try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident)
      #expect(first != second)
      let latest = try #require(try await parcels(city, id).last)
      try await city.cases.track(parcel: latest.id, of: id, by: resident)
      #expect(
        try await city.refusal { try await city.cases.cancel(parcel: latest.id, of: id, by: resident) }
          == "courier-late")
    }
  }

  @Test func onlyThoseConcernedOrder() async throws {
    try await city { city, peers in
      let id = try await city.start()
      let stranger = try city.person("neighbour")
      #expect(
        try await city.refusal { try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: stranger) }
          == "case-missing")
      let resident = try city.person("resident")
      #expect(
        try await city.refusal { try await city.cases.order(.delivery, of: id, at: CourierTests.home, by: resident) }
          == "courier-closed")
      let wrong = CourierAddress(name: "刘芳", phone: "12", address: "达州市")
      #expect(
        try await city.refusal { try await city.cases.order(.pickup, of: id, at: wrong, by: resident) }
          == "courier-address")
      #expect(!peers.seen.contains { $0.path.hasPrefix("/courier") })
    }
  }

  @Test func withoutAnAnswerNothingIsOrderedAndItIsSaid() async throws {
    try await city { city, peers in
      let id = try await city.start()
      let resident = try city.person("resident")
      peers.mode = .status(500)
      #expect(
        try await city.refusal { try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident) }
          == "courier-unavailable")
      #expect(try await parcels(city, id).isEmpty)
      peers.mode = .well
      let closed = CourierAddress(name: "刘芳", phone: "13800138000", address: "停运区1号")
      #expect(
        try await city.refusal { try await city.cases.order(.pickup, of: id, at: closed, by: resident) }
          == "courier-unavailable")
    }
  }

  @Test func parcelsUnderWayAreFollowedByThemselves() async throws {
    try await city { city, _ in
      let id = try await city.start()
      _ = try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: try city.person("resident"))
      try await city.cases.followParcels()
      #expect(try await parcels(city, id).first?["state"].text == "ordered")
      city.time.advance(seconds: 1801)
      try await city.cases.followParcels()
      #expect(try await parcels(city, id).first?["state"].text == "collected")
    }
  }

  @Test func twoClicksAtOnceOrderOneParcel() async throws {
    try await city { city, _ in
      let id = try await city.start()
      let resident = try city.person("resident")
      let waybills = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 0..<4 {
          group.addTask { try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: resident) }
        }
        var waybills: Set<String> = []
        while let next = await group.nextResult() { if case .success(let waybill) = next { waybills.insert(waybill) } }
        return waybills
      }
      #expect(waybills.count == 1)
      #expect(try await parcels(city, id).map { $0["waybill"].text } == [waybills.first])
    }
  }

  @Test func manyParcelsAreAllFollowedInTheEnd() async throws {
    try await city { city, _ in
      var cases: [Int64] = []
      for _ in 0..<3 {
        let id = try await city.start()
        _ = try await city.cases.order(.pickup, of: id, at: CourierTests.home, by: try city.person("resident"))
        cases.append(id)
      }
      city.time.advance(seconds: 1801)
      for _ in 0..<3 { try await city.cases.followParcels(limit: 1) }
      for id in cases { #expect(try await parcels(city, id).first?["state"].text == "collected") }
    }
  }

  @Test func theResultIsOrderedByTheOfficeAtTheStepThatSendsIt() async throws {
    try await city { city, _ in
      let id = try await city.start()
      try await city.answer(id, by: "aux", ["review": "passed"])
      try await city.answer(id, by: "aux", ["receipt": "matched"])
      try await city.answer(id, by: "officer", ["review": "passed"])
      let aux = try city.person("aux")
      let waybill = try await city.cases.order(.delivery, of: id, at: CourierTests.home, by: aux)
      try await city.answer(id, by: "aux", ["courier_company": "ems", "courier_number": waybill])
      #expect(try await city.state(id)["courier_number"].text == waybill)
      #expect(try await parcels(city, id).first?["sender_name"].text == "东城派出所")
    }
  }
}
