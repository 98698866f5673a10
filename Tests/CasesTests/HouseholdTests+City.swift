import Access
import Cases
import Core
import Entities
import Households
import Processes
import Testing

/// The people of the tests, completing items for them, and what has to hold afterwards.
extension HouseholdTests {
  @discardableResult
  func person(
    _ city: CaseFixture, _ name: String, _ id: String, in household: String? = nil, _ relation: Kinship? = nil,
    married: Bool = false
  ) async throws -> Int64 {
    let number = try #require(ResidentID(id))
    var values: [String: Value] = [
      "name": .text(name), "resident_id": .text(id), "sex": .text(number.sex.rawValue),
      "birth_date": .date(number.birthDate), "residency": .text("permanent"), "division_code": .text("511702001001"),
      "marital_status": .text(married ? "20" : "10"),
    ]
    if let household { values["household_number"] = .text(household) }
    if let relation { values["relation_to_head"] = .text(relation.rawValue) }
    return try await registers(city).insert("person", values, input: .code).id
  }

  func id(_ birth: String, _ sequence: Int, region: Int = 511702) throws -> String {
    let date = try #require(CivilDate(birth))
    return try #require(ResidentID(region: region, birthDate: date, sequence: sequence)).text
  }

  @discardableResult
  func household(_ city: CaseFixture, head name: String, _ id: String, kind: String = "family") async throws
    -> String
  {
    let record = try await registers(city).insert(
      "household",
      [
        "kind": .text(kind), "head_name": .text(name), "head_resident_id": .text(id), "address_text": .text("荷叶街28号"),
        "division_code": .text("511702001001"), "unit_id": .integer(3), "member_count": .integer(1),
      ], input: .code)
    let number = try #require(record["number"].text)
    if kind == "family" { try await person(city, name, id, in: number, .head, married: true) }
    return number
  }

  /// Completes an item at the window with the form of a golden case, changed; what the history says of the registers.
  @discardableResult
  func complete(
    _ city: CaseFixture, _ item: String, _ changed: [String: Value], subject: (name: String, id: String?)? = nil,
    golden index: Int? = nil
  ) async throws -> [String] {
    let declared = try #require(city.cases.services.item(item))
    let golden = try #require(
      index ?? declared.goldenCases.firstIndex { $0.channel == .window && $0.acceptedBy == "officer" }
        ?? declared.goldenCases.indices.first)
    var application = try city.application(item, golden: golden, channel: .window, delivery: "window")
    application.content.form.merge(changed) { _, new in new }
    application.content.form = application.content.form.filter { !$0.value.isNull }
    if let subject {
      application.content.values["subject_name"] = .text(subject.name)
      application.content.values["subject_document"] = subject.id.map { .text($0) } ?? .null
    }
    try await name(&application.content.form, city)
    try await name(&application.content.values, city)
    let id = try await city.cases.start(application, by: try city.person("officer")).id
    try await finish(city, id)
    return try await city.cases.view(id, as: try city.person("officer")).events.filter { $0.action == "register" }.map {
      ($0.result ?? "") + ($0.opinion.map { "：" + $0 } ?? "")
    }
  }

  /// Whoever is asked answers favourably, until nobody is.
  func finish(_ city: CaseFixture, _ id: Int64) async throws {
    for account in ["officer", "beat", "chief", "county", "officer", "chief", "officer", "aux", "officer"] {
      guard let view = try? await city.cases.view(id, as: try city.person(account)), let task = view.mine.first else {
        continue
      }
      var values: [String: String] = [:]
      for input in view.rule(of: task.step)?.inputs ?? [] {
        let variable = view.process.definition.variables.first { $0.name == input.variable }
        values[input.variable] = variable?.choices.first?.value ?? "编号 1"
      }
      try await city.answer(id, by: account, values, opinion: "同意")
    }
    #expect(try await city.state(id)["state"] == .text("completed"))
  }

  /// Names everybody whose resident id is given as the register of population does, as applications have to.
  private func name(_ values: inout [String: Value], _ city: CaseFixture) async throws {
    for (field, value) in values {
      for suffix in ["_resident_id", "_document"] where field.hasSuffix(suffix) {
        let beside = String(field.dropLast(suffix.utf8.count)) + "_name"
        guard values[beside] != nil, let id = value.text,
          let person = try await registers(city).find("person", where: "resident_id", equals: .text(id))
        else { continue }
        values[beside] = person["name"]
      }
    }
  }

  func who(_ city: CaseFixture, in number: String) async throws -> [String: String] {
    let page = try await registers(city).list(
      ListQuery(
        "person", filters: [ListFilter("household_number", .equals(.text(number)))],
        columns: ["name", "relation_to_head"]))
    return Dictionary(
      uniqueKeysWithValues: page.records.map { ($0["name"].text ?? "", $0["relation_to_head"].text ?? "?") })
  }

  func row(_ city: CaseFixture, _ number: String) async throws -> Record {
    try #require(try await registers(city).find("household", where: "number", equals: .text(number)))
  }

  func one(_ city: CaseFixture, _ name: String) async throws -> Record {
    let page = try await registers(city).list(ListQuery("person", filters: [ListFilter("name", .contains(name))]))
    let id = try #require(page.records.first).id
    return try await registers(city).get("person", id)
  }

  /// Everybody is in one household at most, every open household with people has its one head, and the register says so.
  func expectSound(_ city: CaseFixture) async throws {
    let households = try await registers(city).list(
      ListQuery(
        "household", columns: ["number", "kind", "state", "head_name", "head_resident_id", "member_count"], limit: 500)
    ).records
    let people = try await registers(city).list(
      ListQuery(
        "person", columns: ["name", "resident_id", "household_number", "relation_to_head", "deceased_on"], limit: 500)
    ).records
    for household in households where household["kind"] == .text("family") {
      let members = people.filter { $0["household_number"] == household["number"] }
      let heads = members.filter { $0["relation_to_head"] == .text("head") }
      #expect((household["state"] == .text("active")) == !members.isEmpty)
      #expect(heads.count == (members.isEmpty ? 0 : 1))
      #expect(members.filter { $0["relation_to_head"] == .text("spouse") }.count <= 1)
      #expect(members.allSatisfy { $0["deceased_on"].isBlank })
      guard let head = heads.first else { continue }
      #expect(head["name"] == household["head_name"])
      #expect(head["resident_id"] == household["head_resident_id"])
      #expect(household["member_count"] == .integer(Int64(members.count)))
    }
    let numbers = Set(households.map { $0["number"].text ?? "" })
    for person in people {
      #expect(person["household_number"].text.map { numbers.contains($0) } ?? true)
      #expect(person["household_number"].isBlank == false || person["relation_to_head"].isBlank)
    }
  }
}
