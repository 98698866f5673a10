package import Access
package import Core
package import Crypto
package import Files
package import SQL

/// Files that came in parts (分片文件).
package struct FerryParts: Sendable {
  let keys: KeyRing
  let files: FileStore
  let clock: WallClock

  package init(keys: KeyRing, files: FileStore, clock: WallClock = .system) {
    self.keys = keys
    self.files = files
    self.clock = clock
  }

  private static let domain = "ferry_part.content"
  private static let largest: Int64 = 200 << 20

  /// Keeps parts until they are asked for.
  package func receiver(from side: FerrySide) -> FerryReceiver {
    FerryReceiver(
      FerryPost.partKind, "材料文件", from: side,
      .members([
        ("digest", .digest), ("part", .integer(0...100_000)), ("count", .integer(1...100_000)),
        ("size", .integer(1...FerryParts.largest)),
      ])
    ) { message, transaction in
      guard let digest = message.payload["digest"]?.string, let part = message.payload["part"]?.int,
        let count = message.payload["count"]?.int, part < count, !message.body.isEmpty
      else { throw Refusal(.invalid, "ferry-part", "材料文件的分片不完整。请让对侧重新发送这件业务。") }
      let sealed = try keys.seal(message.body, associated: FerryParts.domain)
      try await transaction.execute(
        """
        insert into ferry_part (digest, part, content, received_at)
        values (\(digest), \(part), \(sealed), \(clock.now())) on conflict (digest, part) do nothing
        """)
    }
  }

  /// Puts the parts of a file together and stores it; what is no document, picture or film is refused.
  ///
  /// - Throws: ``Refusal`` `ferry-file` when parts are missing or the whole has another digest, `file-kind`.
  package func assemble(
    _ digest: String, name: String, classification: Classification, policy: FilePolicy, by principal: Principal,
    in transaction: Transaction
  ) async throws -> StoredFile {
    let rows = try await transaction.query(
      "select part, content from ferry_part where digest = \(digest) order by part")
    var bytes: [UInt8] = []
    for (index, row) in rows.enumerated() {
      guard try row.get("part", as: Int64.self) == Int64(index) else { break }
      bytes += try keys.open(try row.get("content"), associated: FerryParts.domain)
    }
    guard Hex.encode(Digest.sm3(bytes)) == digest else {
      throw Refusal(.unprocessable, "ferry-file", "材料“\(name)”的文件不完整或摘要不符，没有采用。请让对侧重新发送。")
    }
    let whole = bytes
    let chunks = AsyncStream<[UInt8]> { continuation in
      continuation.yield(whole)
      continuation.finish()
    }
    return try await files.put(chunks, name: name, classification: classification, policy: policy, by: principal)
  }

  /// Forgets the parts of files that are stored now.
  package func drop(_ digests: [String], in transaction: Transaction) async throws {
    guard !digests.isEmpty else { return }
    try await transaction.execute("delete from ferry_part where digest = any(\(digests))")
  }
}
