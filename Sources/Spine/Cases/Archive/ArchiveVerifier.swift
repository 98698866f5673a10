import Access
import Core
import Crypto
package import Entities
package import Files
package import SQL

/// Proves that archives stand as they were filed (档案查验): each file's content, the catalogue, the form and the history
/// against the digest, and the digest against the one in the audit chain.
package struct ArchiveVerifier: Sendable {
  /// Something that is not as it was filed.
  package struct Finding: Sendable, Hashable {
    package let number: String
    package let what: String

    package var description: String { "\(number)：\(what)" }
  }

  /// What was read again, and what was found.
  package struct Report: Sendable {
    package var archives = 0
    package var files = 0
    package var findings: [Finding] = []
  }

  let store: RecordStore
  let files: FileStore
  let audit: Database

  /// - Parameter audit: where the audit may be read.
  package init(store: RecordStore, files: FileStore, audit: Database) {
    self.store = store
    self.files = files
    self.audit = audit
  }

  /// Checks all archives, or the one with this number.
  ///
  /// - Throws: ``Refusal`` `archive-missing` when there is none with the number.
  package func verify(number: String? = nil) async throws -> Report {
    var report = Report()
    var last: Int64 = 0
    while true {
      let batch = try await batch(after: last, number)
      if batch.isEmpty {
        if report.archives == 0, let number {
          throw Refusal(.notFound, "archive-missing", "没有档号“\(number)”。请核对后再查。")
        }
        return report
      }
      for one in batch {
        try await check(one, &report)
        last = one.id
      }
    }
  }

  private struct Filed: Sendable {
    let id: Int64
    let number: String
    let caseNumber: String
    let caseID: Int64
    let digest: String?
    let parts: ArchiveDigest.Parts?
  }

  private func batch(after last: Int64, _ number: String?) async throws -> [Filed] {
    let wanted: SQL = number.map { "and number = \($0)" } ?? ""
    return try await store.database.transaction { transaction in
      try await transaction.pipeline([
        Archive.openScope,
        """
        select id, number, case_number, service_case_id, digest, parts from archive
        where id > \(last) and digest is not null \(wanted) order by id limit 200
        """,
      ])[1].map { row in
        Filed(
          id: try row.get("id"), number: try row.get("number"), caseNumber: try row.get("case_number"),
          caseID: try row.get("service_case_id"), digest: try row.get("digest"),
          parts: ArchiveDigest.Parts(try row.get("parts", as: JSON?.self)))
      }
    }
  }

  private func check(_ filed: Filed, _ report: inout Report) async throws {
    report.archives += 1
    func found(_ what: String) { report.findings.append(Finding(number: filed.number, what: what)) }
    guard let parts = filed.parts, let digest = filed.digest else { return found("没有摘要组成") }
    let now = try await store.database.transaction { transaction in
      try await ArchiveDigest.parts(
        of: filed.id, case: filed.caseID, upTo: parts.lastEvent,
        store.records(as: .system, purpose: "档案查验").within(transaction), in: transaction)
    }
    let seals: [String?] = try await audit.query(
      """
      select details::json->>'digest' as digest from audit_entry
      where entity = 'archive' and record_id = \(filed.id) and action = 'archive.file' order by id
      """
    ).map { try $0.get("digest") }
    let sealed = seals.last ?? nil
    let entries = try await entries(of: filed.id)
    if now.items != parts.items { found("卷内目录被改动") }
    if now.form != parts.form { found("申请内容被改动") }
    if now.events != parts.events { found("办理过程被改动") }
    if parts.digest(number: filed.number, caseNumber: filed.caseNumber) != digest { found("档案摘要被改动") }
    if let sealed, sealed != digest { found("档案摘要与审计日志里的不一致") }
    if sealed == nil { found("审计日志里没有归档记录") }
    for problem in try await ArchiveVersion.problems(
      of: filed.id, number: filed.number, caseNumber: filed.caseNumber, caseID: filed.caseID, digest: digest,
      seals: Set(seals.compactMap(\.self)), in: store)
    { found(problem) }
    for item in entries {
      for file in item.files {
        report.files += 1
        if let problem = await problem(of: file) { found("\(item.label)的文件\(problem)") }
      }
    }
  }

  private func entries(of archive: Int64) async throws -> [(label: String, files: [JSON])] {
    try await store.database.transaction { transaction in
      try await transaction.pipeline([
        Archive.openScope,
        """
        select position, label, coalesce(entries::jsonb, '[]') as entries from archive_item
        where archive_id = \(archive) order by position, id
        """,
      ])[1].map {
        (
          label: "第 \(try $0.get("position", as: Int64?.self) ?? 0) 件“\(try $0.get("label", as: String.self))”",
          files: try $0.get("entries", as: JSON.self).array ?? []
        )
      }
    }
  }

  /// What is wrong with the content of a file; `nil` when it is what was filed.
  private func problem(of entry: JSON) async -> String? {
    guard let key = entry["key"]?.string, let wanted = entry["digest"]?.string else { return "没有摘要" }
    do {
      let file = try await files.find(key)
      let digest = Digest(.sm3)
      try await files.read(file) { digest.update($0) }
      return Hex.encode(digest.finish()) == wanted ? nil : "内容被改动"
    } catch {
      return "读不出来"
    }
  }
}
