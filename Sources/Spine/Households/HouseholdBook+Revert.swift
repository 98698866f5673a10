import Core
package import Entities
import SQL

/// 变动恢复: what a case changed is put back as it stood (C-473).
extension HouseholdBook {
  /// Puts back everything that the case behind a line of the ledger changed, persons and households together.
  ///
  /// - Parameters:
  ///   - number: of any line of the case (变动编号).
  ///   - origin: the number of the case that orders it.
  /// - Throws: ``Refusal`` `change-missing`, `change-restored`, `change-final`; `change-overtaken` when anything of it was
  ///   changed again since, which has to be put back first.
  package func revert(_ number: String, for origin: String) async throws -> Report {
    try await lock()
    let lines = try await self.lines(number)
    var report = Report(result: "已恢复变动 \(number)")
    var touched: Set<String> = []
    for line in lines {
      guard let (register, id) = subject(of: line) else { continue }
      let now = try await reader.get(register, id)
      try await refuseOvertaken(now, line, register)
      for field in ["number_before", "number_after"] { if let text = line[field].text { touched.insert(text) } }
      try await records.update(register, id, version: nil, try await values(now, line, register), input: .exact)
    }
    for number in touched { try await check(number) }
    for line in lines {
      try await reader.update(
        HouseholdLedger.entity, line.id, version: nil,
        ["state": .text("restored"), "restored_on": .date(today), "restored_by": .text(origin)], input: .code)
    }
    report.notes.append("恢复 \(lines.count) 项。")
    return report
  }

  /// The lines that an application to put a change back is about, once it is known that it can be.
  ///
  /// - Throws: what ``revert(_:for:)`` refuses.
  package func examine(_ number: String) async throws -> [Record] {
    let lines = try await lines(number)
    for line in lines {
      guard let (register, id) = subject(of: line) else { continue }
      try await refuseOvertaken(try await reader.get(register, id), line, register)
    }
    return lines
  }

  private func subject(of line: Record) -> (register: String, id: Int64)? {
    let isPerson = line["subject"].text == "person"
    return (isPerson ? line["person_id"] : line["household_id"]).integer.map {
      (isPerson ? HouseholdBook.person : HouseholdBook.entity, $0)
    }
  }

  /// The lines of the case that a line belongs to.
  private func lines(_ number: String) async throws -> [Record] {
    guard let line = try await reader.find(HouseholdLedger.entity, where: "number", equals: .text(number)) else {
      throw Refusal(
        .unprocessable, "change-missing", "没有编号为 \(number.prefix(40)) 的户籍变动。请从变动情况查询里打开要恢复的变动。",
        field: "change_number")
    }
    if line["state"].text == "restored" {
      throw Refusal(
        .unprocessable, "change-restored", "变动 \(number) 已由办件 \(line["restored_by"].text ?? "") 恢复，不用再办。",
        field: "change_number")
    }
    if line["kind"].text == "revert" {
      throw Refusal(
        .unprocessable, "change-final", "变动 \(number) 本身是一次恢复。要再次改变登记，请办理原来的业务。", field: "change_number")
    }
    guard let origin = line["service_case_id"].integer else { return [line] }
    let page = try await reader.list(
      ListQuery(
        HouseholdLedger.entity, filters: [ListFilter("service_case_id", .equals(.integer(origin)))],
        sort: [.init(field: "id", descending: true)], columns: ["id"], limit: 500))
    var lines: [Record] = []
    for row in page.records { lines.append(try await reader.get(HouseholdLedger.entity, row.id)) }
    return lines
  }

  /// What was changed again since is not put back over: that would undo somebody else's case.
  private func refuseOvertaken(_ now: Record, _ line: Record, _ register: String) async throws {
    let version = Int(line["version_after"].integer ?? 0)
    if now.version == version { return }
    let then = try await HouseholdLedger.version(version, of: register, now.id, reader)
    let altered = HouseholdLedger.facts(of: register).filter { now[$0] != then?[$0] ?? .null }
    guard let first = altered.first else { return }
    let label = records.store.catalog.entity(register)?.field(first)?.label ?? first
    let name = line["person_name"].text ?? ""
    throw Refusal(
      .unprocessable, "change-overtaken",
      "\(name)在这次变动之后又有登记变动（\(label)），不能直接恢复。请先恢复后面的变动，或按现在的登记另行办理。", field: "change_number")
  }

  /// What a record becomes. One that the change made is not deleted: its registration ends.
  private func values(_ now: Record, _ line: Record, _ register: String) async throws -> [String: Value] {
    let version = Int(line["version_before"].integer ?? 0)
    guard version > 0 else {
      return register == HouseholdBook.person
        ? [
          "household_number": .null, "relation_to_head": .null, "registered_division": .null,
          "registered_address": .null, "registration_ended_on": .date(today),
          "registration_end_reason": .text("revoked"),
        ] : ["state": .text("cancelled"), "cancelled_on": .date(today), "cancel_reason": .text("error")]
    }
    guard let before = try await HouseholdLedger.version(version, of: register, now.id, reader) else {
      throw Fault("ledger-version", "\(register) \(now.id) \(version)")
    }
    return Dictionary(
      uniqueKeysWithValues: HouseholdLedger.facts(of: register).filter { now[$0] != before[$0] }.map {
        ($0, before[$0])
      })
  }

  /// Counts a household's people anew, and refuses what would leave it with two heads or spouses, or without a head.
  private func check(_ number: String) async throws {
    guard let record = try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number)) else {
      return
    }
    let household = try await whole(record)
    try await recount(household)
    guard household.isFamily else { return }
    let heads = household.roll.members.filter { $0.relation == .head }.count
    let spouses = household.roll.members.filter { $0.relation == .spouse }.count
    let isOpen = record["state"].text == "active"
    guard isOpen ? heads == 1 && spouses <= 1 : household.roll.members.isEmpty else {
      throw Refusal(
        .unprocessable, "change-overtaken", "恢复后户号 \(number) 的户主或配偶会不止一个或没有户主，没有恢复。请先办理这一户后来的变动。",
        field: "change_number")
    }
  }
}
