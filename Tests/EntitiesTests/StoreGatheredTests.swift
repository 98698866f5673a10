import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

/// Fields that show what other registers hold about a record (汇集字段): the teams of a member here, as the roles of a user.
@Suite struct StoreGatheredTests {
  private struct Club {
    let store: StoreFixture
    let members: [Int64]
    let teams: [Int64]

    func teams(of principal: Principal, _ filters: [ListFilter] = [], asOf: Instant? = nil) async throws -> [String] {
      let query = ListQuery("member", filters: filters, asOf: asOf)
      let page = try await store.store.records(as: principal).list(query)
      return page.records.map { "\($0["name"].plainText)：\($0.titles["teams"] ?? "")" }
    }
  }

  /// 甲 is in both teams, in the first twice; 乙 in the second; 丙 was in the first until 2001.
  private static func makeClub() async throws -> Club {
    let store = try await StoreFixture.make(texts())
    var members: [Int64] = []
    for name in ["甲", "乙", "丙"] {
      members.append(try await store.system.insert("member", ["name": .text(name)]).id)
    }
    var teams: [Int64] = []
    for name in ["红队", "蓝队"] { teams.append(try await store.system.insert("team", ["name": .text(name)]).id) }
    for (member, team) in [(0, 0), (0, 1), (0, 0), (1, 1)] { try await join(store, members[member], teams[team]) }
    try await join(store, members[2], teams[0], until: CivilDate("2001-01-01"))
    return Club(store: store, members: members, teams: teams)
  }

  private static func join(
    _ store: StoreFixture, _ member: Int64, _ team: Int64, until: CivilDate? = nil
  ) async throws {
    var values: [String: Value] = ["member_id": .integer(member), "team_id": .integer(team)]
    if let until { values["until"] = .date(until) }
    try await store.system.insert("membership", values)
  }

  private static func texts(
    _ gathered: String = "{register: membership, field: member_id, show: team_id, rule: in_force}", more: String = ""
  ) -> [(name: String, text: String)] {
    [
      (
        "member.yaml",
        """
        entity: member
        label: 队员
        area: platform
        fields:
          - {name: name, label: 姓名, type: text, max: 20, required: true}
          - {name: teams, label: 所在队, type: ref, entity: team, gathered: \(gathered)\(more)}
        list: {columns: [name, teams], filters: [teams], sort: id}
        """
      ),
      (
        "team.yaml",
        "entity: team\nlabel: 队\narea: platform\nfields: [{name: name, label: 队名, type: text, max: 20}]\n"
      ),
      (
        "membership.yaml",
        """
        entity: membership
        label: 入队
        area: platform
        title: id
        scope: {rules: {in_force: "until == null or until >= today()"}}
        fields:
          - {name: member_id, label: 队员, type: ref, entity: member, required: true}
          - {name: team_id, label: 队, type: ref, entity: team, required: true}
          - {name: until, label: 到, type: date}
        """
      ),
    ]
  }

  private static func viewer(_ memberships: DataScope?, id: Int64 = 9) -> Principal {
    StoreFixture.user(
      id, [("member.view", .all), ("team.view", .all)] + (memberships.map { [("membership.view", $0)] } ?? []))
  }

  @Test func aListShowsWhatBelongsToEachRecordOnceAndOnlyWhatCounts() async throws {
    let club = try await Self.makeClub()
    #expect(try await club.teams(of: Self.viewer(.all)) == ["甲：红队、蓝队", "乙：蓝队", "丙："])
    let one = try await club.store.store.records(as: Self.viewer(.all)).get("member", club.members[0])
    #expect(one["teams"].list == club.teams.map(String.init))
  }

  @Test func aListIsNarrowedByOneBySeveralAndByNone() async throws {
    let club = try await Self.makeClub()
    func names(_ test: ListFilter.Test) async throws -> [String] {
      try await club.teams(of: Self.viewer(.all), [ListFilter("teams", test)]).map { String($0.prefix(1)) }
    }
    #expect(try await names(.equals(.integer(club.teams[0]))) == ["甲"])
    #expect(try await names(.equals(.integer(club.teams[1]))) == ["甲", "乙"])
    #expect(try await names(.oneOf(club.teams.map { .integer($0) })) == ["甲", "乙"])
    #expect(try await names(.empty(true)) == ["丙"])
    #expect(try await names(.empty(false)) == ["甲", "乙"])
    await #expect(throws: Refusal.self) { _ = try await names(.prefix("红")) }
    let entity = try club.store.entity("member")
    let asked = try ListQuery(entity, items: [("teams", "\(club.teams[1])")])
    #expect(asked.filters == [ListFilter("teams", .equals(.integer(club.teams[1])))])
  }

  @Test func nothingIsGatheredBeyondTheScopeOfWhereItComesFrom() async throws {
    let club = try await Self.makeClub()
    let own = Self.viewer(.own, id: 31)
    _ = try await club.store.store.records(
      as: StoreFixture.user(
        31,
        [("membership.create", .all), ("membership.view", .own), ("member.view", .all), ("team.view", .all)])
    ).insert("membership", ["member_id": .integer(club.members[2]), "team_id": .integer(club.teams[1])])
    #expect(try await club.teams(of: own) == ["甲：", "乙：", "丙：蓝队"])
    #expect(try await club.teams(of: own, [ListFilter("teams", .equals(.integer(club.teams[1])))]) == ["丙：蓝队"])
    let without = Self.viewer(nil)
    let page = try await club.store.store.records(as: without).list(ListQuery("member"))
    #expect(page.columns.map(\.name) == ["name"])
    #expect(page.records.allSatisfy { $0.values["teams"] == nil })
    await #expect(throws: Refusal.self) {
      _ = try await club.teams(of: without, [ListFilter("teams", .equals(.integer(club.teams[1])))])
    }
  }

  @Test func anEarlierDayShowsWhatBelongedToItThen() async throws {
    let club = try await Self.makeClub()
    let before = club.store.clock.clock.now()
    club.store.clock.advance(seconds: 60)
    let held = try await club.store.system.list(
      ListQuery("membership", filters: [ListFilter("member_id", .equals(.integer(club.members[1])))]))
    let membership = try #require(held.records.first)
    try await club.store.system.delete("membership", membership.id, version: membership.version)
    let historian = StoreFixture.user(
      9, [("member.view", .all), ("member.history", .all), ("membership.view", .all), ("team.view", .all)])
    #expect(try await club.teams(of: historian)[1] == "乙：")
    #expect(try await club.teams(of: historian, asOf: before)[1] == "乙：蓝队")
  }

  @Test func itIsNeverWrittenAndNeverAColumnOfTheTable() async throws {
    let club = try await Self.makeClub()
    await #expect(throws: Refusal.self) {
      try await club.store.system.insert("member", ["name": .text("丁"), "teams": .list(["1"])])
    }
    let columns = try await club.store.database.query(
      "select column_name from information_schema.columns where table_name = 'member'"
    ).values(as: String.self)
    #expect(!columns.contains("teams"))
  }

  @Test(arguments: [
    ("{register: memberships, field: member_id, show: team_id}", "", "不存在"),
    ("{register: membership, field: member, show: team_id}", "", "没有字段"),
    ("{register: membership, field: team_id, show: team_id}", "", "不是指向“member”"),
    ("{register: membership, field: member_id, show: member_id}", "", "不是指向“team”"),
    ("{register: membership, field: member_id, show: team_id, rule: ever}", "", "没有规则"),
    ("{register: membership, field: member_id}", "", "缺少 show"),
    ("{register: membership, field: member_id, show: team_id}", ", required: true", "不能有 required"),
    ("{register: membership, field: member_id, show: team_id}", ", editable: true", "不能编辑"),
  ])
  func aWrongDeclarationIsFound(_ gathered: String, _ more: String, _ word: String) {
    let findings = CatalogReading(texts: Self.texts(gathered, more: more)).allFindings()
    #expect(
      findings.contains { $0.severity == .error && $0.message.contains(word) },
      "\(findings.map(\.description).joined(separator: "\n"))")
  }
}
