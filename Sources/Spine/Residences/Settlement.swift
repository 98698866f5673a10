import Core
import Entities

/// Somebody who was met where they live, with a document: found in the register of population or entered there, and registered
/// as staying, each once.
struct Settlement {
  let name: Value
  let documentKind: Value
  let residentID: Value
  let documentNumber: Value
  /// Where the document does not say them.
  let sex: Value
  let birthDate: Value
  let phone: Value
  let division: Value
  let address: Value
  let since: Value
  /// The field in which what is wrong with the name is told.
  let nameField: String

  private var isResidentID: Bool { documentKind.text == "resident_id" }

  /// The person of the document; one who is not known is entered.
  ///
  /// - Throws: ``Refusal`` `person-named-otherwise`, `person-deceased`, and what the register says.
  func person(_ writer: Records) async throws -> Record {
    let key = isResidentID ? "resident_id" : "document_number"
    let number = isResidentID ? residentID : documentNumber
    guard let known = try await writer.find("person", where: key, equals: number) else {
      return try await writer.insert("person", newcomer.filter { !$0.value.isNull }, input: .code)
    }
    guard known["name"].text == name.text else {
      throw Refusal(
        .unprocessable, "person-named-otherwise", "这个证件号码在人口登记里是另一个姓名，没有通过。请核对证件，或先更正人口登记。",
        field: nameField)
    }
    guard known["deceased_on"].isBlank else {
      throw Refusal(
        .unprocessable, "person-deceased", "人口登记显示此人已故，没有通过。请核对证件。", field: nameField)
    }
    return known
  }

  /// The stay of a person at the address: one that is there already is confirmed, else it is entered.
  ///
  /// - Parameter isBetter: whether the values are laid over those of a stay that is there already.
  func stay(of person: Record, _ values: [String: Value], isBetter: Bool, _ writer: Records) async throws -> Record {
    let known = try await writer.list(
      ListQuery(
        ResidenceRules.entity,
        filters: [
          ListFilter("person_id", .equals(.integer(person.id))), ListFilter("address_id", .equals(address)),
          ListFilter("until", .empty(true)),
        ], columns: ["since", "state"], limit: 1)
    ).records.first
    let today = Value.date(writer.store.clock.today())
    var values = values.merging(["confirmed_on": today]) { given, _ in given }
    if let known {
      return try await writer.update(
        ResidenceRules.entity, known.id, version: nil, isBetter ? values : ["confirmed_on": today], input: .code)
    }
    values.merge([
      "person_id": .integer(person.id), "address_id": address, "division_code": division, "since": since,
      "kind": person["residency"],
    ]) { given, _ in given }
    return try await writer.insert(ResidenceRules.entity, values.filter { !$0.value.isNull }, input: .code)
  }

  /// Somebody who was not known yet; the address follows from the stay.
  private var newcomer: [String: Value] {
    var values: [String: Value] = [
      "name": name, "document_kind": documentKind, "phone": phone,
      "residency": .text(isResidentID ? "floating" : "foreign"), "division_code": division, "moved_in_on": since,
    ]
    if isResidentID, let id = residentID.text.flatMap({ ResidentID($0) }) {
      values["resident_id"] = .text(id.text)
      values["sex"] = .text(id.sex.rawValue)
      values["birth_date"] = .date(id.birthDate)
    } else {
      values["document_number"] = documentNumber
      values["sex"] = sex
      values["birth_date"] = birthDate
    }
    return values
  }
}
