package import Access
package import Core
import Entities
package import Jobs
package import Messaging
import SQL

/// Reports that are made by themselves when their period is over (报表计划), and who is told of them (C-616).
package struct ReportPlans: Sendable {
  static let register = "report_plan"
  static let recipient = "report_recipient"

  let office: ReportOffice
  let messages: MessageCenter
  let principal: @Sendable (Int64) async throws -> Principal

  /// - Parameter principal: of a user, with the rights they have now.
  package init(
    office: ReportOffice, messages: MessageCenter, principal: @escaping @Sendable (Int64) async throws -> Principal
  ) {
    self.office = office
    self.messages = messages
    self.principal = principal
  }

  /// Makes what is due: of each plan the last period that is over, once.
  ///
  /// A plan that cannot be carried out says why and holds no other up.
  /// - Returns: how many reports were made.
  @discardableResult
  package func run(log: Log) async throws -> Int {
    let store = office.store
    let system = store.records(as: .system, purpose: "按计划出具报表")
    let page = try await system.list(
      ListQuery(ReportPlans.register, filters: [ListFilter("active", .equals(.boolean(true)))], limit: 500))
    var made = 0
    for row in page.records {
      let plan = try await system.get(ReportPlans.register, row.id)
      guard let period = plan["period"].text.flatMap({ StatisticsRole.Period(rawValue: $0) }) else { continue }
      let span = ReportSpan.latest(period, before: store.clock.today())
      if let last = plan["last_until"].date, last >= span.until { continue }
      do {
        if try await make(plan, span, system) { made += 1 }
      } catch let refusal as Refusal {
        if plan["failure"].text != refusal.message {
          try await system.update(
            ReportPlans.register, plan.id, version: nil,
            ["failure": .text(String(refusal.message.prefix(300)))], input: .code)
        }
      } catch { log.fault(error, "report-plan-failed", ["plan": .int(plan.id)]) }
    }
    return made
  }

  /// As whoever made the plan, with what they may see now: nobody gets more by a plan than they could count themselves.
  ///
  /// Report, messages and the note of how far the plan has come are one transaction, under a lock on the plan: none of them
  /// stands without the others, however often and from wherever this runs.
  /// - Returns: false when another run was faster.
  private func make(_ plan: Record, _ span: ReportSpan, _ system: Records) async throws -> Bool {
    let owner = try await principal(plan["owner_id"].integer ?? plan.createdBy)
    guard let id = plan["report_id"].integer else { return false }
    let entry = try await system.get(ReportOffice.register, id)
    let counted = try await office.counted(entry, span, by: owner)
    let recipients = try await system.list(
      ListQuery(
        ReportPlans.recipient, filters: [ListFilter("report_plan_id", .equals(.integer(plan.id)))],
        columns: ["user_id"], limit: 500)
    ).records.compactMap { $0["user_id"].integer }
    return try await office.store.database.transaction { transaction in
      let due = try await transaction.query(
        """
        select 1 from report_plan
        where id = \(plan.id) and active and (last_until is null or last_until < \(span.until)) for update
        """)
      if due.isEmpty { return false }
      let issued = try await office.keep(counted, plan: plan.id, in: transaction)
      let attachments = [issued["file"].text, issued["workbook"].text].compactMap(\.self)
      try await messages.send(
        "report_ready", to: Set(recipients).sorted().map { .user($0) },
        [
          "report": entry["label"].text ?? "", "span": span.text, "number": issued["number"].text ?? "",
          "unit": owner.unit?.name ?? "",
        ], link: "\(issued.id)", key: "report-plan \(plan.id) \(span.until)", attachments: attachments, in: transaction)
      try await system.within(transaction).update(
        ReportPlans.register, plan.id, version: nil,
        [
          "last_until": .date(span.until), "last_issued_id": .integer(issued.id), "failure": .null,
        ], input: .code)
      return true
    }
  }
}

/// The morning's run over the plans of reports.
package struct ReportPlanJob: JobPayload {
  package static let kind = "report-plans"

  package init() {}
  package init(json: JSON) throws {}
  package var json: JSON { .object([]) }

  package static func register(in kinds: inout JobKinds, plans: ReportPlans, log: Log) {
    kinds.register(ReportPlanJob.self) { _, _ in ["made": .int(Int64(try await plans.run(log: log)))] }
  }

  package static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, ReportPlanJob(), label: "按计划出具报表", .daily(hour: 6, minute: 30))
  }
}
