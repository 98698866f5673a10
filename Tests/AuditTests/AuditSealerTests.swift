import Audit
import Core
import Crypto
import Foundation
import SQL
import Synchronization
import Testing

@Suite struct AuditSealerTests {
  @Test func anEntryFallsWithTheTransactionItWasWrittenIn() async throws {
    struct Undo: Error {}
    let fixture = try await AuditFixture()
    await #expect(throws: Undo.self) {
      try await fixture.database.transaction { transaction in
        try await fixture.audit.append(fixture.entry("address.update", record: 1), in: transaction)
        throw Undo()
      }
    }
    try await fixture.audit.append(fixture.entry("address.update", record: 2), in: fixture.database)
    #expect(try await fixture.sealer().seal() == 1)
    let report = try await fixture.verifier().verify()
    #expect(report.isIntact && report.checked == 1, "the gap in the ids is no gap in the chain")
  }

  @Test func aLongTransactionDelaysNobodyAndIsSealedWhenItCommits() async throws {
    let fixture = try await AuditFixture()
    try await fixture.database.transaction { slow in
      try await fixture.audit.append(fixture.entry("address.import", record: 1), in: slow)
      for record in 2...5 {
        try await fixture.audit.append(fixture.entry("address.update", record: Int64(record)), in: fixture.database)
      }
      #expect(try await fixture.sealer().seal() == 4)
    }
    #expect(try await fixture.sealer().seal() == 1)
    let order = try await fixture.database.query(
      "select e.record_id from audit_link l join audit_entry e on e.id = l.entry_id order by l.sequence"
    ).values(as: Int64.self)
    #expect(order == [2, 3, 4, 5, 1])
    #expect(try await fixture.verifier().verify().isIntact)
  }

  @Test func writersAndSealersAtOnceMakeOneChainWithoutGaps() async throws {
    let fixture = try await AuditFixture()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for number in 0..<15 {
            let entries = (0...number % 3).map { _ in fixture.entry("address.update", record: Int64(writer)) }
            try await fixture.audit.append(entries, in: fixture.database)
          }
        }
      }
      for _ in 0..<3 {
        group.addTask { for _ in 0..<10 { try await fixture.sealer(signEvery: 20, batch: 5).seal() } }
      }
      try await group.waitForAll()
    }
    try await fixture.sealer().seal()
    let report = try await fixture.verifier(batch: 11).verify()
    #expect(report.isIntact, "\(report)")
    #expect(report.checked == 8 * 30)
    #expect(report.pending == 0)
  }

  @Test func headsAreSignedByCountAndByTime() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(3)
    try await fixture.fill(3)
    #expect(try await heads(fixture) == [3])
    try await fixture.audit.append(fixture.entry("address.view"), in: fixture.database)
    try await fixture.sealer(signEvery: 4).seal()
    #expect(try await heads(fixture) == [3, 7])
    fixture.time.advance(seconds: 301)
    try await fixture.fill(1)
    #expect(try await heads(fixture) == [3, 7, 8])
    let newKey = try fixture.ring.rotate(.audit, at: fixture.time.clock.now())
    try await fixture.fill(1)
    try await fixture.sealer().signNow()
    let last: Int64 = try await fixture.database.value("select key_id from audit_head order by sequence desc limit 1")
    #expect(last == Int64(newKey))
    #expect(try await fixture.verifier().verify().isIntact, "heads of the old key stay valid")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "the openssl command is absent"))
  func stockOpenSSLAgreesWithAnExport() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(4)
    let text = try await export(fixture)
    let lines = text.split(separator: "\n").map(String.init)
    let entries = lines.filter { !$0.hasPrefix("#") }
    #expect(entries.count == 4)
    for line in entries {
      let cut = try #require(line.lastIndex(of: "\t"))
      let digest = try run("/usr/bin/openssl", ["dgst", "-sm3", "-r"], input: Data(line[..<cut].utf8))
      #expect(digest.hasPrefix(String(line[line.index(after: cut)...])))
    }
    let head = try #require(lines.first { $0.hasPrefix("#head") }).split(separator: "\t").map(String.init)
    let folder = "/tmp/lifang-audit-\(RandomSource.system.token(bytes: 8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let key = try #require(fixture.keys.trusted.values.first)
    try Data(key.pem().utf8).write(to: URL(fileURLWithPath: folder + "/key.pem"))
    try Data(try #require(Hex.decode(head[5]))).write(to: URL(fileURLWithPath: folder + "/head.sig"))
    let signed = (["lifang-audit-head-1"] + head[1...4]).joined(separator: "\t")
    let answer = try run(
      "/usr/bin/openssl",
      [
        "dgst", "-sm3", "-verify", folder + "/key.pem", "-sigopt", "distid:1234567812345678", "-signature",
        folder + "/head.sig",
      ], input: Data(signed.utf8))
    #expect(answer.hasPrefix("Verified OK"))
  }

  @Test func anExportIsCheckedWithoutTheDatabase() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(6)
    let lines = try await export(fixture).split(separator: "\n").map { Array($0.utf8) }
    #expect(check(lines, fixture).isIntact)
    #expect(check(lines, fixture).signedUpTo == 6)
    for (index, line) in lines.enumerated() where !line.starts(with: "#".utf8) {
      var altered = lines
      altered[index][line.count - 70] ^= 1
      #expect(!check(altered, fixture).isIntact)
      altered = lines
      altered.remove(at: index)
      #expect(!check(altered, fixture).isIntact)
    }
    var swapped = lines
    swapped.swapAt(3, 4)
    #expect(!check(swapped, fixture).isIntact)
    #expect(check([Array("里坊".utf8)], fixture).finding == .unreadable(line: 1))
  }

  private func heads(_ fixture: AuditFixture) async throws -> [Int64] {
    try await fixture.database.query("select sequence from audit_head order by 1").values()
  }

  private func export(_ fixture: AuditFixture) async throws -> String {
    let collected = Mutex<[UInt8]>([])
    let count = try await AuditExport(database: fixture.database, keys: fixture.keys, batch: 3).write { bytes in
      collected.withLock { $0 += bytes }
    }
    #expect(count > 0)
    return String(decoding: collected.withLock { $0 }, as: UTF8.self)
  }

  private func check(_ lines: [[UInt8]], _ fixture: AuditFixture) -> AuditReport {
    var check = AuditExportCheck(trusted: fixture.keys.trusted)
    for line in lines where !check.take(line) { break }
    return check.report
  }
}

private func run(_ program: String, _ arguments: [String], input: Data) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let (output, source) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardInput = source
  try process.run()
  source.fileHandleForWriting.write(input)
  try source.fileHandleForWriting.close()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self)
}
