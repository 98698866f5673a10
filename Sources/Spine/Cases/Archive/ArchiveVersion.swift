import Access
import Core
import Entities
import SQL

/// What an archive was sealed as at one time (档案版本, C-528): its digest, and a chain that joins it to the version before.
///
/// Lines of the catalogue are only ever added, so a version is the first lines of today's, and can be proved for ever.
struct ArchiveVersion: Sendable {
  let reason: String
  let itemCount: Int64
  let fileCount: Int64
  let digest: String
  let parts: ArchiveDigest.Parts

  /// The newest version of an archive; `nil` for one that has none.
  static func last(of archive: Int64, in transaction: Transaction) async throws -> (number: Int64, chain: String)? {
    let row = try await transaction.pipeline([
      Archive.openScope,
      "select number, chain from archive_version where archive_id = \(archive) order by number desc limit 1",
    ])[1].first
    return try row.map { (try $0.get("number"), try $0.get("chain")) }
  }

  /// The chain after a version.
  static func chain(_ number: String, _ version: Int64, after previous: String, _ digest: String) -> String {
    ArchiveDigest.hash("lifang-archive-version-1\n\(number)\n\(version)\n\(previous)\n\(digest)\n")
  }

  /// Enters it as the next version.
  ///
  /// - Parameters:
  ///   - number: of the archive (档号).
  ///   - place: holds the division and unit of the archive.
  func add(
    to archive: Int64, number: String, place: [String: Value], by principal: Principal, _ records: Records,
    in transaction: Transaction
  ) async throws {
    let last = try await ArchiveVersion.last(of: archive, in: transaction)
    let version = (last?.number ?? 0) + 1
    let values: [String: Value] = [
      "archive_id": .integer(archive), "number": .integer(version), "reason": .text(String(reason.prefix(400))),
      "sealed_by": principal.kind == .user ? .integer(principal.id) : .null,
      "sealed_at": .instant(records.store.clock.now()), "item_count": .integer(itemCount),
      "file_count": .integer(fileCount), "digest": .text(digest),
      "chain": .text(ArchiveVersion.chain(number, version, after: last?.chain ?? "", digest)),
      "parts": .json(parts.json), "division_code": place["division_code"] ?? .null,
      "unit_id": place["unit_id"] ?? .null,
    ]
    try await records.insert(Archive.version, values.filter { !$0.value.isNull }, input: .code)
  }

  /// What is not as it was sealed, in any version.
  ///
  /// - Parameters:
  ///   - digest: the one that the archive has now.
  ///   - seals: the digests that the audit chain keeps of it.
  static func problems(
    of archive: Int64, number: String, caseNumber: String, caseID: Int64, digest: String, seals: Set<String>,
    in store: RecordStore
  ) async throws -> [String] {
    try await store.database.transaction { transaction in
      let rows = try await transaction.pipeline([
        Archive.openScope,
        "select number, item_count, digest, chain, parts from archive_version where archive_id = \(archive) order by number",
      ])[1]
      var problems: [String] = []
      var chain = ""
      var last = digest
      for (index, row) in rows.enumerated() {
        let version: Int64 = try row.get("number")
        last = try row.get("digest")
        guard let parts = ArchiveDigest.Parts(try row.get("parts", as: JSON?.self)) else {
          problems.append("第 \(version) 版没有摘要组成")
          continue
        }
        chain = ArchiveVersion.chain(number, version, after: chain, last)
        if version != Int64(index + 1) { problems.append("第 \(index + 1) 版缺失") }
        if try row.get("chain", as: String.self) != chain { problems.append("第 \(version) 版与前一版接不上") }
        if parts.digest(number: number, caseNumber: caseNumber) != last { problems.append("第 \(version) 版的摘要被改动") }
        if !seals.contains(last) { problems.append("审计日志里没有第 \(version) 版的归档记录") }
        // The newest is what the archive is now, and checked as such.
        guard index < rows.count - 1 else { continue }
        let records = store.records(as: .system, purpose: "档案查验").within(transaction)
        let then = try await ArchiveDigest.parts(
          of: archive, case: caseID, upTo: parts.lastEvent, first: try row.get("item_count"), records, in: transaction)
        if then.items != parts.items { problems.append("第 \(version) 版的卷内目录被改动") }
      }
      if !rows.isEmpty, last != digest { problems.append("档案摘要与最后一版的不一致") }
      return problems
    }
  }
}
