import Core
import Entities
import SQL
import TestSupport
import Testing

/// Records of another system are taken over through the interface (`POST /api/r/{entity}/batch`; A-076, A-077).
@Suite struct BatchTests {
  private static let path = "/api/r/team/batch"

  private static func row(_ code: String, _ name: String, under parent: String? = nil) -> JSON {
    ["code": .string(code), "name": .string(name), "parent_id": parent.map { .string($0) } ?? .null]
  }

  private func results(_ answer: WebFixture.Answer) -> [String] {
    (answer.json["rows"]?.array ?? []).compactMap { $0["result"]?.string }
  }

  @Test func aTreeArrivesInAnyOrderAndMayBeSentAgain() async throws {
    let web = try await WebFixture.make()
    let rows: JSON = ["rows": [Self.row("C", "丙组", under: "B"), Self.row("B", "乙队", under: "A"), Self.row("A", "甲部")]]
    let first = try await web.send(Self.path, rows)
    #expect(first.status == 200 && first.json["created"]?.int == 3)
    #expect(results(first) == ["created", "created", "created"])
    let parents = try await web.database.query(
      "select t.code, p.code from team t left join team p on p.id = t.parent_id order by 1")
    #expect(try parents.map { try $0.get(1, as: String?.self) } == [nil, "A", "B"])

    let second = try await web.send(Self.path, rows)
    #expect(second.json["unchanged"]?.int == 3)
    let changed = try await web.send(Self.path, ["rows": [Self.row("B", "乙大队"), Self.row("D", "丁组", under: "B")]])
    #expect(results(changed) == ["updated", "created"])
    #expect(
      try await web.database.value("select name from team where code = 'B' and parent_id is not null", as: String.self)
        == "乙大队")
  }

  @Test func eachRowIsJudgedByItself() async throws {
    let web = try await WebFixture.make()
    let answer = try await web.send(
      Self.path,
      [
        "rows": [
          Self.row("A", "甲部"), Self.row("B", ""), Self.row("C", "丙组", under: "没有"),
          ["code": "D", "name": "丁", "size": "多"],
        ]
      ])
    #expect(answer.status == 200)
    #expect(results(answer) == ["created", "rejected", "rejected", "rejected"])
    let rejected = (answer.json["rows"]?.array ?? []).dropFirst()
    #expect(rejected.map { $0["field"]?.string } == ["name", "parent_id", "size"])
    #expect(rejected.allSatisfy { $0["reason"]?.string?.isEmpty == false })
    #expect(try await web.database.value("select count(*) from team", as: Int.self) == 1)
    let audited = try await web.database.value(
      "select count(*) from audit_entry where action = 'team.import' and entity = 'team'", as: Int.self)
    #expect(audited == 1)
  }

  @Test func rowsInACircleAreRejectedWithTheirReason() async throws {
    let web = try await WebFixture.make()
    let answer = try await web.send(
      Self.path, ["rows": [Self.row("A", "甲", under: "B"), Self.row("B", "乙", under: "A"), Self.row("C", "丙")]])
    #expect(results(answer) == ["rejected", "rejected", "created"])
  }

  @Test func keyAndModeDecideWhatIsDone() async throws {
    let web = try await WebFixture.make()
    _ = try await web.send(Self.path, ["rows": [Self.row("A", "甲部")]])
    let inserted = try await web.send(Self.path, ["mode": "insert", "rows": [Self.row("A", "新"), Self.row("B", "乙")]])
    #expect(results(inserted) == ["rejected", "created"])
    let updated = try await web.send(
      Self.path, ["mode": "update", "key": ["code"], "rows": [Self.row("A", "新"), Self.row("X", "无")]])
    #expect(results(updated) == ["updated", "rejected"])
    let cleared = try await web.send(
      Self.path, ["blankClears": true, "rows": [["code": "A", "name": "新", "size": .null]]])
    #expect(results(cleared) == ["unchanged"])
  }

  @Test(arguments: [
    ("{}", "body-object"), (#"{"rows": []}"#, "batch-rows"), (#"{"rows": [1]}"#, "body-object"),
    (#"{"rows": [{"colour": "red"}]}"#, "field-unknown"), (#"{"rows": [{"id": 1}]}"#, "import-columns"),
    (#"{"mode": "all", "rows": [{"code": "A"}]}"#, "batch-mode"),
    (#"{"key": 1, "rows": [{"code": "A"}]}"#, "batch-key"),
    (#"{"key": "name", "rows": [{"code": "A", "name": "甲"}]}"#, "import-columns"),
    (#"{"rows": [{"code": "A", "name": "甲", "path": "9."}]}"#, "import-columns"),
    (#"{"blankClears": "yes", "rows": [{"code": "A"}]}"#, "batch-form"),
    (#"{"label": 1, "rows": [{"code": "A"}]}"#, "batch-form"), (#"{"row": [], "rows": [{"code": "A"}]}"#, "batch-form"),
  ])
  func whatCannotBeReadIsRefusedAsAWhole(_ body: String, _ code: String) async throws {
    let web = try await WebFixture.make()
    let answer = try await web.send(Self.path, try JSON(parsing: body))
    #expect((400..<500).contains(answer.status))
    #expect(answer.json["code"]?.string == code)
    #expect(try await web.database.value("select count(*) from import_run", as: Int.self) == 0)
  }

  @Test func whatARowLeavesOutStaysEvenWhereBlanksClear() async throws {
    let web = try await WebFixture.make()
    _ = try await web.send(
      Self.path, ["rows": [["code": "A", "name": "甲", "size": 5], ["code": "B", "name": "乙", "size": 7]]])
    let answer = try await web.send(
      Self.path, ["blankClears": true, "rows": [["code": "A", "name": "甲一"], ["code": "B", "size": .null]]])
    #expect(results(answer) == ["updated", "updated"])
    let rows = try await web.database.query("select name, size from team order by code")
    #expect(try rows.map { try $0.get(0, as: String.self) } == ["甲一", "乙"])
    #expect(try rows.map { try $0.get(1, as: Int?.self) } == [5, nil])
  }

  @Test func aRegisterClosedToTablesIsClosedToProgramsToo() async throws {
    let web = try await WebFixture.make()
    let answer = try await web.send("/api/r/journal/batch", ["rows": [["name": "一"]]])
    #expect(answer.status == 404 && answer.json["code"]?.string == "import-closed")
    let paths = try await web.get("/api/openapi.json").json["paths"]
    #expect(paths?["/api/r/journal"] != nil && paths?["/api/r/journal/batch"] == nil)
  }

  @Test func importingNeedsItsOwnPermission() async throws {
    let web = try await WebFixture.make()
    #expect(try await web.send(Self.path, ["rows": [Self.row("A", "甲")]], as: "clerk").status == 403)
    #expect(try await web.send(Self.path, ["rows": [Self.row("A", "甲")]], as: nil).status >= 401)
  }

  @Test func theInterfaceIsDescribed() async throws {
    let web = try await WebFixture.make()
    let path = try await web.get("/api/openapi.json").json["paths"]?[Self.path]?["post"]
    #expect(path?["operationId"]?.string == "batch_team")
  }
}
