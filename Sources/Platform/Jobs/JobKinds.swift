package import Core

/// What a kind of job is given, kept as JSON in the queue.
package protocol JobPayload: Sendable {
  /// The stable name of the kind, such as `address-import`.
  static var kind: String { get }
  /// - Throws: ``Refusal`` or ``Fault`` when the JSON is of another shape; the job fails without being repeated.
  init(json: JSON) throws
  var json: JSON { get }
}

/// How often a failed job is tried again, and after how long.
package struct RetryPolicy: Sendable, Hashable {
  package let maximumAttempts: Int
  /// Seconds before the second attempt; each further one waits twice as long.
  package let firstDelay: Int64
  package let longestDelay: Int64

  package init(maximumAttempts: Int = 5, firstDelay: Int64 = 10, longestDelay: Int64 = 3600) {
    self.maximumAttempts = max(maximumAttempts, 1)
    self.firstDelay = max(firstDelay, 0)
    self.longestDelay = max(longestDelay, firstDelay)
  }

  /// Never again.
  package static let once = RetryPolicy(maximumAttempts: 1)

  /// Seconds to wait after attempt number `attempt` failed; spread by up to a quarter so that jobs which failed together
  /// do not come back together.
  package func delay(after attempt: Int, job: Int64) -> Int64 {
    let doubled = firstDelay << min(max(attempt - 1, 0), 20)
    let delay = min(doubled, longestDelay)
    let spread = Int64((UInt64(bitPattern: job) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    return delay + (delay >= 4 ? spread % (delay / 4) : 0)
  }
}

/// The kinds of jobs a process can do, each with its code.
package struct JobKinds: Sendable {
  struct Entry: Sendable {
    let policy: RetryPolicy
    let body: @Sendable (JSON, JobContext) async throws -> JSON?
  }

  private(set) var entries: [String: Entry] = [:]

  package init() {}

  /// Registers the code of one kind. It must be repeatable: after a crash it is run again from its last checkpoint. What
  /// it returns is kept as the job's result.
  package mutating func register<Payload: JobPayload>(
    _ type: Payload.Type, policy: RetryPolicy = RetryPolicy(),
    _ body: @escaping @Sendable (Payload, JobContext) async throws -> JSON?
  ) {
    precondition(entries[type.kind] == nil, "job kind \(type.kind) is registered twice")
    entries[type.kind] = Entry(policy: policy) { json, context in try await body(Payload(json: json), context) }
  }

  package var names: [String] { entries.keys.sorted() }

  /// The policy of a kind, or the usual one for a kind of another process.
  package func policy(of kind: String) -> RetryPolicy { entries[kind]?.policy ?? RetryPolicy() }
}
