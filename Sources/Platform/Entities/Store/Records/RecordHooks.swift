/// Rules that Swift code adds to the store: they run inside the transaction of the write, in the order they were added,
/// for single writes and for batches alike.
///
/// A hook gets ``Records`` bound to the principal and the transaction, so what it reads and writes commits or falls
/// together with the record. To refuse one record of a batch it calls `refuse` on it; an error that it throws ends the
/// whole transaction.
package struct RecordHooks: Sendable {
  package typealias Insert = @Sendable (_ drafts: inout [RecordDraft], _ records: Records) async throws -> Void
  package typealias Update = @Sendable (_ changes: inout [RecordChange], _ records: Records) async throws -> Void
  package typealias Delete = @Sendable (_ leaving: [Record], _ records: Records) async throws -> Void
  package typealias After = @Sendable (_ events: [RecordEvent], _ records: Records) async throws -> Void

  /// Stands for every entity.
  package static let anyEntity = "*"

  private var inserts: [(entity: String, body: Insert)] = []
  private var updates: [(entity: String, body: Update)] = []
  private var deletes: [(entity: String, body: Delete)] = []
  private var afters: [(entity: String, body: After)] = []

  package init() {}

  /// Runs before new records are validated and written: derives values, adds checks.
  package mutating func beforeInsert(_ entity: String, _ body: @escaping Insert) { inserts.append((entity, body)) }

  /// Runs before changed records are validated and written.
  package mutating func beforeUpdate(_ entity: String, _ body: @escaping Update) { updates.append((entity, body)) }

  /// Runs before records are deleted.
  package mutating func beforeDelete(_ entity: String, _ body: @escaping Delete) { deletes.append((entity, body)) }

  /// Runs after records were written, before the transaction commits: messages, derived records.
  package mutating func after(_ entity: String, _ body: @escaping After) { afters.append((entity, body)) }

  /// These hooks, then those.
  package static func + (a: RecordHooks, b: RecordHooks) -> RecordHooks {
    var sum = a
    sum.inserts += b.inserts
    sum.updates += b.updates
    sum.deletes += b.deletes
    sum.afters += b.afters
    return sum
  }

  func runInserts(_ entity: String, _ drafts: inout [RecordDraft], _ records: Records) async throws {
    for hook in inserts where hook.entity == entity || hook.entity == RecordHooks.anyEntity {
      try await hook.body(&drafts, records.titled)
    }
  }

  func runUpdates(_ entity: String, _ changes: inout [RecordChange], _ records: Records) async throws {
    for hook in updates where hook.entity == entity || hook.entity == RecordHooks.anyEntity {
      try await hook.body(&changes, records.titled)
    }
  }

  func runDeletes(_ entity: String, _ leaving: [Record], _ records: Records) async throws {
    for hook in deletes where hook.entity == entity || hook.entity == RecordHooks.anyEntity {
      try await hook.body(leaving, records.titled)
    }
  }

  func runAfters(_ entity: String, _ events: [RecordEvent], _ records: Records) async throws {
    for hook in afters where hook.entity == entity || hook.entity == RecordHooks.anyEntity {
      try await hook.body(events, records.titled)
    }
  }
}

/// Rules of one matter (业务规则), which add their hooks to a store.
package protocol RecordRules: Sendable {
  func addHooks(to hooks: inout RecordHooks)
}
