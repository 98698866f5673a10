import Access
import Core
import Crypto
import Identity
import SQL
import Testing

@Suite struct DirectoryImportTests {
  private func rows(_ heads: [String], _ lines: [[String]]) -> [DirectoryRow] {
    lines.enumerated().map { index, line in
      DirectoryRow(line: index + 2, values: Dictionary(uniqueKeysWithValues: zip(heads, line)))
    }
  }

  private let unitHeads = ["机构编码", "机构名称", "上级机构编码", "机构类别", "行政区划代码"]

  private func units(
    _ fixture: IdentityFixture, _ lines: [[String]], dryRun: Bool = false, source: String = "组织库"
  ) async throws -> DirectoryReport {
    try await DirectoryImport(fixture.service).units(
      rows(unitHeads, lines), source: source, dryRun: dryRun, by: fixture.officer("unit.import"),
      origin: fixture.origin)
  }

  private func users(
    _ fixture: IdentityFixture, _ lines: [[String: String]], dryRun: Bool = false
  ) async throws -> DirectoryReport {
    let rows = lines.enumerated().map { DirectoryRow(line: $0 + 1, values: $1) }
    return try await DirectoryImport(fixture.service).users(
      rows, source: "组织库", dryRun: dryRun, by: fixture.officer("app_user.import", "user_role.create"),
      origin: fixture.origin)
  }

  @Test func unitsComeParentsFirstInWhateverOrder() async throws {
    let fixture = try await IdentityFixture()
    let report = try await units(
      fixture,
      [
        ["C3", "东城派出所", "B2", "公安机关", "511702001000"], ["B2", "通川分局", "A1", "police", "511702"],
        ["A1", "市公安局", "", "公安机关", "511700"],
      ])
    #expect(report.rows.map(\.line) == [2, 3, 4] && report.count("新增") == 3, "\(report.rows)")
    let paths = try await fixture.database.query(
      """
      select u.code || '<' || coalesce(p.code, '') || ' ' || u.division_code || ' ' || u.path = u.code || '<'
        || coalesce(p.code, '') || ' ' || u.division_code || ' ' || coalesce(p.path, '') || u.id || '.', u.division_code
      from unit u left join unit p on p.id = u.parent_id order by u.code
      """)
    #expect(try paths.values(as: Bool.self) == [true, true, true])
    #expect(try paths.map { try $0.get("division_code", as: String.self) } == ["5117", "511702", "511702001"])
  }

  @Test func repeatingAnImportChangesNothingAndADifferenceIsOneUpdate() async throws {
    let fixture = try await IdentityFixture()
    let lines = [["A1", "市公安局", "", "police", "5117"], ["B2", "通川分局", "A1", "police", "511702"]]
    _ = try await units(fixture, lines)
    #expect(try await units(fixture, lines).rows.map(\.outcome) == [.unchanged, .unchanged])
    let report = try await units(fixture, [["B2", "通川区分局", "", "police", "511702"]])
    #expect(report.rows.map(\.outcome) == [.updated(fields: ["name", "parent_id"])])
    #expect(report.absent == 1)
    #expect(try await fixture.database.value("select path = id || '.' from unit where code = 'B2'", as: Bool.self))
  }

  @Test func aDryRunSaysTheSameAndWritesNothing() async throws {
    let fixture = try await IdentityFixture()
    let lines = [["A1", "市公安局", "", "police", "5117"], ["", "无编码", "", "", ""]]
    let dry = try await units(fixture, lines, dryRun: true)
    #expect(dry.isDryRun)
    #expect(try await fixture.database.value("select count(*) from unit", as: Int64.self) == 0)
    #expect(try await fixture.auditActions().isEmpty)
    let real = try await units(fixture, lines)
    #expect(real.rows.map(\.outcome) == dry.rows.map(\.outcome))
    #expect(try await fixture.auditActions() == ["unit.import done"])
  }

  @Test func badUnitsAreRejectedAloneEachWithItsReason() async throws {
    let fixture = try await IdentityFixture()
    let report = try await units(
      fixture,
      [
        ["A1", "市公安局", "", "police", "5117"], ["A1", "又一个", "", "police", ""], ["", "无编码", "", "", ""],
        ["X1", "", "", "", ""], ["X2", "孤儿", "nowhere", "", ""], ["X3", "坏类别", "", "皇宫", ""],
        ["X4", "坏区划", "", "", "51x"], ["X5", "自己的上级", "X5", "", ""], ["Y1", "环一", "Y2", "", ""],
        ["Y2", "环二", "Y1", "", ""], ["Y3", "环下", "Y1", "", ""], ["X6", String(repeating: "长", count: 101), "", "", ""],
      ])
    #expect(report.count("新增") == 1 && report.count("拒绝") == 11)
    let reasons = report.rows.compactMap { row -> String? in
      if case .rejected(let reason) = row.outcome { "\(row.line) \(reason)" } else { nil }
    }
    let expected = ["重复", "缺少机构编码", "名称为空", "不存在", "字典", "区划", "它自己", "环", "环", "环", "超过"]
    for (reason, part) in zip(reasons, expected) { #expect(reason.contains(part), "\(reason)") }
    #expect(try await fixture.database.value("select count(*) from unit", as: Int64.self) == 1)
  }

  @Test func aMoveBelowItselfIsRejectedByTheDatabase() async throws {
    let fixture = try await IdentityFixture()
    _ = try await units(
      fixture,
      [["A", "甲", "", "", ""], ["B", "乙", "A", "", ""], ["C", "丙", "B", "", ""]])
    let report = try await units(fixture, [["A", "甲", "C", "", ""], ["D", "丁", "C", "", ""]])
    guard case .rejected(let reason) = report.rows[0].outcome else {
      Issue.record("\(report.rows)")
      return
    }
    #expect(reason.contains("上级机构不能是本机构或它的下级"))
    #expect(report.rows[1].outcome == .created, "the rest goes on")
  }

  @Test func usersAreMatchedByCodeAndThenByAnUnclaimedAccount() async throws {
    let fixture = try await IdentityFixture()
    _ = try await units(fixture, [["A1", "市公安局", "", "police", "5117"]])
    let role = try await fixture.role("clerk")
    let old = try await fixture.user("wang")
    let lines: [[String: String]] = [
      ["工号": "001", "账号": "Wang", "姓名": "王主任", "所属机构编码": "A1", "手机号码": "138-0013-8000"],
      ["工号": "002", "账号": "li.si", "姓名": "李四", "所属机构编码": "A1", "角色": "clerk", "状态": "正常", "有效期至": "2027-01-01"],
    ]
    let first = try await users(fixture, lines)
    #expect(first.rows.map(\.outcome.label) == ["更新", "新增"], "\(first.rows)")
    let second = try await users(fixture, lines)
    #expect(second.rows.map(\.outcome) == [.unchanged, .unchanged])
    #expect(
      try await fixture.database.value("select id from app_user where external_code = '001'", as: Int64.self) == old)
    #expect(
      try await fixture.database.value(
        "select count(*) from user_role h join app_user u on u.id = h.user_id where u.account = 'li.si' and h.role_id = \(role)",
        as: Int64.self) == 1)
    #expect(try await fixture.refusal { try await fixture.signIn() } == "none", "the password stays")
    let third = try await users(fixture, [["工号": "002", "手机号码": "13900139000", "姓名": "李斯"]])
    #expect(third.rows.map(\.outcome) == [.updated(fields: ["name", "phone"])])
    let sealed: [UInt8] = try await fixture.database.value("select phone from app_user where external_code = '002'")
    #expect(try fixture.ring.open(sealed, associated: "app_user.phone") == Array("13900139000".utf8))
  }

  @Test func badUsersAreRejectedAloneEachWithItsReason() async throws {
    let fixture = try await IdentityFixture()
    try await fixture.role("auditor", separation: "auditor")
    _ = try await users(
      fixture, [["code": "1", "account": "one", "name": "一"], ["code": "9", "account": "nine", "name": "九"]])
    try await fixture.database.execute("update app_user set status = 'cleared' where account = 'nine'")
    let cases: [([String: String], String)] = [
      (["account": "x1", "name": "无编码"], "缺少人员编码"), (["code": "2", "name": "无账号"], "缺少账号"),
      (["code": "3", "account": "three"], "缺少姓名"), (["code": "4", "account": "one", "name": "抢账号"], "已属于另一用户"),
      (["code": "5", "account": "a b", "name": "坏账号"], "账号须为"),
      (["code": "6", "account": "six", "name": "六", "phone": "12"], "电话"),
      (["code": "7", "account": "seven", "name": "七", "unit_code": "nowhere"], "所属机构"),
      (["code": "8", "account": "eight", "name": "八", "roles": "auditor"], "三员"),
      (["code": "10", "account": "ten", "name": "十", "roles": "nobody"], "角色“nobody”不存在"),
      (["code": "9", "account": "nine", "name": "九"], "已清理"),
      (["code": "11", "account": "eleven", "name": "十一", "status": "退休"], "状态"),
      (["code": "12", "account": "twelve", "name": "十二", "expires_on": "2026-02-30"], "有效期"),
    ]
    let report = try await users(fixture, cases.map(\.0) + [["code": "13", "account": "good", "name": "好"]])
    for (row, expected) in zip(report.rows, cases.map(\.1)) {
      guard case .rejected(let reason) = row.outcome else {
        Issue.record("\(row) should be rejected: \(expected)")
        continue
      }
      #expect(reason.contains(expected), "\(reason)")
    }
    #expect(report.rows.last?.outcome == .created)
  }

  @Test func payloadsAreReadLikeFiles() async throws {
    let payload = try JSON(
      parsing:
        #"[{"code": 17, "name": "数字编码", "parent": null, "kind": "police"}, {"code": "b", "name": "乙", "roles": ["x", "y"]}]"#
    )
    let rows = try DirectoryRow.rows(payload)
    #expect(rows[0].values == ["code": "17", "name": "数字编码", "parent_code": "", "kind": "police"])
    #expect(rows[1].values["roles"] == "x,y")
    #expect(throws: Refusal.self) { try DirectoryRow.rows(["not": "an array"]) }
    #expect(throws: Refusal.self) { try DirectoryRow.rows([1]) }
  }

  @Test func importingNeedsItsPermission() async throws {
    let fixture = try await IdentityFixture()
    #expect(
      try await fixture.refusal {
        try await DirectoryImport(fixture.service).units(
          [], source: "x", dryRun: true, by: fixture.officer("unit.view"), origin: fixture.origin)
      } == "permission-missing")
  }

  @Test func theKindsAreThoseOfTheDictionary() {
    #expect(UnitKind.allCases.map(\.rawValue) == Declarations.codes(of: "unit_kind"))
    #expect(UserStatus.allCases.map(\.rawValue) == Declarations.codes(of: "user_status"))
    #expect(Separation.allCases.map(\.rawValue) == Declarations.codes(of: "separation"))
  }
}
