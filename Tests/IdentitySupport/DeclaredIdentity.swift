import Audit
package import Core
import Crypto
package import Entities
import Foundation
package import Identity
package import SQL
import TestSupport

/// Identity on the tables that are really made from what `Resources/platform` declares, written through the record store,
/// with a clock that is moved by hand.
package struct DeclaredIdentity: Sendable {
  package let database: Database
  package let store: RecordStore
  package let service: IdentityService
  package let time: ManualClock
  package let metrics: Metrics

  /// - Parameters:
  ///   - name: tells preparations of the database apart.
  ///   - before: migrations beside those of identity that come before the declared tables.
  ///   - after: and those that refer to them.
  ///   - rules: what registers do by themselves beside the rules of identity.
  package init(
    _ name: String, from start: Instant, before: [Migration] = [], after: [Migration] = [],
    rules: [any RecordRules] = []
  ) async throws {
    let catalog = try DeclaredIdentity.catalog()
    let schema = TestDatabase.Preparation(name) { database in
      _ = try await Migrator(log: .silent).run(
        StoreMigrations.all + AuditSchema.migrations + IdentitySchema.migrations + before, on: database)
      _ = try await SchemaPlan.apply(catalog, to: database)
      _ = try await Migrator(log: .silent).run(IdentityGuards.migrations + after, on: database)
    }
    let metrics = Metrics()
    self.metrics = metrics
    database = try await TestDatabase.make(schema) { $0.metrics = metrics }
    time = ManualClock(start)
    let ring = KeyRing(random: .seeded(1))
    for purpose in [KeyPurpose.data, .index, .pepper] { try ring.rotate(purpose, at: start) }
    var hooks = IdentityHooks.all
    for rule in rules { rule.addHooks(to: &hooks) }
    store = RecordStore(
      database: database, catalogs: LiveCatalog(catalog), keys: ring, audit: Audit(clock: time.clock),
      clock: time.clock, hooks: hooks)
    var configuration = IdentityService.Configuration(database: database, ring: ring, registers: StoreWriter(store))
    configuration.clock = time.clock
    configuration.log = .silent
    configuration.passwordCost = PasswordHash.Cost(logN: 4)
    service = try IdentityService(configuration)
  }

  /// What `Resources/platform` declares, checked by itself.
  package static func catalog() throws -> Catalog {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Resources/platform")
    var texts: [(name: String, text: String)] = []
    for kind in ["dictionaries", "entities", "menus", "parameters", "permissions", "roles"] {
      let directory = folder.appendingPathComponent(kind)
      for file in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
      where file.hasSuffix(".yaml") {
        texts.append((file, try String(contentsOf: directory.appendingPathComponent(file), encoding: .utf8)))
      }
    }
    return try Catalog.load(texts: texts)
  }

  /// The code of the refusal that `body` ends in, or `none`.
  package func refusal(_ body: () async throws -> some Any) async throws -> String {
    do {
      _ = try await body()
      return "none"
    } catch let refusal as Refusal {
      return refusal.code
    }
  }
}
