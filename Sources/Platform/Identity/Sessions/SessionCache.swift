import Core
import Synchronization

/// Sessions by token digest, kept in memory so that a request costs no query.
///
/// An entry stands until it is told otherwise by a notification, at most for its lifetime: a missed notification (the
/// listener reconnected) is made good by then.
final class SessionCache: Sendable {
  struct Entry: Sendable {
    let session: Session
    var lastSeen: Instant
    /// What the database knows of `lastSeen`.
    var written: Instant
    let validUntil: Instant
  }

  private let entries = Mutex<[[UInt8]: Entry]>([:])
  /// Entries kept; beyond it the cache starts afresh.
  private let capacity: Int

  init(capacity: Int = 50_000) { self.capacity = capacity }

  /// The entry, marked as seen now; `nil` when it is not held or has outlived its time.
  func touch(_ digest: [UInt8], at time: Instant) -> Entry? {
    entries.withLock { entries in
      guard let entry = entries[digest], time < entry.validUntil else { return nil }
      entries[digest]?.lastSeen = max(entry.lastSeen, time)
      return entry
    }
  }

  /// Keeps the later of what is known about when the session was last seen.
  func put(_ entry: Entry, for digest: [UInt8]) {
    entries.withLock { entries in
      if entries.count >= capacity { entries.removeAll() }
      var entry = entry
      if let held = entries[digest] { entry.lastSeen = max(held.lastSeen, entry.lastSeen) }
      entries[digest] = entry
    }
  }

  /// When a session was last seen by this node, also when its entry must be read anew.
  func lastSeen(_ digest: [UInt8]) -> Instant? { entries.withLock { $0[digest]?.lastSeen } }

  func forget(_ digest: [UInt8]) { _ = entries.withLock { $0.removeValue(forKey: digest) } }

  func forget(session id: Int64) { expire { $0.session.id == id } }

  func forget(users: Set<Int64>) { expire { users.contains($0.session.user.id) } }

  func forgetAll() { expire { _ in true } }

  /// Sessions seen later than the database knows, each once a minute at most.
  func unwritten(at time: Instant) -> [(id: Int64, lastSeen: Instant)] {
    entries.withLock { entries in
      var due: [(id: Int64, lastSeen: Instant)] = []
      for (digest, entry) in entries where entry.lastSeen > entry.written && time - entry.written >= 60 {
        due.append((entry.session.id, entry.lastSeen))
        entries[digest]?.written = entry.lastSeen
      }
      return due
    }
  }

  /// Drops entries that are long over.
  func sweep(at time: Instant) { entries.withLock { $0 = $0.filter { $0.value.validUntil > time + (-3600 as Int64) } } }

  /// Entries are not removed but made to be read anew: when they were last seen is not lost.
  private func expire(_ matches: (Entry) -> Bool) {
    entries.withLock { entries in
      for (digest, entry) in entries where matches(entry) {
        entries[digest] = Entry(
          session: entry.session, lastSeen: entry.lastSeen, written: entry.written,
          validUntil: Instant(microseconds: .min))
      }
    }
  }
}
