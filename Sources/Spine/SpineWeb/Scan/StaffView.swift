import Access
import Core
import Entities
import EntitiesWeb
import HTML
import HTTP
import Identity
import SQL
import Shell
import Site

/// What signed-in staff see on the page of a plate besides its public face: by role, data scope and classification
/// . Residents only after stating a purpose, which is audited and told to them.
struct StaffView: Sendable {
  let store: RecordStore

  /// The working part before anything personal was asked for; `nil` for strangers.
  func summary(of face: PublicAddress, for visit: Visit) async throws -> HTML? {
    guard visit.principal.kind == .user else { return nil }
    guard visit.principal.may(Permission("address", "view")) else {
      return try await livesHere(face, visit) ? StaffView.own : nil
    }
    guard try await isInScope(face, visit) else {
      return Notice(.info, "您已登录，但这个地址不在您的数据范围内，只显示公众信息。").html
    }
    return try await card(face, visit, residents: nil)
  }

  /// What a resident reads at the own door.
  private static var own: HTML {
    Notice(
      .success, title: "这是您登记的住址",
      actions: [
        Action("走访确认", .link("/visits/mine"), icon: .check), Action("谁看过我的信息", .link("/account/lookups"), icon: .eye),
      ]
    ) {
      p { "工作人员查看您的住户信息时必须说明事由，每一次都留有记录，您随时可以查看。" }
    }.html
  }

  /// Whether the person whose real-name account this is (实名账号) is registered here.
  private func livesHere(_ face: PublicAddress, _ visit: Visit) async throws -> Bool {
    try await store.database.transaction { transaction in
      try await RealName.of(user: visit.principal.id, in: transaction)?.address == face.id
    }
  }

  /// The same with the residents.
  ///
  /// - Throws: ``Refusal`` `purpose-missing` without a purpose of the list; `permission-missing`; `record-missing`.
  func household(of face: PublicAddress, purpose: String?, for visit: Visit) async throws -> HTML {
    try visit.principal.require(Permission("person", "view"), toDo: "查看住户信息")
    guard let purpose else {
      throw Refusal(.unprocessable, "purpose-missing", "请选择查看住户信息的事由。", field: "purpose")
    }
    guard try await isInScope(face, visit) else {
      throw Refusal(.forbidden, "out-of-scope", "这个地址不在您的数据范围内，不能查看住户信息。")
    }
    let records = store.records(as: visit.principal, purpose: "\(purpose)：\(face.code)", origin: visit.request.origin)
    let query = ListQuery(
      "person", filters: [ListFilter("address_id", .equals(.integer(face.id)))],
      columns: ["name", "sex", "birth_date", "residency", "resident_id", "phone", "special_group"], limit: 50)
    let people = try await records.list(query)
    for person in people.records { _ = try await records.get("person", person.id, columns: ["name"]) }
    return try await card(face, visit, residents: people)
  }

  private func isInScope(_ face: PublicAddress, _ visit: Visit) async throws -> Bool {
    let query = ListQuery(
      "address", filters: [ListFilter("code", .equals(.text(face.code)))], columns: ["code"], limit: 1)
    return try await !store.records(as: visit.principal, origin: visit.request.origin).list(query).records.isEmpty
  }

  private func card(_ face: PublicAddress, _ visit: Visit, residents: Entities.Page?) async throws -> HTML {
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    var items: [DetailItem] = []
    if visit.principal.may(Permission("room", "view")) {
      let rooms = try await records.list(
        ListQuery(
          "room", filters: [ListFilter("address_id", .equals(.integer(face.id)))],
          columns: ["name", "usage", "state", "area"], limit: 3))
      let display = FieldDisplay(catalog: store.catalog)
      if let entity = store.catalog.entity("room"), let room = rooms.records.first {
        for name in ["usage", "state", "area"] {
          if let field = entity.field(name) { items.append(display.detail(field, of: room, mayReveal: false)) }
        }
      }
    }
    if visit.principal.may(Permission("organisation", "view")) {
      let organisations = try await records.list(
        ListQuery(
          "organisation", filters: [ListFilter("address_id", .equals(.integer(face.id)))], columns: ["name"], limit: 5))
      if !organisations.records.isEmpty {
        items.append(
          DetailItem(
            "驻地单位",
            .joined(
              organisations.records.map { record in
                a(.href("/r/organisation/\(record.id)")) { record["name"].text ?? "单位" }
              }, separator: "、")))
      }
    }
    var links = [Action("地址记录", .link("/r/address/\(face.id)")), Action("在地图上看", .link("/map?q=\(face.code)"))]
    // From the plate in hand to its record: reporting it installed, damaged or lost.
    if visit.principal.may(Permission("door_plate", "view")) {
      links.append(Action("门牌登记", .link("/r/door_plate?q=\(face.code)")))
    }
    if visit.principal.may(Permission("door_plate", "install")) {
      links.append(Action("安装、破损登记", .link("/plates/mount/\(face.code)"), icon: .camera))
    }
    if visit.principal.may(Permission("duty_visit", "create")) {
      links.append(Action("走访登记", .link("/inspection/visit?code=\(face.code)"), icon: .home))
    }
    if visit.principal.may(Permission("household_check", "create")) {
      links.append(Action("上门核对住户", .link("/inspection/household?code=\(face.code)"), icon: .people))
    }
    if visit.principal.may(Permission("residence", "create")) {
      links.append(Action("登记居住", .link(StaffView.newRecord("residence", at: face)), icon: .home))
    }
    if visit.principal.may(Permission("person", "create")) {
      links.append(Action("登记人口", .link(StaffView.newRecord("person", at: face)), icon: .person))
    }
    return Card("工作信息", actions: links) {
      if items.isEmpty { p(.class("blank")) { "这个地址还没有登记房屋和单位。" } } else { DetailList(items) }
      if visit.principal.may(Permission("person", "view")) {
        if let residents { list(residents, face) } else { ask(face) }
      }
    }.html
  }

  /// A new record of a register, at the address that was scanned.
  private static func newRecord(_ register: String, at face: PublicAddress) -> String {
    let query = [
      "address_id=\(face.id)", "address_id.text=\(PercentEncoding.encode(face.fullName))",
      "division_code=\(face.divisionCode)",
    ]
    return "/r/\(register)/new?" + query.joined(separator: "&")
  }

  private func ask(_ face: PublicAddress) -> HTML {
    form(.class("ask"), .method(.post), .action("/d/\(face.code)/household")) {
      formTokenField()
      Shell.Field(
        "purpose", "查看住户的事由", .select("", LookPurpose.choices), isRequired: true,
        help: "会记入审计，住户本人可以看到谁因为什么查看。")
      Action("查看住户信息", .submit(name: nil, value: nil), style: .primary, icon: .people)
    }
  }

  /// Each resident as a few lines, which a phone has room for.
  private func list(_ people: Entities.Page, _ face: PublicAddress) -> HTML {
    let display = FieldDisplay(catalog: store.catalog)
    if people.records.isEmpty {
      return StateView.empty(
        "没有登记的住户", "走访时发现有人居住，请即时登记。", actions: [Action("登记人口", .link(StaffView.newRecord("person", at: face)))]
      ).html
    }
    return section(.class("household"), .aria(.labelledby, "household-title")) {
      h3(.id("household-title")) { "住户（\(people.count.value) 人）" }
      ul {
        for person in people.records {
          li {
            a(.class("household-name"), .href("/r/person/\(person.id)")) { person["name"].text ?? "住户" }
            DetailList(
              people.columns.filter { $0.name != "name" && !display.text($0, of: person).isEmpty }
                .map { display.detail($0, of: person, mayReveal: false) }, isCompact: true)
          }
        }
      }
    }
  }
}
