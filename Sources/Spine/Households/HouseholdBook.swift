import Access
import Core
package import Entities
import SQL

/// The register of households (户) kept in step with the people in it.
///
/// Everything goes through the registers of persons and households, so that checks, history, audit and searches are
/// theirs. One change at a time is made in the whole city: two that touch the same households never cross.
package struct HouseholdBook: Sendable {
  package static let entity = "household"
  package static let person = "person"

  /// Where a household lies, and whose it is, for one that has to be entered (立户).
  package struct Place: Sendable, Hashable {
    package let division: String
    package let unit: Int64
    package let address: String?

    package init(division: String, unit: Int64, address: String?) {
      self.division = division
      self.unit = unit
      self.address = address
    }
  }

  /// Which household is meant: the first of these that says something.
  package struct Target: Sendable, Hashable {
    package var number: String?
    /// The resident id of somebody in it.
    package var member: String?
    /// What a collective household is called.
    package var collective: String?

    package init(number: String? = nil, member: String? = nil, collective: String? = nil) {
      self.number = number
      self.member = member
      self.collective = collective
    }
  }

  /// What was done, and what somebody should look at.
  package struct Report: Sendable, Hashable {
    /// Something that somebody has to enter or to check by hand (常口续办).
    package struct Task: Sendable, Hashable {
      /// The register that it is done in.
      package let register: String
      package let text: String
    }

    package var result: String
    package var notes: [String] = []
    /// Those of the notes that ask for work.
    package var tasks: [Task] = []

    mutating func ask(_ text: String, in register: String) {
      notes.append(text)
      tasks.append(Task(register: register, text: text))
    }
  }

  let records: Records
  /// Reads what people are shown masked: the audit names the system for it.
  let reader: Records
  let place: Place
  let today: CivilDate

  /// - Parameter records: inside a transaction, with every right on both registers.
  package init(_ records: Records, place: Place) {
    self.records = records
    reader = records.asSystem
    self.place = place
    today = records.store.clock.now().chinaTime.date
  }

  // MARK: Reading

  struct Household: Sendable {
    let id: Int64
    let version: Int
    let kind: String
    let division: String
    let address: String?
    var roll: HouseholdRoll
    let before: HouseholdRoll
    let headID: String?
    let headName: String?
    let count: Int64?

    var isFamily: Bool { kind == "family" }
  }

  /// Waits for the one change of households that may be under way.
  func lock() async throws {
    guard let transaction = records.transaction else { throw Fault("household-transaction", "no transaction") }
    try await transaction.execute("select pg_advisory_xact_lock(7243101)")
  }

  func person(_ residentID: String) async throws -> Record {
    let value = Value.text(ResidentID(residentID)?.text ?? residentID)
    guard let found = try await reader.find(HouseholdBook.person, where: "resident_id", equals: value) else {
      throw Refusal(.unprocessable, "household-person", "人口登记里没有这个身份证号的人。请先登入人口登记。")
    }
    return found
  }

  /// The person with this resident id.
  ///
  /// - Throws: ``Refusal`` `household-person`.
  package func find(_ residentID: String) async throws -> Int64 { try await person(residentID).id }

  /// Carries the name and resident id of a head into the household, after they changed.
  package func refresh(_ person: Int64) async throws {
    let record = try await reader.get(HouseholdBook.person, person)
    guard record["relation_to_head"].text == Kinship.head.rawValue, let number = record["household_number"].text,
      let household = try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number)),
      household["kind"].text == "family"
    else { return }
    try await records.update(
      HouseholdBook.entity, household.id, version: nil,
      ["head_name": record["name"], "head_resident_id": record["resident_id"]], input: .code)
  }

  /// Sex and date of birth of somebody who is entered with a resident id, where they are not given.
  package static func completed(_ values: [String: Value]) -> [String: Value] {
    guard let id = values["resident_id"]?.text.flatMap({ ResidentID($0) }) else { return values }
    return values.merging(["sex": .text(id.sex.rawValue), "birth_date": .date(id.birthDate)]) { given, _ in given }
  }

  func member(_ record: Record) -> HouseholdMember {
    HouseholdMember(
      id: record.id, name: record["name"].text ?? "", residentID: record["resident_id"].text,
      isMale: record["sex"].text.flatMap { ["male": true, "female": false][$0] },
      birthDate: record["birth_date"].date ?? CivilDate(daysSinceEpoch: 0),
      isSingle: record["marital_status"].text == "10",
      relation: record["relation_to_head"].text.flatMap { Kinship(rawValue: $0) })
  }

  private func people(of number: String) async throws -> [Record] {
    let query = ListQuery(
      HouseholdBook.person,
      filters: [
        ListFilter("household_number", .equals(.text(number))), ListFilter("deceased_on", .empty(true)),
      ], sort: [.init(field: "id", descending: false)],
      columns: ["name", "resident_id", "sex", "birth_date", "marital_status", "relation_to_head"], limit: 500)
    return try await reader.list(query).records
  }

  private func open(_ record: Record) async throws -> Household {
    guard record["state"].text == "active" else {
      throw Refusal(.unprocessable, "household-closed", "户号 \(record["number"].text ?? "") 的户已注销。请先核对户号，或恢复该户。")
    }
    return try await whole(record)
  }

  func whole(_ record: Record) async throws -> Household {
    let number = record["number"].text ?? ""
    // The people of a collective household have no head among them and are only counted.
    let isFamily = record["kind"].text == "family"
    let roll = HouseholdRoll(number: number, members: isFamily ? try await people(of: number).map(member) : [])
    return Household(
      id: record.id, version: record.version, kind: record["kind"].text ?? "family",
      division: record["division_code"].text ?? place.division,
      address: record["address_text"].text ?? record.titles["address_id"], roll: roll, before: roll,
      headID: record["head_resident_id"].text, headName: record["head_name"].text,
      count: record["member_count"].integer)
  }

  /// The open household with this number. One that only its people know of, since they were entered before the register
  /// was, is entered now (补立).
  func household(numbered number: String) async throws -> Household {
    if let record = try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number)) {
      return try await open(record)
    }
    let people = try await people(of: number)
    let heads = people.filter { $0["relation_to_head"].text == Kinship.head.rawValue }
    guard heads.count == 1, let head = heads.first else {
      throw Refusal(
        .unprocessable, "household-missing",
        people.isEmpty ? "没有户号为 \(number) 的户。请核对户号。" : "户号 \(number) 的人员中有 \(heads.count) 个户主，户信息不能补立。请先核对。")
    }
    return try await whole(try await enter(head, kind: "family", number: number, count: people.count))
  }

  func household(_ target: Target) async throws -> Household {
    if let number = target.number { return try await household(numbered: number) }
    if let member = target.member {
      guard let number = try await person(member)["household_number"].text else {
        throw Refusal(.unprocessable, "household-none", "要入的户找不到：户主（被投靠人）没有户号。请核对后手工办理。")
      }
      return try await household(numbered: number)
    }
    guard let name = target.collective else {
      throw Refusal(.unprocessable, "household-unnamed", "申请里没有写明入哪一户（户号或户主身份证号）。")
    }
    let query = ListQuery(
      HouseholdBook.entity,
      filters: [
        ListFilter("head_name", .equals(.text(name))), ListFilter("state", .equals(.text("active"))),
      ], columns: ["number", "kind"], limit: 10)
    let found = try await reader.list(query).records.filter { $0["kind"].text != "family" }
    guard found.count == 1, let number = found.first?["number"].text else {
      throw Refusal(
        .unprocessable, "household-collective",
        found.isEmpty ? "没有名为“\(name)”的集体户。请先立户，或核对名称。" : "有 \(found.count) 个名为“\(name)”的集体户，请写明户号。")
    }
    return try await household(numbered: number)
  }

  /// The household that somebody is in; `nil` for nobody's.
  func household(of person: Record) async throws -> Household? {
    guard let number = person["household_number"].text else { return nil }
    guard let record = try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number)) else {
      return try await people(of: number).contains { $0["relation_to_head"].text == "head" }
        ? try await household(numbered: number) : nil
    }
    return record["state"].text == "active" ? try await whole(record) : nil
  }

  // MARK: Writing

  func enter(_ head: Record, kind: String, number: String? = nil, count: Int) async throws -> Record {
    var values: [String: Value] = [
      "kind": .text(kind), "head_name": head["name"], "head_resident_id": head["resident_id"],
      "division_code": .text(place.division), "unit_id": .integer(place.unit), "member_count": .integer(Int64(count)),
    ]
    if let number { values["number"] = .text(number) }
    values["address_text"] = place.address.map { .text($0) } ?? head["registered_address"]
    let made = try await records.insert(HouseholdBook.entity, values.filter { !$0.value.isNull }, input: .code)
    return try await reader.get(HouseholdBook.entity, made.id)
  }

  /// Writes what a change made of a household, and of whoever left it.
  ///
  /// - Parameter reason: why it is closed, when nobody is left: a code of `desk_household_cancel`.
  func save(_ household: Household, reason: String) async throws {
    for member in household.before.members where household.roll.member(member.id) == nil {
      try await records.update(
        HouseholdBook.person, member.id, version: nil, ["household_number": .null, "relation_to_head": .null],
        input: .code)
    }
    for member in household.roll.members {
      guard let old = household.before.member(member.id), old.relation != member.relation else { continue }
      try await records.update(
        HouseholdBook.person, member.id, version: nil,
        ["relation_to_head": member.relation.map { .text($0.rawValue) } ?? .null], input: .code)
    }
    guard household.isFamily else { return try await recount(household) }
    var changes: [String: Value] = ["member_count": .integer(Int64(household.roll.members.count))]
    if let head = household.roll.head {
      changes["head_name"] = .text(head.name)
      changes["head_resident_id"] = head.residentID.map { .text($0) } ?? .null
    } else if household.roll.members.isEmpty {
      changes["state"] = .text("cancelled")
      changes["cancelled_on"] = .date(today)
      changes["cancel_reason"] = .text(reason)
    }
    try await records.update(HouseholdBook.entity, household.id, version: nil, changes, input: .code)
  }

  func recount(_ household: Household) async throws {
    let count = try await reader.count(
      ListQuery(
        HouseholdBook.person, filters: [ListFilter("household_number", .equals(.text(household.roll.number)))]))
    try await records.update(
      HouseholdBook.entity, household.id, version: nil, ["member_count": .integer(Int64(count.value))], input: .code)
  }

  /// Takes people out of the households they are in.
  ///
  /// - Parameter new: the household they go to, which they are not taken out of.
  func takeOut(
    _ people: [Record], successor: String? = nil, reason: String, leavesFor new: String? = nil, _ report: inout Report
  ) async throws {
    var seen: Set<String> = []
    for person in people {
      guard let number = person["household_number"].text, number != new, seen.insert(number).inserted else { continue }
      let leaving = Set(people.filter { $0["household_number"].text == number }.map(\.id))
      guard var old = try await household(of: person), old.isFamily,
        leaving.allSatisfy({ old.roll.member($0) != nil })
      else {
        // A collective household only counts its people; one that is closed or unknown has nothing to be kept in step.
        let old = try await household(of: person)
        for id in leaving { try await clear(id) }
        if let old, !old.isFamily { try await save(old, reason: reason) }
        continue
      }
      let named =
        successor.map { name in old.roll.members.filter { $0.name == name && !leaving.contains($0.id) } } ?? []
      let outcome = try old.roll.release(leaving, successor: named.count == 1 ? named[0].id : nil, on: today)
      try await save(old, reason: reason)
      if let head = outcome.head, named.count == 1 {
        report.notes.append("户号 \(number) 由\(head.name)任户主。")
      } else if let head = outcome.head {
        report.ask(
          "户号 \(number) 的户主离户，申请没有写明留下的哪一位任户主，按配偶、年长成年人的顺序由\(head.name)任户主，请核对。",
          in: HouseholdBook.entity)
      }
      report.ask(unknown: outcome.unknown)
      if old.roll.members.isEmpty { report.notes.append("户号 \(number) 户内已无人员，已注销该户。") }
    }
  }

  private func clear(_ person: Int64) async throws {
    try await records.update(
      HouseholdBook.person, person, version: nil, ["household_number": .null, "relation_to_head": .null], input: .code)
  }
}

extension HouseholdBook.Report {
  /// Asks for the relations that cannot be told from those that were known.
  mutating func ask(unknown people: [HouseholdMember]) {
    guard !people.isEmpty else { return }
    ask(
      "与新户主的关系推算不出，请核对后在人口登记中填写：\(people.map(\.name).joined(separator: "、"))。", in: HouseholdBook.person)
  }
}
