package import Access
package import Core

/// Where a request came from, as the audit and the log-in register keep it.
package struct Origin: Sendable, Hashable {
  /// IP address as text; `nil` for jobs and the command line.
  package let remoteAddress: String?
  /// The request number that answers and log lines carry.
  package let requestID: String?
  /// The browser or device as it names itself, cut to 200 characters.
  package let userAgent: String?

  package init(remoteAddress: String? = nil, requestID: String? = nil, userAgent: String? = nil) {
    self.remoteAddress = remoteAddress
    self.requestID = requestID
    self.userAgent = userAgent.map { String($0.prefix(200)) }
  }

  /// Not a request: a job, a migration, the command line.
  package static let inside = Origin()
}

/// Something that somebody did or was refused (审计记录).
///
/// `details` names the fields that changed, counts and codes; a personal value never stands there in clear.
package struct AuditEntry: Sendable {
  package enum Outcome: String, Sendable, Hashable, CaseIterable {
    /// 成功.
    case done
    /// 被拒绝: the rules said no.
    case refused
    /// 失败: it broke.
    case failed

    package var label: String {
      switch self {
      case .done: "成功"
      case .refused: "被拒绝"
      case .failed: "失败"
      }
    }
  }

  package var principal: Principal
  /// A permission's name, `address.update`, or what has none: `session.sign-in`.
  package var action: String
  /// The kind of thing acted on, by entity name; empty when there is none.
  package var entity: String
  package var record: Int64?
  /// Why personal data was looked at (查看事由).
  package var purpose: String?
  package var outcome: Outcome
  package var origin: Origin
  package var details: JSON

  package init(
    _ principal: Principal, _ action: String, entity: String = "", record: Int64? = nil, purpose: String? = nil,
    outcome: Outcome = .done, origin: Origin = .inside, details: JSON = .object([])
  ) {
    self.principal = principal
    self.action = action
    self.entity = entity
    self.record = record
    self.purpose = purpose
    self.outcome = outcome
    self.origin = origin
    self.details = details
  }
}
