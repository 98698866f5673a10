package import Core
package import Crypto
package import Files
package import SQL

/// Puts messages for the other side into the outbox (摆渡投递), in the transaction of the change they tell of.
package struct FerryPost: Sendable {
  let keys: KeyRing
  let files: FileStore
  let clock: WallClock
  private let settings: @Sendable () -> FerrySettings?

  /// - Parameter settings: `nil` when this deployment takes no part.
  package init(
    keys: KeyRing, files: FileStore, clock: WallClock = .system, settings: @escaping @Sendable () -> FerrySettings?
  ) {
    self.keys = keys
    self.files = files
    self.clock = clock
    self.settings = settings
  }

  package var current: FerrySettings? { settings() }
  package var side: FerrySide? { settings()?.side }

  /// Tells runners that something waits.
  static let readyChannel = "lifang_ferry_ready"
  /// The kind of a part of a file.
  package static let partKind = "file.part"

  /// Puts a message into the outbox.
  package func send(_ message: FerryMessage, in transaction: Transaction) async throws {
    try await put(message.kind, message.subject, ["payload": message.payload], in: transaction)
    transaction.notify(FerryPost.readyChannel)
  }

  /// Sends the content of a stored file in parts, before the message that names its digest.
  package func send(_ file: StoredFile, subject: String, in transaction: Transaction) async throws {
    let size = Int64(settings()?.chunkSize ?? 256 << 10)
    let count = max((file.size + size - 1) / size, 1)
    for index in 0..<count {
      let payload: JSON = [
        "digest": .string(file.digest), "part": .int(index), "count": .int(count), "size": .int(file.size),
      ]
      let source: JSON = [
        "key": .string(file.key), "from": .int(index * size), "to": .int(min((index + 1) * size, file.size)),
      ]
      try await put(FerryPost.partKind, subject, ["payload": payload, "source": source], in: transaction)
    }
  }

  private func put(_ kind: String, _ subject: String, _ content: JSON, in transaction: Transaction) async throws {
    let sealed = try keys.seal(Array(content.text.utf8), associated: FerryPost.domain)
    try await transaction.execute(
      """
      insert into ferry_outbox (kind, subject, content, created_at)
      values (\(kind), \(subject), \(sealed), \(clock.now()))
      """)
  }

  static let domain = "ferry_outbox.content"

  /// What an entry of the outbox carries, with the bytes of the file it is a part of.
  func message(_ kind: String, _ subject: String, _ sealed: [UInt8]) async throws -> FerryMessage {
    let content = try JSON(parsing: try keys.open(sealed, associated: FerryPost.domain))
    var body: [UInt8] = []
    if let source = content["source"], let key = source["key"]?.string, let from = source["from"]?.int,
      let to = source["to"]?.int, from < to
    {
      do {
        try await files.read(try await files.find(key), range: from..<to) { body += $0 }
      } catch let refusal as Refusal where refusal.code == "file-missing" {
        // The other side holds a part without content; the stream goes on.
        body = []
      }
    }
    return FerryMessage(kind: kind, subject: subject, payload: content["payload"] ?? .null, body: body)
  }
}
