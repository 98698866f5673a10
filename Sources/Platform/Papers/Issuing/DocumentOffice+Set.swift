import Access
import Audit
package import Core
import Crypto
import Entities
import Files
package import Jobs
package import SQL

/// Setting what was issued (制证): the number, the entry and the values commit with whatever made a document due; its file is
/// set, signed and stored right behind, from these values. Whoever asks for it before has it set there and then.
extension DocumentOffice {
  static let readyChannel = "lifang_paper"
  static let contentDomain = "issued_document.content"

  /// Keeps what a document is to be set from, in the transaction that issues it.
  func keep(_ content: DocumentContent, for id: Int64, in transaction: Transaction) async throws {
    let sealed = try store.keys.seal(Array(content.kept.text.utf8), associated: DocumentOffice.contentDomain)
    try await transaction.execute(
      "insert into document_setting (document_id, content, run_at) values (\(id), \(sealed), \(store.clock.now()))")
    transaction.notify(DocumentOffice.readyChannel)
  }

  /// Sets a document unless that was done; waits for whoever is doing it.
  func settle(_ id: Int64) async throws {
    try await store.database.transaction { try await settle(id, in: $0) }
  }

  /// The same within the transaction that issues it: for what is filed at once, such as a notice of refusal.
  package func settle(_ id: Int64, in transaction: Transaction) async throws {
    let row = try await transaction.query(
      "select content from document_setting where document_id = \(id) for update"
    ).first
    if let row { try await set(id, try row.get("content"), in: transaction) }
  }

  /// Sets the next document that waits.
  ///
  /// A document that cannot be set is tried again after longer and longer pauses and does not hold up others.
  package func work(log: Log) async throws -> WorkLook {
    let taken = try await store.database.transaction { transaction -> (id: Int64, failure: (any Error)?)? in
      let row = try await transaction.query(
        """
        select document_id, content from document_setting where run_at <= \(store.clock.now())
        order by run_at, document_id limit 1 for update skip locked
        """
      ).first
      guard let row else { return nil }
      let id: Int64 = try row.get("document_id")
      let content: [UInt8] = try row.get("content")
      do {
        try await transaction.savepoint { try await set(id, content, in: $0) }
        return (id, nil)
      } catch {
        guard !(error is CancellationError), SQLFailure.within(error) == nil else { throw error }
        try await transaction.execute(
          """
          update document_setting set tries = tries + 1,
            run_at = \(store.clock.now()) + least(3600, 10 * 2 ^ least(tries, 10)) * interval '1 second'
          where document_id = \(id)
          """)
        return (id, error)
      }
    }
    guard let taken else { return .nothing }
    if let failure = taken.failure { log.fault(failure, "document-setting", ["document": .int(taken.id)]) }
    return .more
  }

  /// Sets what becomes due until the task is cancelled.
  package func run(log: Log) async {
    let loop = WorkLoop("document", concurrency: 1, poll: .seconds(5), log: log)
    await loop.run(on: store.database, channel: DocumentOffice.readyChannel) { _ in
    } next: {
      try await self.work(log: log)
    }
  }

  /// The file, its digest and signature, entered once.
  private func set(_ id: Int64, _ sealed: [UInt8], in transaction: Transaction) async throws {
    guard let signer = keys.current else { throw Fault("document-unsigned") }
    let ledger = ledger(.system, .inside).within(transaction).plain
    let entry = try await ledger.get(IssuedDocument.entity, id, reveal: true)
    let template = try template(entry[IssuedDocument.template] ?? "")
    let kept = try store.keys.open(sealed, associated: DocumentOffice.contentDomain)
    let content = try DocumentContent(kept: try JSON(parsing: kept))
    let label = entry[IssuedDocument.label] ?? ""
    let number = entry[IssuedDocument.number] ?? ""
    let title = "\(label) \(number)"
    let time = entry["issued_at"].instant ?? entry.createdAt
    let bytes = try pdf(
      template, content, title: title, author: entry["unit_name"].text ?? "", at: time, code: entry[IssuedDocument.code]
    )
    var sealing: [String: Value] = [
      "file": .text(try await keep(bytes, "\(label)\(number).pdf", in: transaction)),
      "digest": .text(Hex.encode(Digest.sm3(bytes))),
      "signature": .text(Hex.encode(try signer.key.sign(bytes).der)), "key_id": .integer(signer.id),
      // The template in force when it was set, should that have changed in between.
      "version_digest": .text(template.version),
    ]
    if template.hasFixedPlaces {
      let values = try pdf(template, content, title: title, author: "", at: time, code: nil, valuesOnly: true)
      sealing["overlay"] = .text(try await keep(values, "\(label)\(number)套打.pdf", in: transaction))
    }
    try await ledger.update(IssuedDocument.entity, id, version: nil, sealing, input: .code)
    try await transaction.execute("delete from document_setting where document_id = \(id)")
  }

  private func keep(_ bytes: [UInt8], _ name: String, in transaction: Transaction) async throws -> String {
    try await files.put(bytes: bytes, name: name, classification: .secret, by: .system, in: transaction).key
  }
}
