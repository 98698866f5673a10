import Core

/// Takes the rows of a COPY into the database and sends them in chunks, so that memory stays flat however many come.
package struct CopyWriter: ~Copyable {
  /// Rows are sent when this many bytes have gathered.
  private static let chunkSize = 256 * 1024

  /// How many rows are encoded at a time, and how many such parcels at once.
  private static let parcel = 256
  private static let parcelsAhead = 3

  private var encoder: CopyEncoder
  private let send: CopyTarget

  init(_ encoder: consuming CopyEncoder, _ target: CopyTarget) {
    self.encoder = encoder
    send = target
  }

  /// Rows written so far.
  package var rows: Int { encoder.rows }

  /// Writes one row: `fill` appends a value for each column. A row whose `fill` throws is left out as a whole.
  package nonisolated(nonsending) mutating func row(_ fill: (inout CopyEncoder) throws -> Void) async throws {
    try encoder.row(fill)
    if encoder.bytes.count >= Self.chunkSize { try await flush() }
  }

  package nonisolated(nonsending) mutating func row(_ values: [SQLValue]) async throws {
    try await row { encoder in
      for value in values { try encoder.append(value) }
    }
  }

  package nonisolated(nonsending) mutating func row(_ values: any SQLEncodable...) async throws {
    try await row { encoder in
      for value in values { try encoder.append(value.sqlValue) }
    }
  }

  /// Writes one row for each item, in their order, encoding some ahead on other threads: for rows that cost more to
  /// make than to send.
  ///
  /// - Throws: what `fill` throws for any item.
  package nonisolated(nonsending) mutating func rows<Item: Sendable>(
    of items: [Item], _ fill: @escaping @Sendable (Item, inout CopyEncoder) throws -> Void
  ) async throws {
    let (columns, isBinary) = (encoder.columns, encoder.isBinary)
    let chunks = stride(from: 0, to: items.count, by: Self.parcel).map { $0..<min($0 + Self.parcel, items.count) }
    var ready: [Int: [UInt8]] = [:]
    var started = 0
    try await withThrowingTaskGroup(of: (chunk: Int, bytes: [UInt8]).self) { group in
      for chunk in chunks.indices {
        while started < min(chunk + Self.parcelsAhead, chunks.count) {
          group.addTask { [number = started] in
            var encoder = CopyEncoder(continuing: columns, isBinary: isBinary)
            for item in items[chunks[number]] { try encoder.row { try fill(item, &$0) } }
            return (number, encoder.take())
          }
          started += 1
        }
        while ready[chunk] == nil, let next = try await group.next() { ready[next.chunk] = next.bytes }
        encoder.append(raw: ready.removeValue(forKey: chunk) ?? [], rows: chunks[chunk].count)
        try await flush()
      }
    }
  }

  /// Writes a row without sending, for loops that cannot wait; call ``flush()`` now and then.
  package mutating func append(_ fill: (inout CopyEncoder) throws -> Void) throws { try encoder.row(fill) }

  /// Writes bytes that are in the COPY's format already; rows may be cut anywhere.
  package nonisolated(nonsending) mutating func write(_ bytes: some Sequence<UInt8>) async throws {
    encoder.append(raw: bytes)
    if encoder.bytes.count >= Self.chunkSize { try await flush() }
  }

  /// Sends what has gathered.
  ///
  /// - Throws: ``SQLFailure`` when the server has given up on the COPY, `CancellationError`.
  package nonisolated(nonsending) mutating func flush() async throws {
    try Task.checkCancellation()
    guard !encoder.bytes.isEmpty else { return }
    try await send.connection.putCopy(encoder.take(), send.ticket)
  }

  nonisolated(nonsending) mutating func finish() async throws {
    encoder.finish()
    try await flush()
  }
}

/// The COPY that a writer feeds.
struct CopyTarget: Sendable {
  let connection: Connection
  let ticket: UInt64
}
