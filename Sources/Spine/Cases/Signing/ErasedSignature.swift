package import Access
package import Audit
import Core
package import Crypto
import Entities
import Papers
package import SQL

/// What stays of a signature when the outside has erased its case (已清除的签名; C-207): code, statement, seal and key, which name
/// nobody, so that somebody with the signed sheet still learns that it is genuine.
package struct ErasedSignature: Sendable {
  package let statement: SignatureStatement
  package let seal: [UInt8]
  package let key: SM2PublicKey?
  /// Whether a key of this installation sealed it.
  package let isGenuine: Bool

  package static let migration = Migration(
    id: "0175-erased-signatures",
    sql: """
      create table erased_signature (
        code text collate "C" primary key,
        statement text not null,
        seal text not null,
        seal_key text not null,
        erased_at timestamptz not null
      );
      comment on table erased_signature is '已清除办件的签名陈述，不含个人信息';
      """)
}

extension CaseStore {
  /// What a code proves of an erased case; `nil` for one of which nothing is known. Every question about one is audited.
  package func erasedSignature(_ code: String, by principal: Principal, origin: Origin) async throws
    -> ErasedSignature?
  {
    guard let code = CaseStore.signatureCode(code) else { return nil }
    return try await store.database.transaction { transaction -> ErasedSignature? in
      let row = try await transaction.query(
        "select statement, seal, seal_key from erased_signature where code = \(code)"
      ).first
      guard let row, let statement = SignatureStatement(text: try row.get("statement")) else { return nil }
      let seal = Hex.decode(try row.get("seal", as: String.self)) ?? []
      let key = Hex.decode(try row.get("seal_key", as: String.self)).flatMap { try? SM2PublicKey(point: $0) }
      let isOurs = key.map { key in office.keys.trusted.values.contains { $0.point == key.point } } ?? false
      try await store.audit.append(
        AuditEntry(principal, "\(ServiceCase.signature).verify", entity: ServiceCase.signature, origin: origin),
        in: transaction)
      return ErasedSignature(
        statement: statement, seal: seal, key: key,
        isGenuine: isOurs && statement["code"] == code && key.map { statement.isSealed(seal, by: $0) } == true)
    }
  }

  /// Notes what stays of the signatures of a case that is about to be erased.
  func keepStatements(of id: Int64, in transaction: Transaction) async throws {
    for kept in try await KeptSignature.of(case: id, store.keys, in: transaction) {
      try await transaction.execute(
        """
        insert into erased_signature (code, statement, seal, seal_key, erased_at)
        values (\(kept.code), \(kept.statement.text), \(Hex.encode(kept.seal)),
          \(Hex.encode(kept.key?.point ?? [])), \(store.clock.now()))
        on conflict (code) do nothing
        """)
    }
  }
}
