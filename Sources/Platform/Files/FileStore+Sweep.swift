package import Access
package import Core
package import Jobs
import SQL

/// What a sweep has cleared.
package struct FileSweepReport: Sendable, Hashable {
  package var references = 0
  package var contents = 0
  package var bytes: Int64 = 0
  /// Files on disk that no entry knew: left by a crash.
  package var strays = 0

  package init() {}
}

/// How long files are kept that nothing needs.
package struct FileRetention: Sendable, Hashable {
  /// Seconds an upload may wait for its form to be saved.
  package var drafts: Int64 = 24 * 3600
  /// Seconds a file stays after its record dropped it; older versions of the record still show it.
  package var released: Int64 = 10 * 365 * 86400
  /// Seconds before anything unknown on disk counts as left behind.
  package var strays: Int64 = 24 * 3600

  package init() {}
}

/// The job that clears files.
package struct FileSweepJob: JobPayload {
  package static let kind = "file-sweep"
  package init() {}
  package init(json: JSON) throws {}
  package var json: JSON { .object([]) }
}

extension FileStore {
  /// Lets `kinds` run ``FileSweepJob``.
  ///
  /// - Parameter retention: asked at each run.
  package func register(
    in kinds: inout JobKinds, retention: @escaping @Sendable () -> FileRetention = { FileRetention() }
  ) {
    kinds.register(FileSweepJob.self) { _, _ in
      let report = try await sweep(retention())
      return [
        "references": .int(Int64(report.references)), "contents": .int(Int64(report.contents)),
        "bytes": .int(report.bytes), "strays": .int(Int64(report.strays)),
      ]
    }
  }

  /// Says of uploads that are not attached yet that they are still needed, as a draft does each time it is kept.
  package func renew(_ keys: [String], by principal: Principal) async throws {
    guard !keys.isEmpty else { return }
    try await database.execute(
      """
      update file_reference set created_at = \(clock.now())
      where key = any(\(keys)) and attached_at is null and created_by = \(principal.actor)
      """)
  }

  /// Gives uploads that are not attached yet to whom they were sent for.
  ///
  /// - Throws: ``Refusal`` `file-missing` when one is not theirs who give it, nor his already.
  package func hand(_ keys: [String], from principal: Principal, to other: Principal) async throws {
    let unique = Set(keys).sorted()
    guard !unique.isEmpty else { return }
    let handed = try await database.execute(
      """
      update file_reference set created_by = \(other.actor)
      where key = any(\(unique)) and attached_at is null and created_by in (\(principal.actor), \(other.actor))
      """)
    guard handed == unique.count else {
      throw Refusal(
        .unprocessable, "file-missing", "材料里有的文件编号不对、不是用这个密钥上传的，或已经用过。请先上传，再用返回的编号。", field: "materials")
    }
  }

  /// Deletes references that are no longer kept, contents without references, and what crashes left on disk.
  package func sweep(_ retention: FileRetention = FileRetention()) async throws -> FileSweepReport {
    var report = FileSweepReport()
    let now = clock.now()
    report.references = try await database.execute(
      """
      delete from file_reference
      where (attached_at is null and created_at < \(now + -retention.drafts))
        or released_at < \(now + -retention.released)
      """)
    let unused = try await database.query(
      """
      select location, size from file_object o
      where not exists (select from file_reference r where r.object_id = o.id)
      """)
    for row in unused {
      let location: String = try row.get("location")
      if try await remove(location) {
        report.contents += 1
        report.bytes += try row.get("size", as: Int64.self)
      }
    }
    report.strays = try await sweepStrays(before: now + -retention.strays)
    return report
  }

  /// Deletes one content if it still has no reference; the file goes inside the transaction, so that nobody who stores
  /// the same content meanwhile finds a file that is about to vanish.
  private func remove(_ location: String) async throws -> Bool {
    try await database.transaction { transaction in
      try await FileStore.lock(location, in: transaction)
      let deleted = try await transaction.execute(
        """
        delete from file_object o where location = \(location)
          and not exists (select from file_reference r where r.object_id = o.id)
        """)
      if deleted == 1 { Disk.remove(folder + "/" + location) }
      return deleted == 1
    }
  }

  private func sweepStrays(before limit: Instant) async throws -> Int {
    var strays = 0
    for entry in Disk.list(folder + "/spool") where !entry.isFolder && entry.changed < limit {
      Disk.remove(folder + "/spool/" + entry.name)
      strays += 1
    }
    for root in ["plain", "sealed"] {
      for first in Disk.list(folder + "/" + root) where first.isFolder {
        for second in Disk.list(folder + "/" + root + "/" + first.name) where second.isFolder {
          strays += try await sweepStrays(in: "\(root)/\(first.name)/\(second.name)", before: limit)
        }
      }
    }
    return strays
  }

  private func sweepStrays(in part: String, before limit: Instant) async throws -> Int {
    let old = Disk.list(folder + "/" + part).filter { !$0.isFolder && $0.changed < limit }.map { part + "/" + $0.name }
    guard !old.isEmpty else { return 0 }
    let known = Set(
      try await database.query("select location from file_object where location = any(\(old))").values(
        as: String.self))
    var strays = 0
    for location in old where !known.contains(location) {
      strays += try await database.transaction { transaction in
        try await FileStore.lock(location, in: transaction)
        let found = try await transaction.query("select from file_object where location = \(location)")
        guard found.isEmpty else { return 0 }
        Disk.remove(folder + "/" + location)
        return 1
      }
    }
    return strays
  }
}
