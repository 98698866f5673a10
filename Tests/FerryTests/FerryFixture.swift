import Access
import Core
import Crypto
import Ferry
import Files
import Foundation
import SQL
import Synchronization
import TestSupport

/// One side of the ferry with a database, a file store and keys of its own.
struct FerryEnd: Sendable {
  let database: Database
  let files: FileStore
  let post: FerryPost
  let parts: FerryParts
  let dock: FerryDock
  let settings: Shared<FerrySettings>

  /// Names the receiver "note" has entered, in the order it did.
  func notes() async throws -> [String] {
    try await database.query("select text from note order by id").map { try $0.get("text") }
  }

  func send(_ text: String, subject: String = "", kind: String = "note") async throws {
    let message = FerryMessage(kind: kind, subject: subject, payload: ["text": .string(text)])
    try await database.transaction { try await post.send(message, in: $0) }
  }
}

/// A value that tests change while others read it.
final class Shared<Value: Sendable>: Sendable {
  private let box: Mutex<Value>

  init(_ value: Value) { box = Mutex(value) }

  var value: Value {
    get { box.withLock { $0 } }
    set { box.withLock { $0 = newValue } }
  }
}

/// Two ends and the device between them.
struct FerryFixture: Sendable {
  let outside: FerryEnd
  let inside: FerryEnd
  let folder: String
  let time: ManualClock
  /// What the receiver "note" of the inside does with the next messages before it enters them.
  let trouble: Shared<[any Error]>

  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  struct Crash: Error {}

  private static let schema = TestDatabase.Preparation("ferry") { database in
    let migrations = (FilesSchema.migrations + FerrySchema.migrations).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(migrations, on: database)
    try await database.execute(
      "create table note (id bigint generated always as identity primary key, text text not null)")
  }

  init() async throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "lifang-ferry-\(UUID())").path(
      percentEncoded: false)
    for name in ["outside.out", "outside.in", "inside.out", "inside.in"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    time = ManualClock(FerryFixture.start)
    trouble = Shared([])
    let first = FerryKeyFolder(path: folder + "/keys.outside")
    let second = FerryKeyFolder(path: folder + "/keys.inside")
    _ = try second.install(peer: try first.make(.seeded(1)).pem())
    _ = try first.install(peer: try second.make(.seeded(2)).pem())
    outside = try await FerryFixture.end(.outside, folder, first, time.clock, trouble)
    inside = try await FerryFixture.end(.inside, folder, second, time.clock, trouble)
  }

  static func end(
    _ side: FerrySide, _ folder: String, _ keyFolder: FerryKeyFolder, _ clock: WallClock,
    _ trouble: Shared<[any Error]>
  ) async throws -> FerryEnd {
    let database = try await TestDatabase.make(schema)
    let ring = KeyRing(random: .seeded(side == .outside ? 11 : 12))
    for purpose in [KeyPurpose.data, .index] { try ring.rotate(purpose, at: start) }
    let files = FileStore(
      folder: "\(folder)/files.\(side.rawValue)", database: database, keys: ring, clock: clock, threads: 1)
    var settings = FerrySettings(
      side: side, outgoing: "\(folder)/\(side.rawValue).out", incoming: "\(folder)/\(side.rawValue).in")
    settings.chunkSize = 1000
    let held = Shared(settings)
    let post = FerryPost(keys: ring, files: files, clock: clock) { held.value }
    let parts = FerryParts(keys: ring, files: files, clock: clock)
    let note: @Sendable (FerryMessage, Transaction) async throws -> Void = { message, transaction in
      if side == .inside, !trouble.value.isEmpty {
        var left = trouble.value
        let next = left.removeFirst()
        trouble.value = left
        throw next
      }
      try await transaction.execute("insert into note (text) values (\(message.payload["text"]?.string ?? ""))")
    }
    let shape = FerryShape.members([("text", .text(max: 20))])
    let receivers = [FerrySide.outside, .inside].filter { $0 != side }.flatMap { other in
      [FerryReceiver("note", "便条", from: other, shape, apply: note), parts.receiver(from: other)]
    }
    return FerryEnd(
      database: database, files: files, post: post, parts: parts,
      dock: FerryDock(
        database: database, post: post, keyFolder: keyFolder, receivers: receivers, clock: clock,
        random: .seeded(side == .outside ? 21 : 22)),
      settings: held)
  }

  // MARK: The device

  func names(_ place: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(place)").filter { $0.hasSuffix(".xml") }.sorted()
  }

  func bytes(_ place: String, _ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(place)/\(name)")))
  }

  func put(_ bytes: [UInt8], _ place: String, _ name: String) throws {
    try Data(bytes).write(to: URL(filePath: "\(folder)/\(place)/\(name)"))
  }

  func drop(_ place: String, _ name: String) throws {
    try FileManager.default.removeItem(atPath: "\(folder)/\(place)/\(name)")
  }

  /// Carries everything both ways.
  func carry() throws {
    for (from, to) in [("outside", "inside"), ("inside", "outside")] {
      for name in try names("\(from).out") {
        try put(try bytes("\(from).out", name), "\(to).in", name)
        try drop("\(from).out", name)
      }
    }
  }

  /// Carries both ways and does every harm that a device or a stranger can do, by chance.
  func carryBadly(_ random: inout SeededRandom) throws {
    for (from, to) in [("outside", "inside"), ("inside", "outside")] {
      var kept = try names("\(from).out")
      kept.shuffle(using: &random)
      for name in kept {
        var content = try bytes("\(from).out", name)
        let chance = Int.random(in: 0..<10, using: &random)
        if chance == 0 { continue }
        if chance != 1 { try drop("\(from).out", name) }
        if chance == 2 { continue }
        if chance == 3 { content = Array(content.prefix(Int.random(in: 0..<content.count, using: &random))) }
        if chance == 4 {
          let at = Int.random(in: 0..<content.count, using: &random)
          content[at] = content[at] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        }
        let target = chance == 5 ? "again-\(name)" : name
        try put(content, "\(to).in", target)
        if chance == 6 { try put(content, "\(to).in", "twice-\(name)") }
      }
    }
  }

  /// One round of both ends over a device that works.
  func round() async throws {
    try await outside.dock.pass()
    try carry()
    try await inside.dock.pass()
    try carry()
    try await outside.dock.pass()
  }

  func close() {
    outside.files.close()
    inside.files.close()
    try? FileManager.default.removeItem(atPath: folder)
  }
}
