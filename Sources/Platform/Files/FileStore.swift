package import Access
package import Core
package import Crypto
import Documents
package import SQL

/// Files under the data folder, each content once, named by its SM3 digest (内容寻址).
///
/// A file is written beside the others, flushed, and only then moved to its place and entered in the database; what a
/// crash leaves behind is cleared by ``sweep(_:)``. Content classified sensitive or higher is encrypted on disk.
package struct FileStore: Sendable {
  package let folder: String
  package let database: Database
  package let keys: KeyRing
  package let clock: WallClock
  private let random: RandomSource
  let disks: [ThreadExecutor]

  /// - Parameter threads: how many files can wait for the disk at the same time.
  package init(
    folder: String, database: Database, keys: KeyRing, clock: WallClock = .system, threads: Int = 2,
    random: RandomSource = .system
  ) {
    self.folder = folder
    self.database = database
    self.keys = keys
    self.clock = clock
    self.random = random
    disks = (0..<max(threads, 1)).map { ThreadExecutor(name: "files-\($0)") }
  }

  /// Ends the threads; the store cannot be used afterwards.
  package func close() { for disk in disks { disk.stop() } }

  // MARK: Storing

  /// Keeps what `bytes` delivers.
  ///
  /// - Parameters:
  ///   - name: as the person called it; folders in it are dropped.
  ///   - classification: of the field it belongs to; from sensitive on the content is encrypted.
  /// - Throws: ``Refusal`` `file-too-large`, `file-kind`, `file-empty`; nothing is kept then.
  package func put<Bytes: AsyncSequence>(
    _ bytes: Bytes, name: String, classification: Classification = .inner, policy: FilePolicy = .documents,
    by principal: Principal
  ) async throws -> StoredFile where Bytes.Element == [UInt8] {
    try await keep(name, classification, policy, principal) { file in
      var size: Int64 = 0
      for try await chunk in bytes {
        size += Int64(chunk.count)
        if size > policy.maximumSize { throw FileStore.tooLarge(policy) }
        try await file.append(chunk)
      }
    }
  }

  /// Keeps a copy of a file on disk, such as an upload that was spooled.
  package func put(
    path: String, name: String, classification: Classification = .inner, policy: FilePolicy = .documents,
    by principal: Principal
  ) async throws -> StoredFile {
    try await keep(name, classification, policy, principal) { file in
      guard try await file.append(contentsOf: path, limit: policy.maximumSize) else {
        throw FileStore.tooLarge(policy)
      }
    }
  }

  /// Keeps bytes that the caller has made, together with what else `transaction` changes: when it is rolled back, nothing
  /// refers to the content and ``sweep(_:)`` clears it.
  package func put(
    bytes: [UInt8], name: String, classification: Classification = .inner, policy: FilePolicy = .documents,
    by principal: Principal, in transaction: Transaction
  ) async throws -> StoredFile {
    try await keep(name, classification, policy, principal, in: transaction) { file in
      if Int64(bytes.count) > policy.maximumSize { throw FileStore.tooLarge(policy) }
      try await file.append(bytes)
    }
  }

  private func keep(
    _ name: String, _ classification: Classification, _ policy: FilePolicy, _ principal: Principal,
    in outer: Transaction? = nil, _ write: (DiskFile) async throws -> Void
  ) async throws -> StoredFile {
    let spool = folder + "/spool"
    try Disk.makeFolder(spool)
    let plain = DiskFile(path: spool + "/" + random.token(bytes: 16), on: disk())
    let sealed = plain.path + ".sealed"
    defer {
      Disk.remove(plain.path)
      Disk.remove(sealed)
    }
    try await plain.create()
    try await write(plain)
    let size = await plain.size
    guard size > 0 else { throw Refusal(.invalid, "file-empty", "文件“\(name)”是空的，没有保存。请检查后重新选择。") }
    let digest = Hex.encode(try await plain.finish())
    let kind = try FileKind.sniff(.file(plain.path))
    guard policy.accepts(kind) else {
      throw Refusal(
        .unsupported, "file-kind", "文件“\(name)”的内容不是可接受的类型，没有保存。请上传\(policy.description)。")
    }
    let isSealed = classification >= .sensitive
    let location = try self.location(digest, isSealed)
    if isSealed, !Disk.exists(folder + "/" + location) { try await plain.seal(as: sealed, with: keys) }
    let key = random.token(bytes: 18)
    let final = folder + "/" + location
    let now = clock.now()
    let enter: @Sendable (Transaction) async throws -> StoredFile = { transaction in
      try await FileStore.lock(location, in: transaction)
      if !Disk.exists(final) {
        if isSealed, !Disk.exists(sealed) { try await plain.seal(as: sealed, with: keys) }
        try Disk.place(isSealed ? sealed : plain.path, at: final)
      }
      try await transaction.execute(
        """
        insert into file_object (digest, sealed, size, content_type, location, created_at)
        values (\(digest), \(isSealed), \(size), \(kind.mediaType), \(location), \(now))
        on conflict (digest, sealed) do nothing
        """)
      try await transaction.execute(
        """
        insert into file_reference (key, object_id, name, classification, created_at, created_by)
        select \(key), id, \(FileStore.bareName(name)), \(classification.rawValue), \(now), \(principal.actor)
        from file_object where digest = \(digest) and sealed = \(isSealed)
        """)
      return try await find(key, in: transaction)
    }
    if let outer { return try await enter(outer) }
    return try await database.transaction { transaction in try await enter(transaction) }
  }

  /// `ab/cd/abcd…`; an encrypted file is named by a keyed fingerprint, which tells nobody what it is.
  private func location(_ digest: String, _ isSealed: Bool) throws -> String {
    guard isSealed else { return "plain/\(digest.prefix(2))/\(digest.dropFirst(2).prefix(2))/\(digest)" }
    guard let print = try keys.blindIndex("file.content", .text).fingerprint(digest) else {
      throw Fault("file-fingerprint")
    }
    let name = Hex.encode(print)
    return "sealed/\(name.prefix(2))/\(name.dropFirst(2).prefix(2))/\(name)"
  }

  /// Storing and sweeping one content exclude each other until their transaction ends.
  static func lock(_ location: String, in transaction: Transaction) async throws {
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended(\(location), 0))")
  }

  // MARK: Reading

  /// - Throws: ``Refusal`` `file-missing`.
  package func find(_ key: String) async throws -> StoredFile { try await find(key, in: database) }

  func find(_ key: String, in session: any SQLSession) async throws -> StoredFile {
    let query: SQL = """
      select \(StoredFile.columns) from file_reference r join file_object o on o.id = r.object_id where r.key = \(key)
      """
    guard let row = try await session.query(query).first else {
      throw Refusal(.notFound, "file-missing", "没有找到这个文件，可能已被清理。请重新上传。")
    }
    return try StoredFile(row)
  }

  /// Hands `range` of the content to `body` piece by piece, the whole without one.
  package func read(
    _ file: StoredFile, range: Range<Int64>? = nil, _ body: ([UInt8]) async throws -> Void
  ) async throws {
    let range = (range ?? 0..<file.size).clamped(to: 0..<file.size)
    let disk = DiskFile(path: folder + "/" + file.location, on: disk())
    try await disk.openForReading()
    if file.isSealed {
      try await readSealed(disk, range, body)
      return
    }
    var offset = range.lowerBound
    while offset < range.upperBound {
      let chunk = try await disk.read(at: offset, min(Disk.chunkSize, Int(range.upperBound - offset)))
      if chunk.isEmpty { throw Fault("file-short", file.location) }
      try await body(chunk)
      offset += Int64(chunk.count)
    }
  }

  private func readSealed(
    _ disk: DiskFile, _ range: Range<Int64>, _ body: ([UInt8]) async throws -> Void
  ) async throws {
    let frames = try SealedFrames(header: try await disk.read(at: 0, SealedFrames.headerSize), keys: keys)
    let step = Int64(SealedFrames.plainSize)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let index = Int(offset / step)
      let place = frames.place(of: index)
      let plain = try frames.open(try await disk.read(at: place.offset, place.count), index: index)
      let from = Int(offset - Int64(index) * step)
      let to = min(plain.count, Int(range.upperBound - Int64(index) * step))
      guard from < to else { throw Fault("file-short", disk.path) }
      try await body(Array(plain[from..<to]))
      offset += Int64(to - from)
    }
  }

  /// The path of a file that is not encrypted, for a server that sends files itself; `nil` for an encrypted one.
  package func path(of file: StoredFile) -> String? { file.isSealed ? nil : folder + "/" + file.location }

  /// Gives `body` the path of the content, for code that reads files itself; an encrypted one is opened into a temporary
  /// file that is deleted afterwards.
  package nonisolated(nonsending) func withPath<Value>(
    of file: StoredFile, _ body: nonisolated(nonsending) (String) async throws -> Value
  ) async throws -> Value {
    if let path = path(of: file) { return try await body(path) }
    try Disk.makeFolder(folder + "/spool")
    let plain = DiskFile(path: folder + "/spool/" + random.token(bytes: 16), on: disk())
    defer { Disk.remove(plain.path) }
    try await plain.create()
    try await read(file) { try await plain.append($0) }
    return try await body(plain.path)
  }

  /// The whole content, for small files.
  package func bytes(of file: StoredFile) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    try await read(file) { bytes += $0 }
    return bytes
  }

  // MARK: Parts

  private func disk() -> ThreadExecutor { disks.randomElement() ?? disks[0] }

  private static func tooLarge(_ policy: FilePolicy) -> Refusal {
    Refusal(
      .tooLarge, "file-too-large", "文件超过 \(policy.maximumSize >> 20) MB，没有保存。请压缩或拆分后重新上传。")
  }

  /// The last part of a path, without control characters, at most 200 characters.
  static func bareName(_ name: String) -> String {
    let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? "未命名"
    let clean = String(last.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 })
    return clean.isEmpty ? "未命名" : String(clean.prefix(200))
  }
}
