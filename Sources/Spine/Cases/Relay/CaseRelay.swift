package import Access
package import Audit
package import Core
import Crypto
import Entities
import SQL

/// An application that another platform hands in for somebody (对接平台代递), as that platform knows it.
package struct CaseRelay: Sendable, Hashable {
  package let key: Principal
  /// The platform's own number of the request: a second one of the same number is the same request (幂等键).
  package let request: String
  /// Of what was sent, so that another content under the same number is told from a repetition.
  package let digest: [UInt8]
  package let origin: Origin

  /// - Parameter content: everything that was sent.
  package init(_ request: String, content: JSON, by key: Principal, origin: Origin) {
    self.key = key
    self.request = request
    self.origin = origin
    digest = Digest.sm3(Array(content.text.utf8))
  }
}

/// A case that a platform may ask about: one it handed in itself.
package struct RelayedCase: Sendable, Hashable {
  package let id: Int64
  package let number: String
  package let user: Int64
  package let level: Assurance

  package init(id: Int64, number: String, user: Int64, level: Assurance) {
    (self.id, self.number, self.user, self.level) = (id, number, user, level)
  }
}

extension CaseStore {
  /// The case that a request has become already; `nil` for a new one.
  ///
  /// - Throws: ``Refusal`` `request-reused` when something else was sent under the same number.
  package func relayed(_ relay: CaseRelay) async throws -> RelayedCase? {
    let row = try await store.database.first(
      """
      select case_id, number, user_id, level, digest from case_relay
      where key_id = \(relay.key.id) and request = \(relay.request)
      """)
    guard let row else { return nil }
    guard try row.get("digest", as: [UInt8].self) == relay.digest else {
      throw Refusal(
        .conflict, "request-reused", "同一个幂等键以前提交过另一份申请，这一份没有受理。重试请原样再发；新的申请请换一个幂等键。", field: "Idempotency-Key")
    }
    return try CaseStore.relayed(row)
  }

  /// A case by its number, for the key that handed it in.
  ///
  /// - Throws: ``Refusal`` `case-missing` alike for one that does not exist and one of somebody else.
  package func relayed(number: String, by key: Principal) async throws -> RelayedCase {
    let row = try await store.database.first(
      "select case_id, number, user_id, level from case_relay where key_id = \(key.id) and number = \(number)")
    guard let row else {
      throw Refusal(.notFound, "case-missing", "没有找到这件办件：编号不对，或不是用这个密钥提交的。请核对受理编号。")
    }
    return try CaseStore.relayed(row)
  }

  private static func relayed(_ row: Row) throws -> RelayedCase {
    RelayedCase(
      id: try row.get("case_id"), number: try row.get("number"), user: try row.get("user_id"),
      level: Assurance(rawValue: try row.get("level")) ?? .password)
  }

  /// Keeps which platform handed a case in, in the transaction that begins it.
  ///
  /// - Throws: ``Refusal`` `request-running` when the same request came at the same moment.
  func note(
    _ relay: CaseRelay, of id: Int64, _ number: String, for applicant: Principal, in transaction: Transaction
  ) async throws {
    let kept = try await transaction.execute(
      """
      insert into case_relay (case_id, number, key_id, request, digest, user_id, level, handed_in_at)
      values (\(id), \(number), \(relay.key.id), \(relay.request), \(relay.digest), \(applicant.id),
        \(applicant.assurance.rawValue), \(store.clock.now()))
      on conflict (key_id, request) do nothing
      """)
    guard kept == 1 else {
      throw Refusal(.conflict, "request-running", "同一个幂等键的申请正在处理，没有重复受理。请稍后原样重试。", field: "Idempotency-Key")
    }
    try await store.audit.append(
      AuditEntry(
        relay.key, "case.relay", entity: ServiceCase.entity, record: id, origin: relay.origin,
        details: ["applicant": .int(applicant.id)]), in: transaction)
  }
}
