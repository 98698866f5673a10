import Access
import Audit
import Core
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
      let codes = try await takeCodes(created.map { $0.address.division }, in: transaction)
      let actor = Self.actorID(principal)
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
      try await transaction.notify("lifang_change", "address:0")
      return counts
    }
  }

  static func actorID(_ principal: Principal) -> Int64 {
    switch principal.kind {
    case .user: principal.id
    case .key: -principal.id
    case .stranger, .system: 0
    }
  }

  private func takeIDs(_ count: Int, in transaction: Transaction) async throws -> [Int64] {
    try await transaction.query(
      "select nextval(pg_get_serial_sequence('address', 'id')) as id from generate_series(1, \(count))"
    ).values(of: "id")
  }

  /// A code for each division of the list, in order; the numbers of a division are taken in one step and never again.
  private func takeCodes(_ divisions: [DivisionCode], in transaction: Transaction) async throws -> [AddressCode] {
    var wanted: [DivisionCode: Int64] = [:]
    for division in divisions { wanted[Self.series(division), default: 0] += 1 }
    guard !wanted.isEmpty else { return [] }
    let series = wanted.sorted { $0.key < $1.key }
    let rows = try await transaction.query(
      """
      insert into address_code_series as s (division_code, last)
      select d, n from unnest(\(series.map(\.key.text))::text[], \(series.map(\.value))::bigint[]) as t(d, n) order by d
      on conflict (division_code) do update set last = s.last + excluded.last returning division_code, last
      """)
    var next: [String: Int64] = [:]
    for row in rows {
      let code = try row.get("division_code", as: String.self)
      guard let division = DivisionCode(code) else { continue }
      next[code] = try row.get("last", as: Int64.self) - (wanted[division] ?? 0)
    }
    return try divisions.map { division in
      let key = Self.series(division)
      let number = (next[key.text] ?? 0) + 1
      next[key.text] = number
      return try rule.code(division: key, sequence: number)
    }
  }

  /// Codes count within a town, or within what is known when the town is not.
  private static func series(_ division: DivisionCode) -> DivisionCode { division.ancestor(.town) ?? division }

  static let columns = [
    "id", "version", "created_at", "created_by", "updated_at", "updated_by", "code", "full_name", "kind", "status",
    "division_code", "province", "city", "district", "town", "zone", "community", "road", "lane", "house_number",
    "sub_number", "compound", "building_number", "unit_number", "floor", "room", "poi", "location", "plate_status",
    "data_source", "canonical_key", "match_key", "search_vector",
  ]

  private func insert(
    _ created: [(id: Int64, read: Read, address: StandardAddress)], _ codes: [AddressCode], by actor: Int64,
    in transaction: Transaction
  ) async throws {
    guard !created.isEmpty else { return }
    let now = clock.now()
    _ = try await transaction.copyIn("address", columns: Self.columns) { writer in
      for (index, item) in created.enumerated() {
        try await writer.row { row in
          try fill(&row, item.id, item.read.entry, item.address, codes[index], now, actor)
        }
      }
    }
  }

  private func fill(
    _ row: inout CopyEncoder, _ id: Int64, _ entry: AddressFile.Entry, _ address: StandardAddress, _ code: AddressCode,
    _ now: Instant, _ actor: Int64
  ) throws {
    let parts = address.parts
    try row.append(id)
    try row.append(Int64(1))
    try row.append(now)
    try row.append(actor)
    try row.append(now)
    try row.append(actor)
    try row.append(code.text)
    try row.append(address.fullName)
    try row.append(address.kind.rawValue)
    try row.append("pending")
    try row.append(address.division.text)
    for text in [
      address.province, address.city, address.district, address.town, parts.zone, parts.community, parts.road,
      parts.lane, parts.houseNumber, parts.subNumber, parts.compound, parts.buildingNumber, parts.unitNumber,
      parts.floor, parts.room, parts.poi,
    ] { try row.append(text) }
    try row.append(Self.point(entry))
    try row.append("none")
    try row.append("import")
    try row.append(address.canonicalKey)
    try row.append(address.matchKey)
    try row.append(SearchText.vector(of: SearchText.tokens(of: address.fullName, pinyin: pinyin) + [code.text]))
  }

  private static func point(_ entry: AddressFile.Entry) -> String? {
    guard let x = entry.longitude, let y = entry.latitude, (73...136).contains(x), (3...54).contains(y) else {
      return nil
    }
    return "SRID=4490;POINT(\(x) \(y))"
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
