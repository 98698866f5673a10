package import Core
import Synchronization

/// The body of a request, read on demand: at once, as a form, as JSON or chunk by chunk.
///
/// What was read as bytes or as a form is kept, so that a middleware and the handler behind it may both read it.
package final class Body: Sendable {
  fileprivate enum Source: Sendable {
    case bytes([UInt8])
    case pipe(BodyPipe)
  }

  fileprivate enum State {
    case unread
    case reading
    case streamed
    case bytes([UInt8])
    case form(FormData)
  }

  /// The media type that the client declared.
  package let contentType: MediaType?
  private let source: Source
  private let state = Mutex(State.unread)
  private let spool: SpoolFolder

  /// A body without a byte.
  package static let empty = Body([], contentType: nil)

  /// A body in memory, for requests made by hand.
  package convenience init(_ bytes: [UInt8], contentType: String?) {
    self.init(bytes, type: contentType.flatMap { MediaType($0) }, spool: SpoolFolder.standalone())
  }

  init(_ bytes: [UInt8], type: MediaType?, spool: SpoolFolder) {
    contentType = type
    source = .bytes(bytes)
    self.spool = spool
  }

  init(pipe: BodyPipe, type: MediaType?, spool: SpoolFolder) {
    contentType = type
    source = .pipe(pipe)
    self.spool = spool
  }

  /// The whole body.
  ///
  /// - Throws: ``Refusal`` `body-too-large` above `limit` bytes; `upload-interrupted` when the client went away.
  package func bytes(upTo limit: Int = 1 << 20) async throws -> [UInt8] {
    if case .bytes(let bytes) = try begin() {
      try check(bytes.count, limit)
      return bytes
    }
    var collected: [UInt8] = []
    var cursor = Cursor(source)
    while let chunk = try await cursor.next() {
      try check(collected.count + chunk.count, limit)
      collected.append(contentsOf: chunk)
    }
    keep(.bytes(collected))
    return collected
  }

  /// The body as JSON.
  ///
  /// - Throws: ``Refusal`` `unsupported-type` unless it was declared as JSON, `invalid-json`, and as ``bytes(upTo:)``.
  package func json(upTo limit: Int = 1 << 20) async throws -> JSON {
    guard let essence = contentType?.essence, essence == "application/json" || essence.hasSuffix("+json") else {
      throw Refusal(.unsupported, "unsupported-type", "提交的内容不是 JSON，未做任何改动。请以 application/json 类型提交。")
    }
    return try JSON(parsing: try await bytes(upTo: limit))
  }

  /// The body as a form: urlencoded, or multipart with files spooled to disk until the request ends.
  ///
  /// - Throws: ``Refusal`` `unsupported-type` for other types, `malformed-form`, and `…-too-large` or `too-many-…`
  ///   naming the field.
  package func form(_ limits: FormLimits = FormLimits()) async throws -> FormData {
    let known = state.withLock { state -> FormData? in
      if case .form(let form) = state { form } else { nil }
    }
    if let known { return known }
    let form: FormData
    switch contentType?.essence {
    case "application/x-www-form-urlencoded":
      let bytes = try await bytes(upTo: limits.fieldTotal)
      form = FormData(fields: try QueryItems(parsing: bytes, maximum: limits.fields), files: [])
    case "multipart/form-data":
      form = try await multipart(limits)
    default:
      throw Refusal(.unsupported, "unsupported-type", "提交的内容不是表单，未做任何改动。请从页面上的表单提交。")
    }
    keep(.form(form))
    return form
  }

  /// The body chunk by chunk as it arrives; the client is slowed down to the pace of reading.
  package var chunks: Chunks { Chunks(body: self) }

  /// The chunks of a body; may be iterated once.
  package struct Chunks: AsyncSequence, Sendable {
    let body: Body

    package struct Iterator: AsyncIteratorProtocol {
      let body: Body
      var cursor: Cursor?

      package mutating func next() async throws -> [UInt8]? {
        if cursor == nil {
          if case .bytes(let bytes) = try body.begin() {
            cursor = Cursor(.bytes(bytes))
          } else {
            cursor = Cursor(body.source)
            body.keep(.streamed)
          }
        }
        return try await cursor?.next()
      }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(body: body, cursor: nil) }
  }

  /// Pulls chunks from memory or from the connection.
  struct Cursor {
    private let source: Source
    private var given = false

    fileprivate init(_ source: Source) { self.source = source }

    mutating func next() async throws -> [UInt8]? {
      switch source {
      case .pipe(let pipe): return try await pipe.next()
      case .bytes(let bytes):
        defer { given = true }
        return given || bytes.isEmpty ? nil : bytes
      }
    }
  }

  private func multipart(_ limits: FormLimits) async throws -> FormData {
    guard let boundary = contentType?.parameters["boundary"], let parser = MultipartParser(boundary: boundary) else {
      throw MultipartParser.malformed
    }
    var collector = MultipartCollector(parser: parser, limits: limits, spool: spool)
    if case .bytes(let bytes) = try begin() {
      try collector.feed(bytes)
    } else {
      var cursor = Cursor(source)
      while let chunk = try await cursor.next() { try collector.feed(chunk) }
    }
    return try collector.finish()
  }

  /// Claims the body for one reader.
  private func begin() throws -> State {
    try state.withLock { state throws(Fault) -> State in
      switch state {
      case .unread:
        if case .bytes(let bytes) = source {
          state = .bytes(bytes)
          return state
        }
        state = .reading
        return .unread
      case .bytes: return state
      case .reading, .streamed, .form: throw Fault("body-read-twice", "the request body has been consumed")
      }
    }
  }

  private func keep(_ new: State) { state.withLock { $0 = new } }

  private func check(_ count: Int, _ limit: Int) throws(Refusal) {
    if count > limit { throw Refusals.bodyTooLarge(limit: limit) }
  }

  /// The connection's end of the body.
  var pipe: BodyPipe? { if case .pipe(let pipe) = source { pipe } else { nil } }

  /// Called when the request is over.
  func end() { spool.remove() }
}
