package import Core
package import Jobs

/// The morning's look whether an audit report is due (审计报告, C-616).
package struct AuditReportJob: JobPayload {
  package static let kind = "audit-reports"

  package init() {}
  package init(json: JSON) throws {}
  package var json: JSON { .object([]) }

  package static func register(in kinds: inout JobKinds, office: AuditOffice) {
    kinds.register(AuditReportJob.self) { _, _ in ["made": .bool(try await office.issueDue())] }
  }

  package static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, AuditReportJob(), label: "按周期出具审计报告", .daily(hour: 6, minute: 40))
  }
}
