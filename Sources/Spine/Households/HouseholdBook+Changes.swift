import Core
import Entities

/// What completed cases do with households.
extension HouseholdBook {
  /// 入户: a person, and whoever comes along, joins a household; each leaves the one they were in.
  ///
  /// - Parameters:
  ///   - relation: to the head; `nil` when the application does not say it.
  ///   - hostRelation: what the head is to the person, where the application asks it that way round.
  ///   - companions: written lines with relations to the person (随迁人员).
  package func join(
    _ person: Int64, _ target: Target, relation: Kinship?, hostRelation: Kinship? = nil, companions: String? = nil
  ) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    var household = try await household(target)
    var report = Report(result: "已入户 \(household.roll.number)")
    var isMale = member(record).isMale
    // The relation of the head to the person, turned round, tells son from daughter by the person.
    var relation = relation ?? hostRelation?.inverse(headIsMale: isMale)
    isMale = household.roll.head?.isMale
    let others = try await people(companions, along: record)
    try await takeOut(
      [record] + others.map(\.person), reason: "moved", leavesFor: household.roll.number, &report)
    if household.roll.member(person) != nil, relation == .head { relation = nil }
    try await take(record, as: relation, into: &household, &report)
    for (other, stated) in others {
      // What somebody is to the newcomer says what they are to the head, as far as it can be told.
      let seen: Kinship? = stated.flatMap { stated in
        relation?.inverse(headIsMale: isMale).flatMap {
          stated.seen(from: $0, isMale: member(other).isMale, isSingle: member(other).isSingle)
        }
      }
      try await take(other, as: seen, into: &household, &report)
    }
    try await save(household, reason: "moved")
    return report
  }

  /// Puts somebody into a household, in both registers.
  private func take(
    _ person: Record, as relation: Kinship?, into household: inout Household, _ report: inout Report
  ) async throws {
    var newcomer = member(person)
    if household.isFamily {
      newcomer.relation = nil
      try household.roll.admit(newcomer, as: relation)
      if household.roll.member(person.id)?.relation == nil {
        report.ask("\(newcomer.name)与户主的关系没有写明，请核对后在人口登记中填写。", in: HouseholdBook.person)
      }
    }
    let relation = household.isFamily ? household.roll.member(person.id)?.relation : relation
    var changes: [String: Value] = [
      "household_number": .text(household.roll.number), "registered_division": .text(household.division),
      "relation_to_head": relation.map { .text($0.rawValue) } ?? .null, "registration_ended_on": .null,
      "registration_end_reason": .null, "residency": .text("permanent"),
    ]
    if let address = household.address ?? place.address { changes["registered_address"] = .text(address) }
    try await records.update(HouseholdBook.person, person.id, version: nil, changes, input: .code)
  }

  /// 立户、分户: a new household with its number, its head and the chosen people.
  ///
  /// - Parameters:
  ///   - source: the household they leave (分户); everybody has to be in it.
  ///   - members: written lines with relations to the new head.
  package func establish(_ head: Int64, kind: String = "family", from source: String? = nil, members: String? = nil)
    async throws -> Report
  {
    try await lock()
    var report = Report(result: "")
    let chosen = try await reader.get(HouseholdBook.person, head)
    if let source, chosen["household_number"].text != source {
      throw Refusal(.unprocessable, "household-source", "新户户主不在户号 \(source) 的户里。请核对原户号。")
    }
    let others = try await people(members, along: chosen)
    if let source, let stray = others.first(where: { $0.person["household_number"].text != source })?.person {
      throw Refusal(.unprocessable, "household-source", "\(stray["name"].text ?? "")不在原户里，不能分到新户。请核对新户成员。")
    }
    try await takeOut([chosen] + others.map(\.person), reason: "moved", &report)
    var household = try await whole(try await enter(chosen, kind: kind, count: 0))
    report.result = "已立户，户号 \(household.roll.number)"
    try await take(chosen, as: .head, into: &household, &report)
    for (other, relation) in others { try await take(other, as: relation, into: &household, &report) }
    try await save(household, reason: "other")
    return report
  }

  /// 集体户立户: a household of a unit, a school, a temple …; it has no head among its people.
  package func establish(collective name: String, kind: String, keeper: String?) async throws -> Report {
    try await lock()
    let query = ListQuery(
      HouseholdBook.entity,
      filters: [ListFilter("head_name", .equals(.text(name))), ListFilter("state", .equals(.text("active")))],
      columns: ["number", "kind"], limit: 10)
    if let known = try await reader.list(query).records.first(where: { $0["kind"].text == kind }) {
      throw Refusal(.unprocessable, "household-twice", "“\(name)”已有集体户 \(known["number"].text ?? "")，没有重复立户。")
    }
    var values: [String: Value] = [
      "kind": .text(kind), "head_name": .text(name), "division_code": .text(place.division),
      "unit_id": .integer(place.unit), "member_count": .integer(0),
    ]
    if let address = place.address { values["address_text"] = .text(address) }
    if let keeper { values["head_resident_id"] = .text(keeper) }
    let made = try await records.insert(HouseholdBook.entity, values, input: .code)
    let number = try await reader.get(HouseholdBook.entity, made.id)["number"].text
    return Report(result: "已立集体户，户号 \(number ?? "")")
  }

  /// 离户: somebody is registered here no longer (死亡、注销、迁出).
  ///
  /// - Parameter successor: the name of the new head, when it was the head who left.
  package func leave(_ person: Int64, successor: String?, reason: String) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    guard let number = record["household_number"].text else { return Report(result: "不在任何户内，户信息不变") }
    var report = Report(result: "已离户 \(number)")
    try await takeOut([record], successor: successor, reason: reason, &report)
    return report
  }

  /// 户主变更.
  ///
  /// - Parameter members: written lines with relations to the new head, where somebody states them.
  package func appoint(_ head: Int64, number: String?, members: String?) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, head)
    guard let own = record["household_number"].text, number == nil || number == own else {
      throw Refusal(.unprocessable, "household-stranger", "新户主不在这一户里。户主只能由户内的人担任，请核对户号和身份证号。")
    }
    var household = try await household(numbered: own)
    guard household.isFamily else {
      throw Refusal(.unprocessable, "household-collective-head", "集体户没有户主，不能办理户主变更。")
    }
    var stated: [Int64: Kinship] = [:]
    for line in try members.map({ text throws(Refusal) in try MemberLine.read(text) }) ?? [] {
      let found = household.roll.members.filter { one in
        line.residentID.map { one.residentID == $0.text } ?? (one.name == line.name)
      }
      guard found.count == 1, let one = found.first else { throw HouseholdBook.unclear(line, found.count) }
      stated[one.id] = line.relation
    }
    let unknown = try household.roll.appoint(head, stated: stated)
    try await save(household, reason: "other")
    var report = Report(result: "户号 \(own) 的户主已变更")
    report.ask(unknown: unknown)
    return report
  }

  /// 与户主关系变更.
  package func relate(_ person: Int64, as relation: Kinship) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    guard let number = record["household_number"].text else { throw HouseholdRoll.stranger }
    var household = try await household(numbered: number)
    try household.roll.relate(person, as: relation)
    try await save(household, reason: "other")
    return Report(result: "户号 \(number) 的成员关系已变更")
  }

  /// 变更户别: the kind of the household that somebody heads.
  package func change(kind: String, of person: Int64, name: String?) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    guard let number = record["household_number"].text else { throw HouseholdRoll.stranger }
    let household = try await household(numbered: number)
    guard household.roll.head?.id == person || !household.isFamily else {
      throw Refusal(.unprocessable, "household-kind-head", "户别由户主申请变更，这个人不是户号 \(number) 的户主。")
    }
    var changes: [String: Value] = ["kind": .text(kind)]
    if kind == "family" {
      guard
        try await reader.count(
          ListQuery(HouseholdBook.person, filters: [ListFilter("household_number", .equals(.text(number)))])
        ).value == 1
      else { throw Refusal(.unprocessable, "household-kind-many", "集体户内有多人，不能整户改为家庭户。请本人另行立户。") }
      changes["head_name"] = record["name"]
      changes["head_resident_id"] = record["resident_id"]
      try await records.update(
        HouseholdBook.person, person, version: nil, ["relation_to_head": .text(Kinship.head.rawValue)], input: .code)
    } else if let name {
      changes["head_name"] = .text(name)
      for member in household.roll.members {
        try await records.update(
          HouseholdBook.person, member.id, version: nil, ["relation_to_head": .null], input: .code)
      }
    }
    try await records.update(HouseholdBook.entity, household.id, version: nil, changes, input: .code)
    return Report(result: "户号 \(number) 的户别已变更")
  }

  /// 并户: the whole household of somebody joins another one and is closed.
  ///
  /// - Parameter members: written lines with relations to the head of the other one.
  package func merge(_ person: Int64, into target: Target, members: String?) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    guard let number = record["household_number"].text else { throw HouseholdRoll.stranger }
    let source = try await household(numbered: number)
    var household = try await household(target)
    guard source.roll.number != household.roll.number, source.isFamily, household.isFamily else {
      throw Refusal(.unprocessable, "household-merge", "并户须是两个不同的家庭户。请核对户号。")
    }
    let lines = try members.map { text throws(Refusal) in try MemberLine.read(text) } ?? []
    var report = Report(result: "户号 \(number) 已并入 \(household.roll.number)")
    var movers: [Record] = []
    for member in source.roll.members { movers.append(try await reader.get(HouseholdBook.person, member.id)) }
    try await takeOut(movers, reason: "merged", &report)
    for mover in movers {
      let one = self.member(mover)
      let line = lines.first { line in line.residentID.map { $0.text == one.residentID } ?? (line.name == one.name) }
      try await take(mover, as: line?.relation, into: &household, &report)
    }
    try await save(household, reason: "merged")
    return report
  }

  /// 恢复户口 in the household somebody was in: as what they were, when it has the same head; as its head again, when it
  /// was closed.
  package func rejoin(_ person: Int64) async throws -> Report {
    try await lock()
    let record = try await reader.get(HouseholdBook.person, person)
    if let number = record["household_number"].text { return Report(result: "仍在户 \(number) 内，户信息不变") }
    let former = try await reader.versions(HouseholdBook.person, person).first { version in
      version.record["household_number"].text != nil
    }
    guard let former, let number = former.record["household_number"].text,
      let row = try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number))
    else {
      throw Refusal(.unprocessable, "household-former", "查不到这个人原来的户。请写明入户的户主身份证号，或手工办理入户。")
    }
    var report = Report(result: "已恢复到户 \(number)")
    if row["state"].text != "active" {
      try await records.update(
        HouseholdBook.entity, row.id, version: nil,
        ["state": .text("active"), "cancelled_on": .null, "cancel_reason": .null], input: .code)
      report.notes.append("户号 \(number) 原已注销，随户口恢复重新启用，由本人任户主。")
    }
    var household = try await whole(try await reader.get(HouseholdBook.entity, row.id))
    let before = former.record["relation_to_head"].text.flatMap { Kinship(rawValue: $0) }
    try await take(record, as: before == .head ? nil : before, into: &household, &report)
    try await save(household, reason: "other")
    return report
  }

  // MARK: People that are named

  /// The people that written lines name: by resident id, or by name among the household of `person`; somebody from
  /// outside whose number is given is entered.
  private func people(_ text: String?, along person: Record) async throws -> [(person: Record, relation: Kinship?)] {
    guard let text else { return [] }
    let household = try await household(of: person)
    var people: [(person: Record, relation: Kinship?)] = []
    for line in try MemberLine.read(text) {
      var record: Record?
      if let id = line.residentID {
        record = try await reader.find(HouseholdBook.person, where: "resident_id", equals: .text(id.text))
        if record == nil { record = try await enter(line, id) }
      } else {
        let found = household?.roll.members.filter { $0.name == line.name && $0.id != person.id } ?? []
        guard found.count == 1, let one = found.first else {
          if line.name == person["name"].text { continue }
          throw HouseholdBook.unclear(line, found.count)
        }
        record = try await reader.get(HouseholdBook.person, one.id)
      }
      guard let record, record.id != person.id, !people.contains(where: { $0.person.id == record.id }) else { continue }
      people.append((record, line.relation))
    }
    return people
  }

  private func enter(_ line: MemberLine, _ id: ResidentID) async throws -> Record {
    guard let name = line.name else {
      throw Refusal(.unprocessable, "member-name", "随迁人员里有一行只有身份证号，没有姓名。请补写姓名。")
    }
    let made = try await records.insert(
      HouseholdBook.person,
      [
        "name": .text(name), "document_kind": .text("resident_id"), "resident_id": .text(id.text),
        "sex": .text(id.sex.rawValue), "birth_date": .date(id.birthDate), "residency": .text("permanent"),
        "division_code": .text(place.division), "moved_in_on": .date(today),
      ], input: .code)
    return try await reader.get(HouseholdBook.person, made.id)
  }

  private static func unclear(_ line: MemberLine, _ count: Int) -> Refusal {
    Refusal(
      .unprocessable, "member-unclear",
      count == 0
        ? "户里没有“\(line.name ?? "所填身份证号")”。请按《居民户口簿》核对姓名，或写上身份证号。"
        : "户里有 \(count) 个“\(line.name ?? "")”。请写上身份证号加以区分。")
  }
}
