import Core
package import Entities
import SQL

/// 变动恢复: what a case changed is put back as it stood (C-473).
extension HouseholdBook {
  /// So many lines are put back at once at most; no case of a family comes near it.
  private static let mostLines = 500

  /// Puts back what the case behind a line of the ledger changed of persons and households, all of them together: their
  /// registration, and with it the division that decides who may see them. What else of theirs was changed again since,
  /// such as a note, stays as it is and is named in the report.
  ///
  /// - Parameters:
  ///   - number: of any line of the case (变动编号).
  ///   - origin: the number of the case that orders it.
  /// - Throws: ``Refusal`` `change-missing`, `change-restored`, `change-final`; `change-overtaken` when the
  ///   registration was changed again since, which has to be put back first; `change-large` above 500 lines.
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
      let (values, left) = try await values(now, line, register)
      try await records.update(register, id, version: nil, values, input: .exact)
      if !left.isEmpty {
        report.notes.append("\(line["person_name"].text ?? "")的\(left.joined(separator: "、"))在变动之后又改过，保留现在的内容。")
      }
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
        sort: [.init(field: "id", descending: true)], columns: ["id"], limit: HouseholdBook.mostLines))
    guard page.next == nil else {
      throw Refusal(
        .unprocessable, "change-large",
        "变动 \(number) 所属办件的变动超过 \(HouseholdBook.mostLines) 项，不能一次恢复。请按现在的登记逐项办理。", field: "change_number")
    }
    var lines: [Record] = []
    for row in page.records { lines.append(try await reader.get(HouseholdLedger.entity, row.id)) }
    return lines
  }

  /// What was changed again since is not put back over: that would undo somebody else's case. Neither is a division that
  /// the change set and that was set again: it decides who sees the person.
  private func refuseOvertaken(_ now: Record, _ line: Record, _ register: String) async throws {
    let version = Int(line["version_after"].integer ?? 0)
    if now.version == version { return }
    let then = try await HouseholdLedger.version(version, of: register, now.id, reader)
    var facts = HouseholdLedger.facts(of: register)
    if !facts.contains("division_code") {
      let before = try await HouseholdLedger.version(
        Int(line["version_before"].integer ?? 0), of: register, now.id, reader)
      if let before, before["division_code"] != then?["division_code"] ?? .null { facts.append("division_code") }
    }
    guard let first = facts.first(where: { now[$0] != then?[$0] ?? .null }) else { return }
    let label = records.store.catalog.entity(register)?.field(first)?.label ?? first
    let name = line["person_name"].text ?? ""
    throw Refusal(
      .unprocessable, "change-overtaken",
      "\(name)在这次变动之后又有登记变动（\(label)），不能直接恢复。请先恢复后面的变动，或按现在的登记另行办理。", field: "change_number")
  }

  /// What a record becomes, and the labels of what stays since it was changed again. A record that the change made is not
  /// deleted: its registration ends.
  private func values(
    _ now: Record, _ line: Record, _ register: String
  ) async throws -> (values: [String: Value], left: [String]) {
    let version = Int(line["version_before"].integer ?? 0)
    guard version > 0 else {
      let ended: [String: Value] =
        register == HouseholdBook.person
        ? [
          "household_number": .null, "relation_to_head": .null, "registered_division": .null,
          "registered_address": .null, "registration_ended_on": .date(today),
          "registration_end_reason": .text("revoked"),
        ] : ["state": .text("cancelled"), "cancelled_on": .date(today), "cancel_reason": .text("error")]
      return (ended, [])
    }
    guard let before = try await HouseholdLedger.version(version, of: register, now.id, reader),
      let after = try await HouseholdLedger.version(
        Int(line["version_after"].integer ?? 0), of: register, now.id, reader)
    else { throw Fault("ledger-version", "\(register) \(now.id) \(version)") }
    var values: [String: Value] = [:]
    var left: [String] = []
    let catalog = records.store.catalog
    for field in HouseholdLedger.kept(of: register, catalog) where before[field] != after[field] {
      if now[field] == after[field] {
        values[field] = before[field]
      } else if now[field] != before[field] {
        left.append(catalog.entity(register)?.field(field)?.label ?? field)
      }
    }
    return (values, left)
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
