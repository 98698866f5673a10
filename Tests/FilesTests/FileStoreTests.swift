import Access
import Core
import Crypto
import Documents
import Files
import Foundation
import Jobs
import SQL
import TestSupport
import Testing

@Suite struct FileStoreTests {
  struct Fixture: Sendable {
    let store: FileStore
    let database: Database
    let clock: ManualClock
    let folder: String

    /// Names and contents of everything on disk, by their path below the folder.
    func onDisk() throws -> [String: [UInt8]] {
      var found: [String: [UInt8]] = [:]
      let root = URL(filePath: folder)
      guard let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil) else { return [:] }
      for case let file as URL in walk where !file.hasDirectoryPath {
        found[String(file.path(percentEncoded: false).dropFirst(folder.count + 1))] = Array(try Data(contentsOf: file))
      }
      return found
    }
  }

  struct Broken: Error {}

  static let user = Principal(kind: .user, id: 7, name: "甲", unit: nil, grants: Grants([]), clearance: .open)

  static func withStore(_ body: (Fixture) async throws -> Void) async throws {
    let database = try await TestDatabase.make(
      .init("files") { _ = try await Migrator(log: .silent).run(FilesSchema.migrations, on: $0) })
    let keys = KeyRing(random: .seeded(5))
    try keys.rotate(.data, at: Instant(seconds: 0))
    try keys.rotate(.index, at: Instant(seconds: 0))
    let clock = ManualClock(WallClock.system.now())
    let folder = FileManager.default.temporaryDirectory.appending(path: "lifang-files-\(UUID())").path(
      percentEncoded: false)
    let store = FileStore(folder: folder, database: database, keys: keys, clock: clock.clock)
    defer {
      store.close()
      try? FileManager.default.removeItem(atPath: folder)
    }
    try await body(Fixture(store: store, database: database, clock: clock, folder: folder))
  }

  static func chunks(_ bytes: [UInt8], of size: Int = 70_000) -> AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      for start in stride(from: 0, to: bytes.count, by: size) {
        continuation.yield(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      continuation.finish()
    }
  }

  static func broken() -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { continuation in
      continuation.yield(text(10))
      continuation.finish(throwing: Broken())
    }
  }

  static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 23) } }

  @Test func contentIsKeptOnceUnderItsDigest() async throws {
    try await Self.withStore { files in
      let bytes = Self.text(200_000)
      let first = try await files.store.put(Self.chunks(bytes), name: "C:\\a/甲.txt", by: Self.user)
      let second = try await files.store.put(Self.chunks(bytes, of: 13), name: "乙.txt", by: Self.user)
      #expect(first.digest == Hex.encode(Digest.sm3(bytes)) && first.digest == second.digest)
      #expect(first.key != second.key && first.name == "甲.txt" && first.size == 200_000)
      #expect(first.contentType.hasPrefix("text/plain"))
      let digest = first.digest
      let place = "plain/\(digest.prefix(2))/\(digest.dropFirst(2).prefix(2))/\(digest)"
      #expect(try files.onDisk() == [place: bytes])
      #expect(try await files.store.bytes(of: try await files.store.find(second.key)) == bytes)
      #expect(files.store.path(of: first) == files.folder + "/" + place)
    }
  }

  @Test(arguments: [1, 262_143, 262_144, 262_145, 1_000_003]) func classifiedContentIsSealed(_ count: Int) async throws
  {
    try await Self.withStore { files in
      let bytes = Self.text(count)
      let file = try await files.store.put(
        Self.chunks(bytes), name: "证件.txt", classification: .secret, by: Self.user)
      #expect(file.isSealed && files.store.path(of: file) == nil)
      #expect(try await files.store.bytes(of: file) == bytes)
      let disk = try files.onDisk()
      #expect(disk.count == 1)
      #expect(disk.keys.allSatisfy { $0.hasPrefix("sealed/") && !$0.contains(file.digest) })
      #expect(disk.values.allSatisfy { $0.firstRange(of: bytes.prefix(64)) == nil || count == 1 })
      let plain = try await files.store.put(Self.chunks(bytes), name: "公开.txt", by: Self.user)
      #expect(!plain.isSealed)
      #expect(try files.onDisk().count == 2)
    }
  }

  @Test func anyPartCanBeReadAlone() async throws {
    try await Self.withStore { files in
      let bytes = Self.text(600_000)
      for classification in [Classification.inner, .secret] {
        let file = try await files.store.put(
          Self.chunks(bytes), name: "a", classification: classification, by: Self.user)
        for range in [0..<1, 5..<262_150, 262_144..<262_145, 599_990..<700_000, 300_000..<300_000] as [Range<Int64>] {
          var read: [UInt8] = []
          try await files.store.read(file, range: range) { read += $0 }
          let whole = Int(range.lowerBound)..<min(Int(range.upperBound), 600_000)
          #expect(read == Array(bytes[whole]), "\(range)")
        }
      }
    }
  }

  @Test func aPathIsGivenForAWhileOnly() async throws {
    try await Self.withStore { (files: Fixture) async throws -> Void in
      for classification in [Classification.inner, .secret] {
        let file = try await files.store.put(
          Self.chunks(Self.text(300_000)), name: "a", classification: classification, by: Self.user)
        let before = try files.onDisk().count
        let read = try await files.store.withPath(of: file) { path in
          Array(try Data(contentsOf: URL(filePath: path)))
        }
        #expect(read == Self.text(300_000))
        #expect(try files.onDisk().count == before)
      }
    }
  }

  @Test func anAlteredOrSwappedFrameDoesNotOpen() async throws {
    try await Self.withStore { files in
      let file = try await files.store.put(
        Self.chunks(Self.text(600_000)), name: "a", classification: .secret, by: Self.user)
      let path = try files.folder + "/" + #require(files.onDisk().keys.first)
      let good = Array(try Data(contentsOf: URL(filePath: path)))
      let frame = (good.count - 32) / 3 / 2
      var altered = good
      altered[frame] ^= 1
      var shorter = good
      shorter[31] = shorter[31] &- 1
      let size = 262_144 + 53
      let swapped =
        good[..<32] + good[(32 + size)..<(32 + 2 * size)] + good[32..<(32 + size)] + good[(32 + 2 * size)...]
      for bad in [altered, shorter, Array(swapped), Array(good[..<(32 + size)])] {
        try Data(bad).write(to: URL(filePath: path))
        await #expect(throws: (any Error).self) { try await files.store.bytes(of: file) }
      }
      try Data(good).write(to: URL(filePath: path))
      #expect(try await files.store.bytes(of: file).count == 600_000)
    }
  }

  @Test func whatIsRefusedLeavesNothingBehind() async throws {
    try await Self.withStore { (files: Fixture) async throws -> Void in
      var small = FilePolicy.documents
      small.maximumSize = 1000
      let cases: [(String, [UInt8], FilePolicy)] = [
        ("file-too-large", Self.text(1001), small), ("file-empty", [], .documents),
        ("file-kind", [0, 1, 2, 3, 0xFF, 0xFE, 0x7F, 0x45], .documents), ("file-kind", Self.text(100), .images),
      ]
      for (code, bytes, policy) in cases {
        let refusal = await #expect(throws: Refusal.self) {
          try await files.store.put(Self.chunks(bytes), name: "a.png", policy: policy, by: Self.user)
        }
        #expect(refusal?.code == code)
      }
      await #expect(throws: Broken.self) { try await files.store.put(Self.broken(), name: "a", by: Self.user) }
      #expect(try files.onDisk().isEmpty)
      #expect(try await files.database.query("select from file_reference").isEmpty)
    }
  }

  @Test func theSpooledFileOfAnUploadIsTakenOver() async throws {
    try await Self.withStore { files in
      let upload = FileManager.default.temporaryDirectory.appending(path: "upload-\(UUID())")
      defer { try? FileManager.default.removeItem(at: upload) }
      try Data(Self.text(5000)).write(to: upload)
      let file = try await files.store.put(path: upload.path(percentEncoded: false), name: "a.txt", by: Self.user)
      #expect(file.size == 5000)
      var small = FilePolicy.documents
      small.maximumSize = 4999
      await #expect(throws: Refusal.self) {
        try await files.store.put(path: upload.path(percentEncoded: false), name: "a", policy: small, by: Self.user)
      }
    }
  }

  @Test func theSweepClearsDraftsAndStraysAndKeepsWhatIsUsed() async throws {
    try await Self.withStore { files in
      let used = try await files.store.put(Self.chunks(Self.text(10)), name: "used", by: Self.user)
      _ = try await files.store.put(Self.chunks(Self.text(10)), name: "the same, forgotten", by: Self.user)
      let forgotten = try await files.store.put(
        Self.chunks(Self.text(20)), name: "forgotten", classification: .secret, by: Self.user)
      try await files.database.execute(
        "update file_reference set attached_at = now(), entity = 'x', record_id = 1 where key = \(used.key)")
      let stray = files.folder + "/plain/zz/zz"
      try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
      try Data([1]).write(to: URL(filePath: stray + "/stray"))
      try Data([1]).write(to: URL(filePath: files.folder + "/spool/left"))
      #expect(try await files.store.sweep() == FileSweepReport())
      files.clock.advance(seconds: 86_500)
      let report = try await files.store.sweep()
      #expect(report.references == 2 && report.contents == 1 && report.bytes == 20 && report.strays == 2)
      #expect(try files.onDisk().count == 1)
      #expect(try await files.store.bytes(of: used) == Self.text(10))
      await #expect(throws: Refusal.self) { try await files.store.find(forgotten.key) }
      let again = try await files.store.put(
        Self.chunks(Self.text(20)), name: "again", classification: .secret, by: Self.user)
      #expect(try await files.store.bytes(of: again) == Self.text(20))
    }
  }

  @Test func storingAndSweepingTheSameContentNeverLosesIt() async throws {
    try await Self.withStore { files in
      var none = FileRetention()
      none.drafts = -10
      for round in 0..<10 {
        let bytes = Self.text(100 + round % 2)
        async let sweeping = files.store.sweep(none)
        async let storing = files.store.put(Self.chunks(bytes), name: "a", by: Self.user)
        let file = try await storing
        _ = try await sweeping
        // The sweep may have taken the reference, which is what it was told; a reference that is left has its content.
        if (try? await files.store.find(file.key)) != nil {
          #expect(try await files.store.bytes(of: file) == bytes)
        }
      }
    }
  }

  @Test func theSweepRunsAsAJob() async throws {
    try await Self.withStore { files in
      _ = try await Migrator(log: .silent).run(JobsSchema.migrations, on: files.database)
      var kinds = JobKinds()
      files.store.register(in: &kinds)
      let queue = JobQueue(database: files.database, kinds: kinds, clock: files.clock.clock)
      _ = try await files.store.put(Self.chunks(Self.text(10)), name: "a", by: Self.user)
      files.clock.advance(seconds: 90_000)
      let id = try await queue.add(FileSweepJob(), label: "清理文件", by: .system)
      let runner = JobRunner(queue: queue, configuration: .init(worker: "w", log: .silent))
      #expect(try await runner.runNext())
      #expect(try await queue.get(id).result?["contents"] == 1)
    }
  }
}
