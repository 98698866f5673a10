package import Core
import Synchronization

/// A pool of connections to one PostgreSQL database.
///
/// Connections are opened when they are needed, up to a limit; beyond it callers wait their turn, first come first
/// served, and are refused after ``Configuration/waitTimeout``. A connection that broke is replaced.
package final class Database: SQLSession {
  /// Settings of a pool.
  package struct Configuration: Sendable {
    /// Where the database is: libpq's `host=… dbname=…` or `postgresql://…`.
    package var conninfo: String
    /// The database's name when it is not the one in ``conninfo``.
    package var database: String?
    package var maximumConnections = 8
    /// How long a caller waits for a connection before being refused with ``Refusal/Kind/unavailable``.
    package var waitTimeout: Duration = .seconds(5)
    /// The server stops a statement that takes longer; `nil` for no limit.
    package var statementTimeout: Duration? = .seconds(60)
    /// The server ends a transaction that does nothing for this long, so that a lost caller holds no locks.
    package var idleTransactionTimeout: Duration = .seconds(60)
    /// Slower statements are logged, without their values.
    package var slowQueryThreshold: Duration = .milliseconds(500)
    package var applicationName = "lifang"
    /// The role the session takes on, with its rights only.
    package var role: String?
    /// The schemas that unqualified names are looked up in.
    package var schema: String?
    /// Statements kept prepared by each connection.
    package var statementCacheSize = 256
    package var log: Log
    package var metrics: Metrics?

    package init(conninfo: String, log: Log = Log(), metrics: Metrics? = nil) {
      self.conninfo = conninfo
      self.log = log
      self.metrics = metrics
    }
  }

  package let configuration: Configuration
  let pool: Pool
  let listener: Listener

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    pool = Pool(configuration)
    listener = Listener(configuration)
  }

  deinit { listener.close() }

  package convenience init(conninfo: String, log: Log = Log(), metrics: Metrics? = nil) {
    self.init(Configuration(conninfo: conninfo, log: log, metrics: metrics))
  }

  /// Refuses new work, waits for what is under way and closes all connections.
  package func close() async {
    listener.close()
    await pool.close()
  }

  /// Connections that exist, those of them that are idle, and callers that wait for one.
  package var counts: (open: Int, idle: Int, waiting: Int) { pool.counts }

  /// Sets the gauges of the pool, for whoever is about to read the metrics.
  package func reportGauges() {
    let counts = counts
    configuration.metrics?.set("lifang_sql_connections", "state=\"idle\"", to: Double(counts.idle))
    configuration.metrics?.set("lifang_sql_connections", "state=\"busy\"", to: Double(counts.open - counts.idle))
    configuration.metrics?.set("lifang_sql_waiting", to: Double(counts.waiting))
  }

  /// Lends a connection to `body` alone. What it leaves open (a transaction) is ended; settings it changed stay.
  @discardableResult
  package func withConnection<Value: Sendable>(
    _ body: @Sendable (Connection) async throws -> Value
  ) async throws -> Value {
    let connection = try await pool.acquire()
    defer { pool.release(connection) }
    return try await body(connection)
  }

  /// Runs one statement on any connection.
  ///
  /// When all are busy, short reads of several callers may share one round trip. Statements that depend on each other
  /// or on the session belong into ``transaction(_:attempts:_:)`` or ``withConnection(_:)``.
  package func query(_ sql: SQL) async throws -> Rows { try await pool.query(sql) }

  package func pipeline(_ statements: [SQL]) async throws -> [Rows] {
    let connection = try await pool.acquire()
    defer { pool.release(connection) }
    return try await connection.pipeline(statements, in: nil)
  }

  /// Runs `body` in a transaction; see ``Connection/transaction(_:attempts:_:)``. Each attempt may take another
  /// connection.
  @discardableResult
  package func transaction<Value: Sendable>(
    _ isolation: Isolation = .readCommitted, attempts: Int = 5,
    _ body: @Sendable (Transaction) async throws -> Value
  ) async throws -> Value {
    var backoff = Backoff()
    for attempt in 1... {
      let connection = try await pool.acquire()
      let outcome = await connection.attempt(isolation, body)
      pool.release(connection)
      switch outcome {
      case .committed(let value): return value
      case .failed(let error, let mayRepeat):
        guard mayRepeat, attempt < attempts else { throw error }
        configuration.metrics?.count("lifang_sql_transaction_repeats_total")
        try await backoff.pause()
      }
    }
    throw CancellationError()
  }
}

extension Database.Configuration {
  /// What libpq is told; a later setting wins over the same one in `conninfo`.
  var connectionSettings: [(name: String, value: String)] {
    var settings = [
      (name: "dbname", value: conninfo), (name: "client_encoding", value: "UTF8"),
      (name: "fallback_application_name", value: applicationName), (name: "connect_timeout", value: "10"),
    ]
    if let database { settings.append((name: "dbname", value: database)) }
    return settings
  }

  /// Statements that set a new session up, in one round trip.
  var sessionSetting: String {
    var script = "set timezone to 'Asia/Shanghai'; set datestyle to iso; set extra_float_digits to 1;"
    script += "set standard_conforming_strings to on;"
    script += statementTimeoutSetting + ";"
    script += "set idle_in_transaction_session_timeout to \(milliseconds(idleTransactionTimeout));"
    if let schema { script += "set search_path to \(schema);" }
    if let role { script += "set role \(SQL(identifier: role).text);" }
    return script
  }

  var statementTimeoutSetting: String { "set statement_timeout to \(statementTimeout.map(milliseconds) ?? 0)" }

  private func milliseconds(_ duration: Duration) -> Int64 {
    duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
  }

  var slowQuerySeconds: Double {
    Double(slowQueryThreshold.components.seconds) + Double(slowQueryThreshold.components.attoseconds) / 1e18
  }
}
