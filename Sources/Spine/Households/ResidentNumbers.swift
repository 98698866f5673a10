package import Core
package import Entities
import SQL

/// Assigning citizen identification numbers (编制公民身份号码, GB 11643-1999): the county of registration, the date of
/// birth, a sequence with the parity of the sex, a check character. A sequence is given once and never again.
package struct ResidentNumbers: Sendable {
  /// 公民身份号码编制台账.
  package static let entity = "resident_number"
  /// 顺序码段.
  package static let range = "resident_number_range"

  private let records: Records
  private let reader: Records

  /// - Parameter records: inside a transaction, with every right on these registers and on persons.
  package init(_ records: Records) {
    self.records = records
    reader = records.asSystem
  }

  /// Gives somebody a number, and notes for which case.
  ///
  /// - Parameters:
  ///   - birthDate: as the form says it, and `sex` likewise; `nil` where the person's record is all there is.
  ///   - division: of registration; its first six digits begin the number.
  ///   - cause: a code of `resident_number_cause`.
  /// - Throws: ``Refusal`` `number-facts` when sex or date of birth are not those of the person's record, `number-region`,
  ///   `number-exhausted` when all sequences of that day are used.
  package func assign(
    to person: Int64, division: String, unit: Int64, birthDate given: CivilDate?, sex stated: ResidentID.Sex?,
    cause: String, case number: String
  ) async throws -> ResidentID {
    guard let transaction = records.transaction else { throw Fault("number-transaction", "no transaction") }
    // The same lock as that of households, so that the two never wait for one another in a circle.
    try await transaction.execute("select pg_advisory_xact_lock(7243101)")
    let record = try await reader.get(HouseholdBook.person, person)
    guard let birthDate = record["birth_date"].date, given == nil || given == birthDate,
      let sex = record["sex"].text.flatMap({ ResidentID.Sex(rawValue: $0) }), stated == nil || stated == sex
    else {
      throw Refusal(.unprocessable, "number-facts", "人口登记的性别或出生日期与申请表不一致，没有编制公民身份号码。请核对后手工编制。")
    }
    let region = String(division.prefix(6))
    guard region.utf8.count == 6, let code = Int(region) else {
      throw Refusal(.unprocessable, "number-region", "落户的区划不到县（市、区），没有编制公民身份号码。请核对区划。")
    }
    let used = Set(
      try await reader.list(
        ListQuery(
          ResidentNumbers.entity,
          filters: [
            ListFilter("region", .equals(.text(region))), ListFilter("birth_date", .equals(.date(birthDate))),
          ], columns: ["sequence"], limit: 1000)
      ).records.compactMap { $0["sequence"].integer.map(Int.init) })
    for segment in try await segments(region, year: birthDate.year) {
      for sequence in segment where (sequence % 2 == 1) == (sex == .male) && !used.contains(sequence) {
        guard let id = ResidentID(region: code, birthDate: birthDate, sequence: sequence) else {
          throw Refusal(.unprocessable, "number-region", "区划 \(region) 不能用于编制公民身份号码。请核对区划。")
        }
        // Numbers that were given before the register was kept are known from the people who have them.
        if try await reader.find(HouseholdBook.person, where: "resident_id", equals: .text(id.text)) != nil { continue }
        try await note(id, sequence, record, region, division, unit, cause, number)
        try await records.update(
          HouseholdBook.person, person, version: nil,
          ["document_kind": .text("resident_id"), "resident_id": .text(id.text), "document_number": .null],
          input: .code)
        return id
      }
    }
    throw Refusal(
      .unprocessable, "number-exhausted", "\(region) 在 \(birthDate) 出生的\(sex.label)性顺序码已用完。请在“身份号码顺序码段”里增加码段后手工编制。")
  }

  /// The sequences that may be given for people of this region and year of birth, in order; all of them unless set.
  private func segments(_ region: String, year: Int) async throws -> [ClosedRange<Int>] {
    let rows = try await reader.list(
      ListQuery(
        ResidentNumbers.range,
        filters: [ListFilter("region", .equals(.text(region))), ListFilter("active", .equals(.boolean(true)))],
        sort: [.init(field: "first", descending: false)], columns: ["first", "last", "year_from", "year_to"],
        limit: 1000)
    ).records.filter { row in
      year >= Int(row["year_from"].integer ?? 0) && year <= Int(row["year_to"].integer ?? 9999)
    }
    let found = rows.compactMap { row -> ClosedRange<Int>? in
      guard let first = row["first"].integer, let last = row["last"].integer, first <= last else { return nil }
      return Int(first)...Int(last)
    }
    return found.isEmpty ? [1...999] : found
  }

  private func note(
    _ id: ResidentID, _ sequence: Int, _ person: Record, _ region: String, _ division: String, _ unit: Int64,
    _ cause: String, _ number: String
  ) async throws {
    let old = person["resident_id"]
    var values: [String: Value] = [
      "number": .text(id.text), "region": .text(region), "birth_date": .date(id.birthDate),
      "sex": .text(id.sex.rawValue),
      "sequence": .integer(Int64(sequence)), "person_id": .integer(person.id), "division_code": .text(division),
      "unit_id": .integer(unit), "cause": .text(cause), "case_number": .text(number),
      "assigned_on": .date(records.store.clock.now().chinaTime.date),
    ]
    if !old.isBlank { values["replaces"] = old }
    try await records.insert(ResidentNumbers.entity, values, input: .code)
  }
}
