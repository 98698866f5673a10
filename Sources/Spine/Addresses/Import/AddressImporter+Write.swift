import Access
import Audit
import Core
import Geo
import SQL
import Search

extension AddressImporter {
  /// One batch in one transaction. Imports take turns by an advisory lock, so that two runs cannot both create the same
  /// address.
  func write(_ batch: [Read], run: Int64, by principal: Principal) async throws -> AddressImportCounts {
    try await database.transaction { transaction in
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('lifang.address-import'))")
      var known = try await known(batch, in: transaction)
      var ids = try await takeIDs(batch.count, in: transaction)[...]
      var outcomes: [(row: Int, outcome: AddressOutcome, id: Int64?)] = []
      var created: [(id: Int64, read: Read, address: StandardAddress)] = []
      var counts = AddressImportCounts()
      outcomes.reserveCapacity(batch.count)
      for read in batch {
        let key = read.reading.matchKey
        let outcome = classifier.classify(read.reading, known: key.flatMap { known[$0] } ?? [])
        counts.count(outcome)
        switch outcome {
        case .created(let address):
          guard let id = ids.popFirst(), let key else { throw Fault("import-ids", "too few ids were taken") }
          known[key, default: []].append(KnownAddress(id: id, canonicalKey: address.canonicalKey))
          created.append((id, read, address))
          outcomes.append((read.entry.row, outcome, id))
        case .matched(let id, _): outcomes.append((read.entry.row, outcome, id))
        case .doubtful, .rejected: outcomes.append((read.entry.row, outcome, nil))
        }
      }
      let codes = try await series.take(created.map { $0.address.division }, in: transaction)
      let actor = principal.actor
      try await insert(created, codes, by: actor, in: transaction)
      try await note(batch, outcomes, run: run, in: transaction)
      let last = batch.last?.entry.row ?? 0
      try await transaction.execute(
        """
        update address_import_run set last_row = \(last), created = created + \(counts.created),
          matched = matched + \(counts.matched), doubtful = doubtful + \(counts.doubtful),
          rejected = rejected + \(counts.rejected) where id = \(run)
        """)
      let details: JSON = [
        "run": .int(run), "firstRow": .int(Int64(batch.first?.entry.row ?? 0)), "lastRow": .int(Int64(last)),
        "created": .int(counts.created), "matched": .int(counts.matched), "doubtful": .int(counts.doubtful),
        "rejected": .int(counts.rejected), "firstID": .int(created.first?.id ?? 0),
        "lastID": .int(created.last?.id ?? 0),
      ]
      try await audit.append(
        AuditEntry(principal, "import", entity: "address", origin: .inside, details: details), in: transaction)
      transaction.notify("lifang_change", "address:0")
      return counts
    }
  }

  private func takeIDs(_ count: Int, in transaction: Transaction) async throws -> [Int64] {
    try await transaction.query(
      "select nextval(pg_get_serial_sequence('address', 'id')) as id from generate_series(1, \(count))"
    ).values(of: "id")
  }

  static let columns =
    ["id", "version", "created_at", "created_by", "updated_at", "updated_by", "code", "status"]
    + StandardAddress.fieldNames + [
      "direction", "location", "plate_status", "data_source", "surveyed_on", "search_vector",
    ]

  private func insert(
    _ created: [(id: Int64, read: Read, address: StandardAddress)], _ codes: [AddressCode], by actor: Int64,
    in transaction: Transaction
  ) async throws {
    guard !created.isEmpty else { return }
    let now = clock.now()
    _ = try await transaction.copyIn("address", columns: Self.columns) { writer in
      try await writer.rows(of: Array(zip(created, codes))) { [self] item, row in
        let (address, code) = item
        try fill(&row, address.id, address.read, address.address, code, now, actor)
      }
    }
  }

  private func fill(
    _ row: inout CopyEncoder, _ id: Int64, _ read: Read, _ address: StandardAddress, _ code: AddressCode,
    _ now: Instant, _ actor: Int64
  ) throws {
    try row.append(id)
    try row.append(Int64(1))
    try row.append(now)
    try row.append(actor)
    try row.append(now)
    try row.append(actor)
    try row.append(code.text)
    try row.append("pending")
    for text in address.fieldTexts { try row.append(text) }
    try row.append(read.reading.segmented?.direction?.rawValue)
    try row.append(Self.point(read.entry))
    try row.append("none")
    try row.append("import")
    try row.append(clock.today())
    var lexemes = Lexemes()
    lexemes.add(of: address.fullName, pinyin: pinyin)
    lexemes.add(code.text)
    try row.append(lexemes.vector)
  }

  /// Where the file says the address is; nothing when that is outside China.
  private static func point(_ entry: AddressFile.Entry) -> SQLValue {
    guard let x = entry.longitude, let y = entry.latitude, (73...136).contains(x), (3...54).contains(y),
      let place = try? Coordinate(longitude: x, latitude: y)
    else { return .null }
    return .bytes(Geometry.point(place).ewkb(srid: .cgcs2000))
  }

  private func note(
    _ batch: [Read], _ outcomes: [(row: Int, outcome: AddressOutcome, id: Int64?)], run: Int64,
    in transaction: Transaction
  ) async throws {
    let columns = ["run_id", "row", "outcome", "address_id", "reason_codes", "reason", "source_text"]
    _ = try await transaction.copyIn("address_import_row", columns: columns) { writer in
      for (index, item) in outcomes.enumerated() {
        try await writer.row { row in
          try row.append(run)
          try row.append(Int64(item.row))
          try row.append(item.outcome.name)
          try row.append(item.id)
          try row.append(item.outcome.reasonCodes)
          try row.append(item.outcome.reason)
          try row.append(String(batch[index].entry.text.prefix(500)))
        }
      }
    }
  }
}
