package import Access
package import Audit
package import Core
package import Crypto
package import SQL
package import Search

/// The records of all declared entities: one way in, on which every read and write passes scope, masking, validation,
/// history and audit.
///
/// ``records(as:purpose:)`` binds it to a principal; ``transaction(as:purpose:_:)`` does the same inside one transaction,
/// for several changes that stand or fall together.
package final class RecordStore: Sendable {
  package let database: Database
  package let catalogs: LiveCatalog
  package let keys: KeyRing
  package let audit: Audit
  package let clock: WallClock
  package let hooks: RecordHooks
  /// Lets names and addresses be found by pinyin; `nil` for Chinese only.
  package let pinyin: PinyinTable?
  /// Names an actor (see ``Access/Principal/actor``) for messages such as “已被王芳修改”.
  package let actorName: @Sendable (Int64, any SQLSession) async throws -> String?
  package let divisionNames = DivisionNames()
  let numbers: NumberAllocator

  package init(
    database: Database, catalogs: LiveCatalog, keys: KeyRing, audit: Audit, clock: WallClock = .system,
    hooks: RecordHooks = RecordHooks(), pinyin: PinyinTable? = nil,
    actorName: @escaping @Sendable (Int64, any SQLSession) async throws -> String? = { _, _ in nil }
  ) {
    self.database = database
    self.catalogs = catalogs
    self.keys = keys
    self.audit = audit
    self.clock = clock
    self.hooks = hooks
    self.pinyin = pinyin
    self.actorName = actorName
    numbers = NumberAllocator(database.configuration)
  }

  /// Ends the connection that hands out numbers; the database itself is its owner's to close.
  package func close() async { await numbers.close() }

  /// The catalog in force now.
  package var catalog: Catalog { catalogs.current }

  /// The store as `principal` may use it; each call is a transaction of its own.
  ///
  /// - Parameter purpose: why personal data is looked at (查询事由); needed to reveal masked values, kept in the audit.
  package func records(as principal: Principal, purpose: String? = nil, origin: Origin = .inside) -> Records {
    Records(store: self, principal: principal, purpose: purpose, origin: origin, transaction: nil)
  }

  /// Runs `body` in one transaction, which is repeated when it loses against another.
  package func transaction<T: Sendable>(
    as principal: Principal, purpose: String? = nil, origin: Origin = .inside,
    _ body: @Sendable (Records) async throws -> T
  ) async throws -> T {
    let records = records(as: principal, purpose: purpose, origin: origin)
    return try await database.transaction { transaction in try await body(records.within(transaction)) }
  }

  /// The declaration of `name`.
  ///
  /// - Throws: ``Refusal`` `entity-unknown`.
  package func entity(_ name: String) throws(Refusal) -> EntityDeclaration {
    guard let entity = catalog.entity(name) else {
      throw Refusal(.notFound, "entity-unknown", "没有名为“\(name)”的登记表。请从菜单重新进入。")
    }
    return entity
  }
}

/// The store bound to one principal, and to a transaction when there is one.
package struct Records: Sendable {
  package let store: RecordStore
  package let principal: Principal
  package let purpose: String?
  /// Where the request came from, for the audit.
  package let origin: Origin
  /// For statements of the caller's own that commit together with the records.
  package let transaction: Transaction?
  /// Whether records come without the titles of what they refer to.
  var isPlain = false

  /// The same principal inside `transaction`.
  package func within(_ transaction: Transaction) -> Records {
    Records(
      store: store, principal: principal, purpose: purpose, origin: origin, transaction: transaction,
      isPlain: isPlain)
  }

  /// The same for code that reads values only and shows nobody anything: no look-ups of titles.
  package var plain: Records { titled(false) }

  /// What rules are given, which may speak of what they read.
  var titled: Records { titled(true) }

  private func titled(_ isTitled: Bool) -> Records {
    var copy = self
    copy.isPlain = !isTitled
    return copy
  }

  /// The same transaction as the system, for what a rule does on its own account; the audit names the system.
  package var asSystem: Records {
    Records(
      store: store, principal: .system, purpose: purpose, origin: origin, transaction: transaction, isPlain: isPlain)
  }

  /// The same person in the same transaction, trusted with some registers: for what follows by rule from what they did,
  /// which the rule has judged.
  ///
  /// - Throws: ``Fault`` `hook-without-transaction` outside of one.
  package func entrusted(with subjects: [String]) throws(Fault) -> Records {
    guard transaction != nil else { throw Fault("hook-without-transaction", subjects.joined(separator: " ")) }
    return Records(
      store: store, principal: principal.kind == .system ? principal : principal.entrusted(with: subjects),
      purpose: purpose, origin: origin, transaction: transaction, isPlain: isPlain)
  }

  /// What formulas may ask; a key or the system is no user.
  var evaluation: EvaluationContext {
    EvaluationContext(
      now: store.clock.now(), user: principal.kind == .user ? principal.id : nil, unit: principal.unit?.id,
      division: principal.unit?.division)
  }

  /// Where single statements run.
  var session: any SQLSession { transaction ?? store.database }

  /// Runs `body` in this transaction, or in one of its own.
  func inTransaction<T: Sendable>(_ body: @Sendable (Records, Transaction) async throws -> T) async throws -> T {
    if let transaction { return try await body(self, transaction) }
    return try await store.database.transaction { transaction in
      try await body(within(transaction), transaction)
    }
  }
}
