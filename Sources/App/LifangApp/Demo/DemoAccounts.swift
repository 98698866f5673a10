import Access
import Addresses
import Audit
import Core
import DemoCity
import Entities
import Identity
import SQL

/// The people of the demo city who can sign in: one for each role, and a resident.
enum DemoAccounts {
  struct Account: Sendable {
    let account: String
    let name: String
    /// The role as the sign-in page shows it.
    let label: String
  }

  /// One password for all; printed at the start and shown nowhere else.
  static let password = "Lifang-2026"

  private struct Plan {
    let account: String
    let name: String
    let role: String?
    let unit: Int?
    let clearance: Classification
    let separation: Separation?

    init(
      _ account: String, _ name: String, role: String?, unit: Int?, clearance: Classification = .inner,
      separation: Separation? = nil
    ) {
      self.account = account
      self.name = name
      self.role = role
      self.unit = unit
      self.clearance = clearance
      self.separation = separation
    }
  }

  private struct UnitPlan {
    let code: String
    let name: String
    let kind: String
    let parent: Int?
    let division: DivisionCode
  }

  /// The accounts that this database has.
  static func present(in deployment: Deployment) async throws -> [Account] {
    guard try await deployment.owner.query("select 1 from demo_city limit 1").first != nil else { return [] }
    let rows = try await deployment.owner.query(
      """
      select u.account, u.name, coalesce(string_agg(r.name, '、' order by r.id), '居民') as label
      from app_user u left join user_role h on h.user_id = u.id left join role r on r.id = h.role_id
      where u.remark = '演示账号' group by u.id order by u.id
      """)
    return try rows.map {
      Account(account: try $0.get("account"), name: try $0.get("name"), label: try $0.get("label"))
    }
  }

  /// Makes units, accounts and roles for the city that was loaded.
  static func create(in deployment: Deployment, for city: DemoCity) async throws {
    let store = deployment.makeStore()
    let identity = try deployment.identity(store)
    let (units, plans) = try plan(city)
    let unitIDs = try await makeUnits(units, store)
    let roles = try await deployment.owner.query("select id, code from role")
    let roleIDs = Dictionary(
      try roles.map { (try $0.get("code", as: String.self), try $0.get("id", as: Int64.self)) },
      uniquingKeysWith: { first, _ in first })
    for plan in plans {
      var values: [String: Value] = [
        "account": .text(plan.account), "name": .text(plan.name), "status": .text("active"),
        "clearance": .text(plan.clearance.name), "remark": .text("演示账号"),
      ]
      if let unit = plan.unit { values["unit_id"] = .integer(unitIDs[unit]) }
      if let separation = plan.separation { values["separation"] = .text(separation.rawValue) }
      let user = try await store.records(as: .system).insert("app_user", values, input: .code)
      try await identity.setInitialPassword(password, of: user.id, mustChange: false)
      if let role = plan.role {
        guard let id = roleIDs[role] else { throw Fault("demo-role", role) }
        try await identity.assign(role: id, to: user.id, by: .system, origin: .inside)
      } else {
        try await linkResident(user.id, named: plan.name, deployment)
      }
    }
  }

  private static func makeUnits(_ units: [UnitPlan], _ store: RecordStore) async throws -> [Int64] {
    var ids: [Int64] = []
    for (index, unit) in units.enumerated() {
      var values: [String: Value] = [
        "code": .text(unit.code), "name": .text(unit.name), "kind": .text(unit.kind),
        "division_code": .text(unit.division.text), "position": .integer(Int64(index)),
        "phone": .text("0818-2380\(100 + index)"), "address": .text("\(unit.name)户籍窗口"),
      ]
      if let parent = unit.parent { values["parent_id"] = .integer(ids[parent]) }
      ids.append(try await store.records(as: .system).insert("unit", values, input: .code).id)
    }
    return ids
  }

  /// The resident's account belongs to one of the people of the register.
  private static func linkResident(_ user: Int64, named name: String, _ deployment: Deployment) async throws {
    let records = deployment.makeStore().records(as: .system, purpose: "关联演示账号")
    let query = ListQuery("person", filters: [ListFilter("name", .equals(.text(name)))], limit: 1)
    guard let person = try await records.list(query).records.first else { throw Fault("demo-resident", name) }
    try await records.update("person", person.id, version: nil, ["user_id": .integer(user)], input: .code)
  }

  /// Units from the city down to one community of the urban county, and somebody in each.
  private static func plan(_ city: DemoCity) throws -> (units: [UnitPlan], people: [Plan]) {
    guard
      let officer = city.staff.first(where: { $0.role == "beat_officer" && $0.division.text.hasPrefix("511702") })
        ?? city.staff.first(where: { $0.role == "beat_officer" }),
      let county = officer.division.ancestor(.county), let town = officer.division.ancestor(.town),
      let root = officer.division.ancestor(.city)
    else { throw Fault("demo-accounts", "the city has no police room") }
    let names = Dictionary(city.divisions.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
    func name(_ code: DivisionCode) -> String { names[code]?.name ?? code.text }
    func short(_ code: DivisionCode) -> String { names[code]?.shortName ?? code.text }
    func somebody(_ role: String, _ division: DivisionCode) -> String {
      city.staff.first { $0.role == role && $0.division.text.hasPrefix(division.text) }?.name ?? "王芳"
    }
    let units = [
      UnitPlan(code: "GA\(root)", name: "\(name(root))公安局", kind: "police", parent: nil, division: root),
      UnitPlan(
        code: "GA\(county)", name: "\(name(root))公安局\(short(county))分局", kind: "police", parent: 0, division: county),
      UnitPlan(code: "GA\(town)", name: "\(short(town))派出所", kind: "police", parent: 1, division: town),
      UnitPlan(
        code: "GA\(officer.division)", name: "\(name(officer.division))警务室", kind: "police", parent: 2,
        division: officer.division),
      UnitPlan(code: "ZF\(town)", name: "\(name(town))办事处", kind: "subdistrict", parent: nil, division: town),
      UnitPlan(
        code: "SQ\(officer.division)", name: "\(name(officer.division))居委会", kind: "community", parent: 4,
        division: officer.division),
      UnitPlan(code: "XX\(root)", name: "\(name(root))数据局", kind: "government", parent: nil, division: root),
    ]
    let resident = try city.firstResident()
    return (
      units,
      [
        Plan("leader", "周建国", role: "bureau_leader", unit: 0, clearance: .sensitive),
        Plan("tongchuan", "陈静", role: "subbureau_approver", unit: 1, clearance: .sensitive),
        Plan("station", somebody("station_officer", town), role: "station_officer", unit: 2, clearance: .secret),
        Plan("menpai", "何静", role: "station_administrator", unit: 2, clearance: .inner),
        Plan("officer", officer.name, role: "beat_officer", unit: 3, clearance: .secret),
        Plan("huji", "郑晓燕", role: "hukou_officer", unit: 2, clearance: .secret),
        Plan("fujing", "吴磊", role: "hukou_auxiliary", unit: 2, clearance: .secret),
        Plan("suozhang", "李建军", role: "station_hukou_chief", unit: 2, clearance: .secret),
        Plan("shenpi", "孙丽华", role: "county_hukou_approver", unit: 1, clearance: .secret),
        Plan("clerk", somebody("community_clerk", officer.division), role: "community_clerk", unit: 5),
        Plan("grid", somebody("grid_worker", officer.division), role: "grid_worker", unit: 5),
        Plan("data", "吴敏", role: "data_manager", unit: 6),
        Plan("resident", resident, role: nil, unit: nil, clearance: .open),
        Plan("sysadmin", "李系统", role: "system_admin", unit: 6, separation: .systemAdministrator),
        Plan("secadmin", "赵安全", role: "security_officer", unit: 6, separation: .securityOfficer),
        Plan("auditor", "钱审计", role: "auditor", unit: 6, separation: .auditor),
      ]
    )
  }
}

extension DemoCity {
  /// Somebody of age who lives here with a resident number.
  fileprivate func firstResident() throws -> String {
    for index in 0..<min(batchCount, 50) {
      if let person = try batch(index).persons.first(where: { $0.residentID != nil && $0.relation == "head" }) {
        return person.name
      }
    }
    throw Fault("demo-resident", "nobody lives in the first communities")
  }
}
