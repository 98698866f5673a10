package import SQL

/// The PostgreSQL role the application works as, apart from the one that owns the tables.
///
/// Row-level security does not bind superusers, so a private cluster, to which Lifang connects as one, gives its pool
/// the role ``application`` (`Database.Configuration.role`). Where the connection may not make roles, everything still
/// works as the owner of the tables: row-level security is forced on owners too, and only the protection of history
/// against the application itself is lost.
package enum DatabaseRoles {
  /// Reads and writes rows, makes nothing.
  package static let application = "lifang_app"

  package struct Outcome: Sendable, Hashable {
    /// Whether ``application`` exists and the pool should use it.
    package let hasRole: Bool
    /// Whether search and division indexes may be used under row-level security; see below.
    package let hasLeakproof: Bool
  }

  /// Makes the role and its privileges as far as the connection allows; can be repeated at every start, before the
  /// migrations.
  ///
  /// Under row-level security PostgreSQL uses an index only for conditions that cannot leak hidden rows, and trusts only
  /// functions marked so. Text search, `left` and the box test of PostGIS only read their arguments and fail on none,
  /// but are not marked; a superuser marks them here. Without that, search over personal tables reads every row.
  package static func prepare(on database: Database) async throws -> Outcome {
    let rights = try await database.query(
      """
      select rolsuper as super, rolsuper or rolcreaterole as creates,
        exists (select from pg_roles where rolname = \(application)) as found
      from pg_roles where rolname = session_user
      """)
    guard let row = rights.first else { return Outcome(hasRole: false, hasLeakproof: false) }
    let isSuper: Bool = try row.get("super")
    var hasRole: Bool = try row.get("found")
    if try !hasRole && row.get("creates", as: Bool.self) {
      try await database.execute(
        """
        do $$ begin
          create role lifang_app nologin;
        exception when duplicate_object or unique_violation then null;
        end $$
        """)
      hasRole = true
    }
    if hasRole {
      try await database.transaction { transaction in
        try await transaction.execute("select pg_advisory_xact_lock(\(SchemaLock.key))")
        for statement in privileges { try await transaction.execute(SQL(unsafe: statement)) }
      }
    }
    if isSuper {
      try await database.transaction { transaction in
        try await transaction.execute("select pg_advisory_xact_lock(\(SchemaLock.key))")
        for function in leakproof { try await transaction.execute(SQL(unsafe: function)) }
      }
    }
    return Outcome(hasRole: hasRole, hasLeakproof: isSuper)
  }

  private static let privileges = [
    "grant usage on schema public to lifang_app",
    "grant select, insert, update, delete on all tables in schema public to lifang_app",
    "grant usage, select on all sequences in schema public to lifang_app",
    "alter default privileges in schema public grant select, insert, update, delete on tables to lifang_app",
    "alter default privileges in schema public grant usage, select on sequences to lifang_app",
    "grant lifang_app to current_user",
  ]

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
