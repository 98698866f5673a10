import Access
import Core
import Entities
import SQL

/// What the portal of the demo city shows: a few windows with places for the next days, telephones, laws, a notice.
enum DemoPortal {
  /// Makes what is missing: places run out day by day.
  static func refresh(_ deployment: Deployment, _ store: RecordStore) async throws {
    let records = store.records(as: .system)
    if try await records.count(ListQuery("service_window")).value == 0 { try await makeWindows(records) }
    if try await records.count(ListQuery("desk_policy")).value == 0 { try await makeTexts(records) }
    if try await records.count(ListQuery("culture_page")).value == 0 { try await makeCulture(records) }
    try await makeSlots(records, store.clock.today())
  }

  /// One window for each police unit of the demo accounts, where a station of its division stands.
  private static func makeWindows(_ records: Records) async throws {
    let units = try await records.list(
      ListQuery(
        "unit", filters: [ListFilter("kind", .equals(.text("police")))], columns: ["name", "code", "division_code"],
        limit: 10)
    ).records.filter { ($0["division_code"].text?.count ?? 0) <= 9 }
    let stations = try await records.list(
      ListQuery("police_station", columns: ["name", "division_code", "phone", "location"], limit: 300)
    ).records.filter { $0["location"].geometry != nil }
    var used: Set<Int64> = []
    for unit in units {
      let division = unit["division_code"].text ?? ""
      guard
        let station = stations.first(where: {
          !used.contains($0.id) && $0["division_code"].text?.hasPrefix(division) == true
        })
      else { continue }
      used.insert(station.id)
      let isStation = division.count == 9
      let name = unit["name"].text ?? ""
      let window: [String: Value] = [
        "name": .text(name + (isStation ? "户籍窗口" : "办证大厅")), "kind": .text(isStation ? "station" : "bureau"),
        "unit_id": .integer(unit.id), "division_code": .text(division), "address": .text("\(name)一楼"),
        "location": station["location"], "phone": station["phone"],
        "weekday_hours": .text("08:30—11:30，14:00—17:00"), "saturday_hours": isStation ? .null : .text("09:00—11:30"),
        "services": .list([
          "hukou", "migration", "identity_card", "temporary_card", "residence_permit", "certificate",
        ]),
        "counters": .integer(2), "accessible": .boolean(true), "takes_appointment": .boolean(true),
        "transit": .text("门前有公交站，院内可停车"), "state": .text("open"),
      ]
      try await records.insert("service_window", window.filter { !$0.value.isNull }, input: .code)
      try await records.insert(
        "desk_hotline",
        [
          "name": .text(name + "户政"), "division_code": .text(division), "unit_id": .integer(unit.id),
          "phone": station["phone"], "hours": .text("工作日 08:30—11:30，14:00—17:00"),
          "state": .text("on"), "verified_on": .date(records.store.clock.today()),
        ], input: .code)
    }
  }

  private static let hours = ["t0830", "t0930", "t1030", "t1400", "t1500", "t1600"]

  private static func makeSlots(_ records: Records, _ today: CivilDate) async throws {
    let windows = try await records.list(
      ListQuery("service_window", columns: ["unit_id", "division_code"], limit: 10)
    ).records
    let known = try await records.list(
      ListQuery(
        "appointment_slot", filters: [ListFilter("slot_date", .range(from: .date(today), to: nil))],
        columns: ["service_window_id", "slot_date"], limit: 1000)
    ).records
    let have = Set(known.map { "\($0["service_window_id"].integer ?? 0) \($0["slot_date"].date?.description ?? "")" })
    for window in windows {
      for offset in 0..<8 {
        let date = today.adding(days: offset)
        guard date.weekday <= 5, !have.contains("\(window.id) \(date)") else { continue }
        for hour in hours {
          try await records.insert(
            "appointment_slot",
            [
              "service_window_id": .integer(window.id), "unit_id": window["unit_id"],
              "division_code": window["division_code"], "slot_date": .date(date), "time_slot": .text(hour),
              "quota": .integer(6), "booked": .integer(0), "state": .text("open"),
            ], input: .code)
        }
      }
    }
  }

  /// A story for the first road that has plates, so that scanning one of them shows it.
  private static func makeCulture(_ records: Records) async throws {
    let address = try await records.list(
      ListQuery(
        "address", filters: [ListFilter("kind", .equals(.text("roadside"))), ListFilter("road_id", .empty(false))],
        sort: [.init(field: "id", descending: false)], columns: ["road_id", "road", "division_code"], limit: 1)
    ).records.first
    guard let address, let road = address["road"].text else { return }
    try await records.insert(
      "culture_page",
      [
        "name": .text("\(road)的来历"), "road_id": address["road_id"], "division_code": address["division_code"],
        "era": .text("清末"), "summary": .text("一条从码头走出来的老街"),
        "content": .text(
          "演示内容，纯属虚构。\n清末这里有一处码头，挑夫从码头上来，在坡上歇脚，渐渐有了茶铺和米行，这条路就是那时走出来的。\n后来码头迁走，路名留了下来。"),
        "reference": .text("演示城市虚构"), "position": .integer(10), "state": .text("published"),
        "published_at": .instant(records.store.clock.now()),
      ], input: .code)
  }

  private static func makeTexts(_ records: Records) async throws {
    let unit = try await records.list(ListQuery("unit", limit: 1)).records.first?.id
    let laws:
      [(
        name: String, level: String, issuer: String, number: String?, issued: String, effective: String, summary: String
      )] = [
        (
          "中华人民共和国户口登记条例", "law", "全国人民代表大会常务委员会", nil, "1958-01-09", "1958-01-09",
          "户口登记工作由公安机关主管；婴儿出生后一个月以内，由户主、亲属、抚养人或者邻居向常住地户口登记机关申报出生登记。"
        ),
        (
          "中华人民共和国居民身份证法", "law", "全国人民代表大会常务委员会", nil, "2011-10-29", "2012-01-01",
          "居住在中华人民共和国境内的年满十六周岁的中国公民，应当依照规定申请领取居民身份证。"
        ),
        (
          "居住证暂行条例", "regulation", "国务院", "国务院令第663号", "2015-11-26", "2016-01-01",
          "公民离开常住户口所在地，到其他城市居住半年以上，符合有合法稳定就业、合法稳定住所、连续就读条件之一的，可以申领居住证。"
        ),
      ]
    for law in laws {
      guard let issued = CivilDate(law.issued), let effective = CivilDate(law.effective) else { continue }
      let policy: [String: Value] = [
        "name": .text(law.name), "level": .text(law.level), "topics": .list(["registration"]),
        "issuer": .text(law.issuer), "number": law.number.map { .text($0) } ?? .null, "issued_on": .date(issued),
        "effective_on": .date(effective), "state": .text("in_force"), "summary": .text(law.summary),
        "content": .text("演示城市只收要点，全文请看国家法律法规数据库。\n" + law.summary),
        "unit_id": unit.map { .integer($0) } ?? .null,
      ]
      try await records.insert("desk_policy", policy.filter { !$0.value.isNull }, input: .code)
    }
    try await records.insert(
      "portal_banner",
      [
        "name": .text("这是演示城市"), "kind": .text("notice"),
        "content": .text("这里的人、地址和办件都是虚构的，可以放心试用。\n登录页有演示账号和演示身份认证。"),
        "shown_from": .date(records.store.clock.today()), "position": .integer(10), "state": .text("on"),
      ], input: .code)
  }
}
