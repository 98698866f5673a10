import Access
import Audit
import Core
import Foundation
import SQL

/// What is done on the server itself, told to the audit: which user of the system typed it, when, and how it ended (系统管理审计,
/// D2-576).
enum OperatorAudit {
  /// Who works on the server: the user of the operating system, and behind `sudo` whoever called it.
  static let operatorName: String = {
    let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid \(getuid())"
    let caller = ProcessInfo.processInfo.environment["SUDO_USER"] ?? ""
    return caller.isEmpty || caller == user ? user : "\(user)（sudo：\(caller.prefix(32))）"
  }()

  private static var principal: Principal {
    Principal(
      kind: .system, id: 0, name: "系统用户 \(operatorName)", unit: nil, grants: Grants([]), clearance: .open)
  }

  /// One entry, by the owner's pool: the application's may not be there yet.
  static func note(
    _ action: String, _ outcome: AuditEntry.Outcome = .done, _ details: [(key: String, value: JSON)] = [],
    in deployment: Deployment
  ) async throws {
    try await Audit(clock: deployment.clock).append(
      entry(action, outcome, details), in: deployment.owner)
  }

  private static func entry(
    _ action: String, _ outcome: AuditEntry.Outcome, _ details: [(key: String, value: JSON)]
  ) -> AuditEntry {
    let place: [(key: String, value: JSON)] = [
      ("user", .string(operatorName)), ("host", .string(ProcessInfo.processInfo.hostName)),
      ("process", .int(Int64(getpid()))),
    ]
    return AuditEntry(principal, action, outcome: outcome, details: .object(details + place))
  }

  /// Does something and notes how it ended; what it throws goes on.
  static func around<T>(
    _ action: String, _ details: [(key: String, value: JSON)] = [], in deployment: Deployment,
    _ body: () async throws -> (T, [(key: String, value: JSON)])
  ) async throws -> T {
    do {
      let (result, more) = try await body()
      try await note(action, .done, details + more, in: deployment)
      return result
    } catch {
      let outcome: AuditEntry.Outcome = error is Refusal ? .refused : .failed
      let why = (error as? Refusal)?.code ?? (error as? Fault)?.code ?? "error"
      try? await note(action, outcome, details + [("reason", .string(why))], in: deployment)
      throw error
    }
  }

  /// An entry of a command that opens no deployment. A database without an audit yet, or that does not answer, has nowhere
  /// to keep it; that stops nobody.
  static func noteApart(
    _ action: String, _ outcome: AuditEntry.Outcome = .done, _ details: [(key: String, value: JSON)] = [],
    conninfo: String
  ) async {
    let database = Database(conninfo: conninfo, log: .silent)
    do {
      let rows = try await database.query("select to_regclass('public.audit_pending') is not null")
      if try rows.first?.get(0, as: Bool.self) == true {
        try await Audit().append(entry(action, outcome, details), in: database)
      }
    } catch {
      CommandLineTool.complain("审计里没有记下这次操作：\(error)")
    }
    await database.close()
  }
}
