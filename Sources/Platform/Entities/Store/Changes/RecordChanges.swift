package import Core
package import SQL

/// A committed change of a record, or, while a reader takes in what is there already, that it exists (变更).
package struct NotedChange: Sendable, Hashable {
  package enum Operation: String, Sendable, Hashable {
    case insert, update, delete
    /// Read from the register itself and not from its changes.
    case snapshot
  }

  /// Its place among all changes; `nil` for ``Operation/snapshot``.
  package let number: Int64?
  package let record: Int64
  package let version: Int64?
  package let operation: Operation
  package let at: Instant?
}

/// How far a reader has come: through the changes, and before that through the register.
package struct ChangePlace: Sendable, Hashable {
  package let position: Int64
  /// The last record of the register that it has taken in; `nil` when it only follows changes.
  package let scanned: Int64?
}

/// The next changes of one reader; ``RecordChanges/acknowledge(_:in:)`` moves it behind them.
package struct ChangeBatch: Sendable {
  package let reader: String
  package let entity: String
  package let changes: [NotedChange]
  package let from: ChangePlace
  package let to: ChangePlace
  /// Which reading of the whole register this is; 0 when none was asked for.
  package let scan: Int64
}

/// Where a reader begins (起点).
package enum ChangeStart: Sendable, Hashable {
  /// With what changes from now on.
  case now
  /// With every record, then with what changes.
  case everything
  /// With all that changed since then, as far back as history goes.
  case since(Instant)
}

/// “Changes of a register since” (变更流): the one cursor behind subscriptions and the ferry of the base.
///
/// Triggers of the registers that declare `changes: true` note every committed change, whatever way it was made. A
/// transaction takes its place when it writes and is seen when it commits, so places are no safe cursor: whoever reads
/// first gives numbers to what has become visible, in the order of writing, and readers go by these. Nothing is numbered
/// before it is committed, hence nothing is ever inserted behind a reader; and since two changes of one record wait for
/// one another, their numbers are in their order.
package struct RecordChanges: Sendable {
  package let database: Database
  let clock: WallClock

  package init(database: Database, clock: WallClock = .system) {
    self.database = database
    self.clock = clock
  }

  package static let migration = Migration(
    id: "0024-store-changes",
    sql: """
      create table record_change (
        id bigint generated always as identity primary key,
        number bigint,
        entity text collate "C" not null,
        record_id bigint not null,
        version bigint not null,
        operation text collate "C" not null check (operation in ('insert', 'update', 'delete')),
        at timestamptz not null,
        noted_at timestamptz not null default clock_timestamp()
      );
      create unique index record_change_number on record_change (number) where number is not null;
      create index record_change_fresh on record_change (id) where number is null;
      create index record_change_entity on record_change (entity, number);
      create index record_change_at on record_change (entity, at);
      create index record_change_noted on record_change (noted_at);
      comment on table record_change is '变更流';

      create table record_change_last (number bigint not null);
      insert into record_change_last values (0);
      comment on table record_change_last is '变更流的最后编号';

      -- Since when, and above which number, the changes of a register are complete.
      create table record_change_horizon (
        entity text collate "C" primary key,
        number bigint not null default 0,
        at timestamptz not null
      );
      comment on table record_change_horizon is '变更流的起点';

      create table change_reader (
        name text collate "C" primary key,
        entity text collate "C" not null,
        position bigint not null,
        scanned bigint,
        scan_since timestamptz,
        scan bigint not null default 0,
        acknowledged_at timestamptz not null
      );
      comment on table change_reader is '变更流的读者';

      create function lifang_note_changes() returns trigger
        language plpgsql security definer set search_path = public, pg_temp as $$
      begin
        if tg_op = 'INSERT' then
          insert into record_change (entity, record_id, version, operation, at)
            select tg_table_name, n.id, n.version, 'insert', n.updated_at from new_rows n order by n.id;
        elsif tg_op = 'UPDATE' then
          insert into record_change (entity, record_id, version, operation, at)
            select tg_table_name, n.id, n.version, 'update', n.updated_at from new_rows n order by n.id;
        else
          insert into record_change (entity, record_id, version, operation, at)
            select tg_table_name, o.id, o.version, 'delete',
              coalesce(nullif(current_setting('lifang.now', true), '')::timestamptz, clock_timestamp())
            from old_rows o order by o.id;
        end if;
        return null;
      end $$;
      """)

  /// Seconds by which the clock of a writer may be behind the moment its change was seen.
  private static let slack: Int64 = 86_400
  /// Numbers given at one time.
  private static let numbered = 20_000

  // MARK: Numbers

  /// Numbers what has become visible.
  package func number() async throws {
    while try await database.query("select 1 from record_change where number is null limit 1").first != nil {
      let done = try await database.transaction { transaction in
        // Who holds the row is the only one that numbers; the statement behind it sees what others numbered before.
        let last: Int64 =
          try await transaction.query("select number from record_change_last for update").first?.get("number") ?? 0
        return try await transaction.execute(
          """
          with fresh as (
            select id, row_number() over (order by id) as place from (
              select id from record_change where number is null order by id limit \(RecordChanges.numbered)) f
          ), given as (
            update record_change c set number = \(last) + fresh.place from fresh where c.id = fresh.id
            returning c.number
          )
          update record_change_last set number = (select max(number) from given)
          where exists (select from given)
          """)
      }
      if done == 0 { return }
    }
  }

  private func last(_ session: some SQLSession) async throws -> Int64 {
    try await session.query("select number from record_change_last").first?.get("number") ?? 0
  }

  // MARK: Readers

  /// Makes a reader of a register, or lets one begin again.
  package func begin(_ reader: String, of entity: String, from start: ChangeStart, in transaction: Transaction)
    async throws
  {
    // What is committed and not numbered yet is read twice rather than not at all.
    let last = try await last(transaction)
    var position = last
    var scanned: Int64?
    var since: Instant?
    switch start {
    case .now: break
    case .everything: scanned = 0
    case .since(let time):
      let horizon: Instant? = try await transaction.query(
        "select at from record_change_horizon where entity = \(entity)"
      ).first?.get("at")
      if let horizon, time >= horizon {
        let first: Int64? = try await transaction.query(
          """
          select min(number) as number from record_change
          where entity = \(entity) and at >= \(time) and number is not null
          """
        ).first?.get("number")
        if let first { position = first - 1 }
      } else {
        scanned = 0
        since = time
      }
    }
    try await transaction.execute(
      """
      insert into change_reader as r (name, entity, position, scanned, scan_since, scan, acknowledged_at)
      values (\(reader), \(entity), \(position), \(scanned), \(since), \(scanned == nil ? 0 : 1), \(clock.now()))
      on conflict (name) do update set entity = excluded.entity, position = excluded.position,
        scanned = excluded.scanned, scan_since = excluded.scan_since, scan = r.scan + excluded.scan
      """)
  }

  /// Forgets a reader.
  package func end(_ reader: String, in transaction: Transaction) async throws {
    try await transaction.execute("delete from change_reader where name = \(reader)")
  }

  /// The last number that was given: what came before is committed.
  package func last() async throws -> Int64 {
    try await number()
    return try await last(database)
  }

  /// What a reader has to take in next, empty when there is nothing; `nil` when there is no such reader.
  ///
  /// - Parameter bound: no changes behind this number, for readers of several registers that go forward together.
  package func next(_ reader: String, limit: Int, upTo bound: Int64 = .max) async throws -> ChangeBatch? {
    try await number()
    let row = try await database.query(
      """
      select r.*, h.number > r.position as is_behind from change_reader r
      left join record_change_horizon h on h.entity = r.entity where r.name = \(reader)
      """
    ).first
    guard let row else { return nil }
    let entity: String = try row.get("entity")
    if try row.get("scanned", as: Int64?.self) == nil, try row.get("is_behind", as: Bool?.self) == true {
      // Changes that it has not read are forgotten: the register itself is read again.
      let since = try row.get("acknowledged_at", as: Instant.self) + -RecordChanges.slack
      try await database.transaction { transaction in
        try await begin(reader, of: entity, from: .since(since), in: transaction)
      }
      return try await next(reader, limit: limit, upTo: bound)
    }
    let from = ChangePlace(position: try row.get("position"), scanned: try row.get("scanned"))
    let scan: Int64 = try row.get("scan")
    guard let scanned = from.scanned else { return try await follow(reader, entity, from, scan, limit, bound) }
    let since: Instant? = try row.get("scan_since")
    let ids = try await database.query(RecordChanges.scanning(entity, after: scanned, since, limit)).map {
      try $0.get("id", as: Int64.self)
    }
    let changes = ids.map { NotedChange(number: nil, record: $0, version: nil, operation: .snapshot, at: nil) }
    let to = ChangePlace(position: from.position, scanned: ids.count < limit ? nil : ids.last)
    return ChangeBatch(reader: reader, entity: entity, changes: changes, from: from, to: to, scan: scan)
  }

  private static func scanning(_ entity: String, after id: Int64, _ since: Instant?, _ limit: Int) -> SQL {
    guard let since else {
      return "select id from \(identifier: entity) where id > \(id) order by id limit \(limit)"
    }
    return """
      select id from (
        select id from \(identifier: entity) where id > \(id) and updated_at >= \(since)
        union select id from \(identifier: entity + "_history")
          where id > \(id) and operation = 'delete' and valid_to >= \(since)) s
      order by id limit \(limit)
      """
  }

  private func follow(
    _ reader: String, _ entity: String, _ from: ChangePlace, _ scan: Int64, _ limit: Int, _ bound: Int64
  ) async throws -> ChangeBatch {
    let rows = try await database.query(
      """
      select number, record_id, version, operation, at from record_change
      where entity = \(entity) and number > \(from.position) and number <= \(bound) order by number limit \(limit)
      """)
    let changes = try rows.compactMap { row -> NotedChange? in
      guard let operation = NotedChange.Operation(rawValue: try row.get("operation")) else { return nil }
      return NotedChange(
        number: try row.get("number"), record: try row.get("record_id"), version: try row.get("version"),
        operation: operation, at: try row.get("at"))
    }
    let to = ChangePlace(position: changes.last?.number ?? from.position, scanned: nil)
    return ChangeBatch(reader: reader, entity: entity, changes: changes, from: from, to: to, scan: scan)
  }

  /// Moves a reader behind a batch.
  ///
  /// - Returns: false when it was moved meanwhile: what was read is read again.
  @discardableResult
  package func acknowledge(_ batch: ChangeBatch, in session: some SQLSession) async throws -> Bool {
    try await session.execute(
      """
      update change_reader set position = \(batch.to.position), scanned = \(batch.to.scanned),
        acknowledged_at = \(clock.now())
      where name = \(batch.reader) and entity = \(batch.entity) and scan = \(batch.scan)
        and position = \(batch.from.position) and scanned is not distinct from \(batch.from.scanned)
      """) > 0
  }

  // MARK: Watching

  /// How far a reader is behind (滞后).
  package struct Lag: Sendable, Hashable {
    /// Changes that it has not read.
    package let changes: Int64
    /// When the oldest of them was made.
    package let oldest: Instant?
    /// Whether it still takes in what was there already.
    package let isScanning: Bool
  }

  package func lag(of reader: String) async throws -> Lag? {
    let row = try await database.query(
      """
      select r.scanned is not null as is_scanning, c.n, c.oldest from change_reader r, lateral (
        select count(*) as n, min(at) as oldest from record_change c
        where c.entity = r.entity and (c.number > r.position or c.number is null)) c
      where r.name = \(reader)
      """
    ).first
    guard let row else { return nil }
    return Lag(changes: try row.get("n"), oldest: try row.get("oldest"), isScanning: try row.get("is_scanning"))
  }

  /// Forgets what was noted before `time`; a reader that has not come so far reads the register again.
  @discardableResult
  package func purge(before time: Instant) async throws -> Int {
    try await number()
    return try await database.transaction { transaction in
      try await transaction.execute(
        """
        with gone as (
          delete from record_change where noted_at < \(time) and number is not null returning entity, number
        )
        insert into record_change_horizon as h (entity, number, at)
        select entity, max(number), \(time) from gone group by entity
        on conflict (entity) do update set number = greatest(h.number, excluded.number), at = greatest(h.at, excluded.at)
        """)
    }
  }
}
