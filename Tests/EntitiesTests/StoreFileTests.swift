import Access
import Core
import Entities
import Files
import Foundation
import Jobs
import SQL
import TestSupport
import Testing

@Suite struct StoreFileTests {
  static let declaration = """
    entity: notice
    label: 公告
    area: platform
    title: name
    scope: {owner: created_by}
    fields:
      - {name: name, label: 标题, type: text, max: 60, required: true}
      - {name: scan, label: 扫描件, type: file}
      - {name: photos, label: 照片, type: image, multiple: true, classification: sensitive, mask: all}
    list: {columns: [name], sort: name, search: [name]}
    form: {sections: [{label: 基本信息, fields: [name, scan, photos]}]}
    """

  static func bytes(_ text: String) -> AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      continuation.yield(Array(text.utf8))
      continuation.finish()
    }
  }

  @Test func filesBelongToTheirRecordAndAreSeenByThoseWhoSeeIt() async throws {
    let database = try await TestDatabase.make()
    _ = try await Migrator(log: .silent).run(FilesSchema.migrations, on: database)
    let folder = FileManager.default.temporaryDirectory.appending(path: "lifang-notice-\(UUID())").path(
      percentEncoded: false)
    var hooks = RecordHooks()
    let clock = ManualClock(StoreFixture.noon)
    let files = FileStore(
      folder: folder, database: database, keys: try StoreFixture.makeKeys(), clock: clock.clock)
    files.addHooks(to: &hooks)
    defer {
      files.close()
      try? FileManager.default.removeItem(atPath: folder)
    }
    let city = try await StoreFixture.make(
      [("notice.yaml", Self.declaration)], on: database, clock: clock, hooks: hooks)
    let grants: [(String, DataScope)] = [("notice.*", .own)]
    let author = StoreFixture.user(7, grants)
    let other = StoreFixture.user(8, grants)
    let own = city.store.records(as: author)
    let strange = city.store.records(as: other)

    let scan = try await files.put(Self.bytes("甲"), name: "a.txt", by: author)
    let photo = try await files.put(Self.bytes("乙"), name: "b.txt", classification: .sensitive, by: author)
    let foreign = try await files.put(Self.bytes("丙"), name: "c.txt", by: other)
    #expect(try await files.find(scan.key, for: own).key == scan.key)
    await #expect(throws: Refusal.self) { try await files.find(scan.key, for: strange) }
    let stolen = await #expect(throws: Refusal.self) {
      try await own.insert("notice", ["name": .text("一"), "scan": .text(foreign.key)])
    }
    #expect(stolen?.code == "file-not-yours")

    let made = try await own.insert(
      "notice", ["name": .text("一"), "scan": .text(scan.key), "photos": .list([photo.key])])
    #expect(try await files.find(scan.key).owner == FileOwner(entity: "notice", record: made.id, field: "scan"))
    #expect(try await files.find(scan.key, for: own).owner?.record == made.id)
    let hidden = await #expect(throws: Refusal.self) { try await files.find(scan.key, for: strange) }
    #expect(hidden?.code == "file-missing")
    let classified = await #expect(throws: Refusal.self) { try await files.find(photo.key, for: own) }
    #expect(classified?.code == "file-classified")
    await #expect(throws: Refusal.self) {
      try await own.insert("notice", ["name": .text("二"), "scan": .text(scan.key)])
    }

    try await own.update("notice", made.id, version: 1, ["scan": .null])
    var retention = FileRetention()
    retention.released = 100
    city.clock.advance(seconds: 99)
    #expect(try await files.sweep(retention).references == 0)
    try await own.update("notice", made.id, version: 2, ["scan": .text(scan.key)])
    city.clock.advance(seconds: 90_000)
    #expect(try await files.sweep(retention).references == 1)
    #expect(try await files.bytes(of: scan) == Array("甲".utf8))
    try await own.delete("notice", made.id, version: nil)
    city.clock.advance(seconds: 101)
    #expect(try await files.sweep(retention).references == 2)
  }
}
