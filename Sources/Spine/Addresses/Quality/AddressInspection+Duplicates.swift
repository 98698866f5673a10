import Core
import SQL

extension AddressInspection {
  /// One place written in two ways (地址重复): loose keys bring together what may be one, and each pair is judged by what
  /// differs and how far apart it lies.
  func findDuplicates(in transaction: Transaction) async throws {
    let classes = try await names(in: transaction)
    try await transaction.execute(
      "create temp table loose_key (digest bigint not null, address_id bigint not null) on commit drop")
    try await keys(classes, in: transaction)
    try await transaction.execute("analyze loose_key")
    // Which sorts and lets its sorting lie on the disk, unlike a table of hashes.
    try await transaction.execute(
      """
      create temp table loose_pair on commit drop as
      select row_number() over (order by first_id, second_id) as number, first_id, second_id from (
        select distinct a.address_id as first_id, b.address_id as second_id
        from (select digest, address_id, count(*) over (partition by digest) as size from loose_key) a
        join loose_key b on b.digest = a.digest and b.address_id > a.address_id
        where a.size between 2 and \(AddressInspection.mostAlike)) p
      """)
    var last: Int64 = 0
    while true {
      let page = try await transaction.query(
        """
        select p.number, a.id as first_id, b.id as second_id, a.canonical_key as first_key, b.canonical_key as second_key,
          st_distancesphere(a.location, b.location) as metres
        from loose_pair p join address a on a.id = p.first_id join address b on b.id = p.second_id
        where p.number > \(last) order by p.number limit \(AddressInspection.page)
        """)
      guard let final = page.last else { break }
      last = try final.get("number")
      try await note(try page.compactMap { try AddressInspection.judged($0, classes) }, in: transaction)
    }
    try await findNeighbours(in: transaction)
    // What lies in a building that is there twice is there twice with it; merging the building takes it along.
    try await transaction.execute(
      """
      delete from defect_found f using address a, address b, defect_found above
      where f.kind = 'duplicate' and a.id = f.address_id and b.id = f.other_id and above.kind = 'duplicate'
        and (above.address_id, above.other_id) = (least(a.parent_id, b.parent_id), greatest(a.parent_id, b.parent_id))
      """)
  }

  /// Rows that are held at a time.
  static let page = 20_000
  /// A key that more addresses share says nothing; nobody writes one place in so many ways.
  private static let mostAlike = 40

  private static func judged(_ row: Row, _ classes: NameClasses) throws -> Found? {
    guard let first = AddressKey(text: try row.get("first_key")),
      let second = AddressKey(text: try row.get("second_key"))
    else { return nil }
    let metres = try row.get("metres", as: Double?.self)
    guard let reasons = LooseKey(first, classes).difference(from: LooseKey(second, classes), metres: metres) else {
      return nil
    }
    let apart = metres.map { "，相距 \(Int($0.rounded())) 米" } ?? ""
    return Found(
      kind: .duplicate, address: try row.get("first_id"), other: try row.get("second_id"),
      evidence: reasons.joined(separator: "；") + apart)
  }

  /// Buildings of one number within a few metres of each other, whatever they are called.
  private func findNeighbours(in transaction: Transaction) async throws {
    // All rooms of a building share its place; among buildings alone the index leads to few.
    try await transaction.execute(
      """
      create temp table building_place on commit drop as
      select id, building_number, compound, left(division_code, 6) as district, location from address
      where kind = 'building' and status <> 'cancelled' and location is not null
      """)
    try await transaction.execute("create index on building_place using gist (location)")
    try await transaction.execute("analyze building_place")
    try await transaction.execute(
      """
      insert into defect_found (kind, address_id, other_id, evidence)
      select 'duplicate', a.id, b.id,
        '楼栋号相同，相距 ' || round(st_distancesphere(a.location, b.location)::numeric, 1) || ' 米'
      from building_place a join building_place b on b.location && st_expand(a.location, 0.00006) and b.id > a.id
        and b.building_number = a.building_number and b.district = a.district
      where st_distancesphere(a.location, b.location) <= 5
        and (a.compound is null or b.compound is null or a.compound = b.compound)
        and not exists (select from defect_found f where f.kind = 'duplicate' and f.address_id = a.id and f.other_id = b.id)
      """)
  }

  // MARK: Names and keys

  private func names(in transaction: Transaction) async throws -> NameClasses {
    var classes = NameClasses()
    for (entity, kind) in [("road", NameClasses.Kind.road), ("compound", .compound)] {
      let rows = try await transaction.query(
        """
        select distinct left(division_code, 6) as district, name, concat_ws('/', alias, old_name) as others
        from \(identifier: entity) where alias is not null or old_name is not null
        """)
      for row in rows {
        let district = try row.get("district", as: String.self)
        let name = AddressKey.name(try row.get("name"))
        for other in try row.get("others", as: String.self).split(separator: "/") {
          classes.add(
            alias: NameClasses.Name(district: district, kind: kind, text: AddressKey.name(String(other))), of: name)
        }
      }
    }
    let rows = try await transaction.query(
      """
      select distinct left(division_code, 6) as district, v.kind, v.name from address,
        lateral (values ('road', road), ('compound', compound)) v (kind, name)
      where status <> 'cancelled' and v.name is not null
      """)
    var names: Set<NameClasses.Name> = []
    for row in rows {
      let kind: NameClasses.Kind = try row.get("kind", as: String.self) == "road" ? .road : .compound
      names.insert(
        NameClasses.Name(district: try row.get("district"), kind: kind, text: AddressKey.name(try row.get("name"))))
    }
    classes.join(Set(names.map { .init(district: $0.district, kind: $0.kind, text: classes.standard($0)) }), likeness)
    return classes
  }

  /// Writes the loose keys of all addresses, a page after the other.
  private func keys(_ classes: NameClasses, in transaction: Transaction) async throws {
    var last: Int64 = 0
    while true {
      let page = try await transaction.query(
        """
        select id, canonical_key from address
        where id > \(last) and status <> 'cancelled' and canonical_key is not null
        order by id limit \(AddressInspection.page)
        """)
      guard let final = page.last else { return }
      last = try final.get("id")
      var keys: [(digest: Int64, id: Int64)] = []
      keys.reserveCapacity(page.count * 2)
      for row in page {
        guard let key = AddressKey(text: try row.get("canonical_key")) else { continue }
        let id = try row.get("id", as: Int64.self)
        for digest in LooseKey(key, classes).digests { keys.append((digest, id)) }
      }
      let written = keys
      _ = try await transaction.copyIn("loose_key", columns: ["digest", "address_id"]) { writer in
        try await writer.rows(of: written) { item, row in
          try row.append(item.digest)
          try row.append(item.id)
        }
      }
    }
  }

  // MARK: What is found

  struct Found: Sendable {
    let kind: AddressDefect.Kind
    let address: Int64
    let other: Int64?
    let evidence: String
  }

  func note(_ found: [Found], in transaction: Transaction) async throws {
    guard !found.isEmpty else { return }
    _ = try await transaction.copyIn("defect_found", columns: ["kind", "address_id", "other_id", "evidence"]) {
      writer in
      try await writer.rows(of: found) { item, row in
        try row.append(item.kind.rawValue)
        try row.append(item.address)
        try row.append(item.other)
        try row.append(item.evidence)
      }
    }
  }
}
