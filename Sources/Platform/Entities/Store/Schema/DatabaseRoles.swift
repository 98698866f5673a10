package import SQL

/// The PostgreSQL role the application works as, apart from the one that owns the tables.
///
/// The owner makes and changes tables; the pool that serves requests takes on ``application``
/// (`Database.Configuration.role`), which can do neither, and cannot write history. Where the connection may make no
/// roles, everything still works as the owner: row-level security is forced on owners too, and only the protection of
/// the history against the application itself is lost.
package enum DatabaseRoles {
  /// Reads and writes rows, makes nothing.
  package static let application = "lifang_app"

  package struct Outcome: Sendable, Hashable {
    /// Whether ``application`` exists and the pool should use it.
    package let hasRole: Bool
    /// Whether search and division indexes may be used under row-level security; see ``prepare(on:owner:)``.
    package let hasLeakproof: Bool
  }

  /// Makes the role and its privileges as far as the connection allows; can be repeated at every start, before the
  /// migrations.
  ///
  /// Under row-level security PostgreSQL uses an index only for conditions that cannot leak hidden rows, and trusts only
  /// functions marked so. Text search, `left` and the box test of PostGIS only read their arguments and fail on none,
  /// but are not marked; a superuser marks them here. Without that, search over personal tables reads every row.
  ///
  /// - Parameters:
  ///   - database: a connection of a superuser where there is one (``PrivateCluster/administratorConninfo(database:)``),
  ///     else of the owner.
  ///   - owner: who owns the tables; `nil`: whoever is connected.
  package static func prepare(on database: Database, owner: String? = nil) async throws -> Outcome {
    try await database.transaction { transaction in
      try await transaction.execute("select pg_advisory_xact_lock(\(SchemaLock.key))")
      let rights = try await transaction.query(
        """
        select rolname::text as name, rolsuper as super, rolsuper or rolcreaterole as creates,
          exists (select from pg_roles where rolname = \(application)) as found
        from pg_roles where rolname = current_user
        """)
      guard let row = rights.first else { return Outcome(hasRole: false, hasLeakproof: false) }
      let isSuper: Bool = try row.get("super")
      var hasRole: Bool = try row.get("found")
      if try !hasRole && row.get("creates", as: Bool.self) {
        try await transaction.execute(
          """
          do $$ begin
            create role lifang_app nologin;
          exception when duplicate_object or unique_violation then null;
          end $$
          """)
        hasRole = true
      }
      if hasRole {
        for statement in privileges(owner: try owner ?? row.get("name")) { try await transaction.execute(statement) }
      }
      if isSuper { for statement in leakproof { try await transaction.execute(SQL(unsafe: statement)) } }
      return Outcome(hasRole: hasRole, hasLeakproof: isSuper)
    }
  }

  private static func privileges(owner: String) -> [SQL] {
    [
      "grant usage on schema public to lifang_app",
      "grant select, insert, update, delete on all tables in schema public to lifang_app",
      "grant usage, select on all sequences in schema public to lifang_app",
      """
      alter default privileges for role \(identifier: owner) in schema public
        grant select, insert, update, delete on tables to lifang_app
      """,
      """
      alter default privileges for role \(identifier: owner) in schema public
        grant usage, select on sequences to lifang_app
      """,
      "grant lifang_app to \(identifier: owner)",
    ]
  }

  private static let leakproof = [
    "alter function pg_catalog.ts_match_vq(tsvector, tsquery) leakproof",
    "alter function pg_catalog.\"left\"(text, integer) leakproof",
    """
    do $$ begin
      if to_regprocedure('public.geometry_overlaps(geometry, geometry)') is not null then
        alter function public.geometry_overlaps(geometry, geometry) leakproof;
      end if;
    end $$
    """,
  ]
}

/// The advisory lock that everything which changes tables takes first.
enum SchemaLock {
  static let key: Int64 = 0x6C69_6661_6E67
}
