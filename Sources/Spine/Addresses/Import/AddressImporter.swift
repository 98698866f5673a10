package import Access
import Audit
package import Core
package import SQL
package import Search

/// Imports address lists: every row ends as created, matched, doubtful or rejected, with its reason.
///
/// Rows are taken in batches. A batch is one transaction — addresses, outcomes, counts, place reached, audit entry — so
/// a process that is killed loses no acknowledged row, and the run goes on behind the last one.
package struct AddressImporter: Sendable {
  /// Rows a transaction takes.
  static let batchSize = 5000

  let database: Database
  let classifier: AddressClassifier
  let series: AddressCodeSeries
  let pinyin: PinyinTable?
  let audit: Audit
  let clock: WallClock

  package init(
    database: Database, classifier: AddressClassifier, series: AddressCodeSeries = AddressCodeSeries(),
    pinyin: PinyinTable?,
    clock: WallClock
  ) {
    self.database = database
    self.classifier = classifier
    self.series = series
    self.pinyin = pinyin
    self.clock = clock
    audit = Audit(clock: clock)
  }

  /// Opens a run.
  ///
  /// - Throws: ``Refusal`` `permission-missing`.
  package func begin(label: String, by principal: Principal) async throws -> Int64 {
    try principal.require(Permission("address", "import"), toDo: "导入标准地址")
    let rows = try await database.query(
      """
      insert into address_import_run (label, started_at, started_by)
      values (\(label), \(clock.now()), \(principal.actor)) returning id
      """)
    guard let id = try rows.first?.get("id", as: Int64.self) else { throw Fault("import-run", "no id came back") }
    return id
  }

  /// Where a run stands.
  ///
  /// - Throws: ``Refusal`` `import-unknown`.
  package func progress(of run: Int64) async throws -> (lastRow: Int, counts: AddressImportCounts) {
    let rows = try await database.query("select * from address_import_run where id = \(run)")
    guard let row = rows.first else { throw Refusal(.notFound, "import-unknown", "没有这个导入批次。") }
    var counts = AddressImportCounts()
    counts.created = try row.get("created")
    counts.matched = try row.get("matched")
    counts.doubtful = try row.get("doubtful")
    counts.rejected = try row.get("rejected")
    return (Int(try row.get("last_row", as: Int64.self)), counts)
  }

  /// Takes the rows of `file` that the run has not taken yet; the next batch is read while the last one is written.
  ///
  /// - Parameter report: told after every batch, with the counts so far and the share of the file that is read; what it
  ///   throws (a cancelled job) ends the run after that batch.
  package func run(
    _ run: Int64, _ file: AddressFile, by principal: Principal,
    report: @Sendable (AddressImportCounts, Double) async throws -> Void
  ) async throws -> AddressImportCounts {
    let (lastRow, before) = try await progress(of: run)
    var counts = before
    var ready: [Read]? = try read(file, after: lastRow)
    while let batch = ready, !batch.isEmpty {
      async let written = write(batch, run: run, by: principal)
      ready = try read(file, after: lastRow)
      counts = counts + (try await written)
      try await report(counts, file.fractionRead)
    }
    try await database.execute("update address_import_run set finished = true where id = \(run)")
    return counts
  }

  /// What rows would become, without writing anything; for a preview.
  package func preview(_ file: AddressFile, rows: Int) async throws -> [(
    entry: AddressFile.Entry, outcome: AddressOutcome
  )] {
    var batch: [Read] = []
    while batch.count < rows, let entry = try file.next() {
      batch.append(Read(entry: entry, reading: classifier.read(entry.text, hints: entry.hints)))
    }
    let known = try await known(batch, in: database)
    return batch.map { read in
      let matching = read.reading.matchKey.flatMap { known[$0] } ?? []
      return (read.entry, classifier.classify(read.reading, known: matching))
    }
  }

  struct Read: Sendable {
    let entry: AddressFile.Entry
    let reading: AddressReading
  }

  private func read(_ file: AddressFile, after lastRow: Int) throws -> [Read] {
    var batch: [Read] = []
    batch.reserveCapacity(AddressImporter.batchSize)
    while batch.count < AddressImporter.batchSize, let entry = try file.next() {
      guard entry.row > lastRow else { continue }
      batch.append(Read(entry: entry, reading: classifier.read(entry.text, hints: entry.hints)))
    }
    return batch
  }

  /// The addresses that rows of the batch may be, by match key.
  func known(_ batch: [Read], in session: some SQLSession) async throws -> [String: [KnownAddress]] {
    try await KnownAddress.find(matching: Set(batch.compactMap(\.reading.matchKey)), in: session)
  }
}

extension KnownAddress {
  /// The addresses in force with these match keys, by the key.
  static func find(matching keys: Set<String>, in session: some SQLSession) async throws -> [String: [KnownAddress]] {
    guard !keys.isEmpty else { return [:] }
    let rows = try await session.query(
      """
      select id, match_key, canonical_key from address where match_key = any(\(Array(keys))) and status <> 'cancelled'
      """)
    var known: [String: [KnownAddress]] = [:]
    for row in rows {
      known[try row.get("match_key", as: String.self), default: []].append(
        KnownAddress(id: try row.get("id"), canonicalKey: try row.get("canonical_key")))
    }
    return known
  }
}
