package import Access
package import Core
package import Entities
import SQL

/// 标准地址双向纠错: a department's system says that an address it uses is wrong, and hears what came of it (A-035).
///
/// A report is an entry of the list of defects; there it is checked and corrected like all others. What the address is now
/// is read from the register, whose changes every subscriber sees by `updated_at`.
package struct AddressReports: Sendable {
  package struct Report: Sendable {
    /// The code of the address, or how they write it.
    package let code: String?
    package let text: String?
    package let kind: String
    /// What is wrong, in their words.
    package let problem: String
    package let proposed: String?
    /// Their own number; a second report of it is the first one.
    package let reference: String?

    package init(
      code: String?, text: String?, kind: String, problem: String, proposed: String?, reference: String?
    ) {
      self.code = code
      self.text = text
      self.kind = kind
      self.problem = problem
      self.proposed = proposed
      self.reference = reference
    }
  }

  /// How a report stands, as its sender may know it.
  package struct Answer: Sendable {
    package let id: Int64
    package let state: String
    package let answer: String?
    package let settledAt: Instant?
    package let reference: String?
    /// The address it is about as it is now; `nil` until somebody knows which.
    package let code: String?
    package let fullName: String?
    package let status: String?

    package var json: JSON {
      [
        "id": .int(id), "state": .string(state), "answer": answer.map { .string($0) } ?? .null,
        "settledAt": settledAt.map { .string($0.iso8601) } ?? .null,
        "reference": reference.map { .string($0) } ?? .null,
        "address": fullName.map {
          [
            "code": code.map { .string($0) } ?? .null, "fullName": .string($0),
            "status": status.map { .string($0) } ?? .null,
          ]
        } ?? .null,
      ]
    }
  }

  package static let permission = Permission("address_quality", "report")
  /// Open reports that one sender may have; more of them nobody would read.
  private static let mostOpen: Int64 = 5000

  let store: RecordStore
  let directory: AddressDirectory

  package init(store: RecordStore, directory: AddressDirectory) {
    self.store = store
    self.directory = directory
  }

  /// Enters a report. Sent again with the same reference it is the same report.
  ///
  /// - Throws: ``Refusal`` `report-address` when neither code nor text is given or the code was never given,
  ///   `report-kind`, `report-too-many`.
  package func take(_ report: Report, by principal: Principal) async throws -> (id: Int64, isNew: Bool) {
    try principal.require(AddressReports.permission, toDo: "上报地址错误")
    guard let kinds = store.catalog.dictionary("address_error"), kinds.label(of: report.kind) != nil else {
      throw Refusal(
        .unprocessable, "report-kind",
        "kind 应为：\((store.catalog.dictionary("address_error")?.codes ?? []).map { "\($0.code)（\($0.label)）" }.joined(separator: "、"))。",
        field: "kind")
    }
    let key = report.reference.map { "report:\(principal.actor):\($0)" }
    let address = try await address(of: report)
    return try await store.transaction(as: .system) { records in
      guard let transaction = records.transaction else { throw Fault("report-without-transaction") }
      try await transaction.execute("select pg_advisory_xact_lock(hashtext(\("address-report \(principal.actor)")))")
      if let key, let known = try await transaction.query("select id from address_defect where key = \(key)").first {
        return (try known.get("id"), false)
      }
      let open: Int64 =
        try await transaction.query(
          """
          select count(*) as n from address_defect where source = 'report' and state = 'open'
            and created_by = 0 and starts_with(key, \("report:\(principal.actor):"))
          """
        ).first?.get("n") ?? 0
      guard open < AddressReports.mostOpen else {
        throw Refusal(.tooMany, "report-too-many", "待核实的上报已有 \(open) 条，这一条没有收下。请等核实一部分后再报。")
      }
      var values: [String: Value] = [
        "kind": .text(report.kind), "source": .text("report"), "evidence": .text(report.problem),
        "reporter": .text(String(principal.name.prefix(100))),
        "subject": .text(String((report.text ?? report.code ?? "").prefix(200))),
      ]
      values["reported_text"] = report.text.map { .text($0) }
      values["proposed"] = report.proposed.map { .text($0) }
      values["reference"] = report.reference.map { .text($0) }
      if let address,
        let row = try await transaction.query(
          "select full_name, division_code, police_station_id from address where id = \(address)"
        ).first
      {
        values["address_id"] = .integer(address)
        values["subject"] = .text(try row.get("full_name"))
        values["division_code"] = .text(try row.get("division_code"))
        values["police_station_id"] = (try row.get("police_station_id", as: Int64?.self)).map { .integer($0) }
      }
      // Without a number of theirs the report's own makes it their own.
      let number: Int64 =
        try await transaction.query("select nextval('address_report_number') as n").first?.get("n") ?? 0
      values["key"] = .text(key ?? "report:\(principal.actor):#\(number)")
      return (try await records.insert(AddressDefect.entity, values, input: .code).id, true)
    }
  }

  /// - Throws: ``Refusal`` `report-unknown`, also for another sender's.
  package func answer(_ id: Int64, to principal: Principal) async throws -> Answer {
    try principal.require(AddressReports.permission, toDo: "查看上报的答复")
    let row = try await store.database.query(
      """
      select d.id, d.state, d.reason, d.settled_at, d.reference, a.code, a.full_name, a.status
      from address_defect d left join address g on g.id = d.address_id
        left join address a on a.id = coalesce(g.merged_into_id, g.id)
      where d.id = \(id) and d.source = 'report' and starts_with(d.key, \("report:\(principal.actor):"))
      """
    ).first
    guard let row else {
      throw Refusal(.notFound, "report-unknown", "没有编号为 \(id) 的上报，或它不是您上报的。")
    }
    return Answer(
      id: try row.get("id"), state: try row.get("state"), answer: try row.get("reason"),
      settledAt: try row.get("settled_at"), reference: try row.get("reference"), code: try row.get("code"),
      fullName: try row.get("full_name"), status: try row.get("status"))
  }

  /// The address that a report means, as far as that is certain.
  private func address(of report: Report) async throws -> Int64? {
    if let code = report.code {
      let row = try await store.database.query("select id from address where code = \(code)").first
      guard let row else {
        throw Refusal(
          .unprocessable, "report-address", "没有编码为“\(code.prefix(32))”的地址；请核对编码，或用 text 写明地址。", field: "code")
      }
      return try row.get("id")
    }
    guard let text = report.text else {
      throw Refusal(.unprocessable, "report-address", "请用 code 给出地址编码，或用 text 写明地址。", field: "code")
    }
    let match = try await directory.matcher().match(text)
    return match.outcome == .accepted ? match.candidates.first?.id : nil
  }
}
