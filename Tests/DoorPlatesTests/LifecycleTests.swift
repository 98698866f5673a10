import Core
import Crypto
import Documents
import DoorPlates
import Foundation
import Testing

/// Which state of a plate may follow which, and what the maker's side checks (A-060…A-067).
@Suite struct LifecycleTests {
  @Test func everyStateIsReachedAndOnlyThreeAreFinal() {
    var reached: Set<DoorPlate.State> = [.pending]
    while true {
      let next = reached.union(reached.flatMap(\.next))
      if next == reached { break }
      reached = next
    }
    #expect(reached == Set(DoorPlate.State.allCases))
    #expect(Set(DoorPlate.State.allCases.filter(\.next.isEmpty)) == [.refused, .withdrawn, .scrapped])
    #expect(!DoorPlate.State.pending.next.contains(.made), "nothing is made without a review")
    #expect(!DoorPlate.State.installed.next.contains(.scrapped), "nothing is scrapped without a review")
  }

  private func package(_ change: (inout [String: [UInt8]]) throws -> Void = { _ in }, signedBy key: SM2PrivateKey)
    throws
    -> String
  {
    let content = Array("<svg/>".utf8)
    let manifest = PlateManifest(
      batch: "PB2026000001", maker: "达州标牌厂", packedAt: "2026-11-22T00:00:00+08:00", plates: 1,
      files: [.init(name: "svg/MP1.svg", bytes: content.count, digest: Hex.encode(Digest.sm3(content)))])
    let text = Array(manifest.json.text.utf8)
    var parts = [
      "svg/MP1.svg": content, PlateManifest.name: text, PlateManifest.signatureName: try key.sign(text).der,
    ]
    try change(&parts)
    let path = NSTemporaryDirectory() + "package-\(UUID().uuidString).zip"
    let archive = try ZipWriter(path: path)
    for (name, bytes) in parts.sorted(by: { $0.key < $1.key }) { try archive.add(name, bytes) }
    try archive.finish()
    return path
  }

  @Test func theMakerSeesWhatWasChangedLostOrPutIn() throws {
    let key = try SM2PrivateKey.generate(.seeded(3))
    func problems(_ change: (inout [String: [UInt8]]) throws -> Void) throws -> [String] {
      let path = try package(change, signedBy: key)
      defer { try? FileManager.default.removeItem(atPath: path) }
      return try PlateManifest.verify(path: path, key: key.publicKey).problems
    }
    #expect(try problems { _ in } == [])
    #expect(try problems { $0["svg/MP1.svg"] = Array("<svg />".utf8) } == ["文件被改动：svg/MP1.svg"])
    #expect(try problems { $0["svg/MP1.svg"] = nil } == ["缺少文件 svg/MP1.svg"])
    #expect(try problems { $0["svg/MP2.svg"] = [1] } == ["多出文件 svg/MP2.svg"])
    let altered: (inout [String: [UInt8]]) throws -> Void = { parts in
      parts[PlateManifest.name] = (parts[PlateManifest.name] ?? []) + [0x20]
    }
    #expect(#expect(throws: Refusal.self) { try problems(altered) }?.code == "manifest-forged")
    let other = try SM2PrivateKey.generate(.seeded(4))
    let path = try package(signedBy: other)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(
      #expect(throws: Refusal.self) { try PlateManifest.verify(path: path, key: key.publicKey) }?.code
        == "manifest-forged")
  }
}
