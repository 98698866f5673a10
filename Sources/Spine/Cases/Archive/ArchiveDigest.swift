import Access
import Audit
package import Core
import Crypto
package import Entities
import SQL

/// The digest over a whole archive (档案摘要): its catalogue with the SM3 of every file, the form and the history of the
/// case. No name stands in what is digested, so that the parts can be kept beside it.
enum ArchiveDigest {
  /// The parts of a digest and up to which event of the history they reach.
  struct Parts: Equatable {
    let items: String
    let form: String
    let events: String
    let lastEvent: Int64

    var json: JSON {
      [
        "items": .string(items), "form": .string(form), "events": .string(events), "last_event": .int(lastEvent),
      ]
    }

    init(items: String, form: String, events: String, lastEvent: Int64) {
      self.items = items
      self.form = form
      self.events = events
      self.lastEvent = lastEvent
    }

    init?(_ json: JSON?) {
      guard let items = json?["items"]?.string, let form = json?["form"]?.string,
        let events = json?["events"]?.string, let last = json?["last_event"]?.int
      else { return nil }
      self.init(items: items, form: form, events: events, lastEvent: last)
    }

    /// What the archive keeps as its digest.
    func digest(number: String, caseNumber: String) -> String {
      ArchiveDigest.hash("lifang-archive-1\n\(number)\n\(caseNumber)\n\(items)\n\(form)\n\(events)\n\(lastEvent)\n")
    }
  }

  static func hash(_ text: String) -> String { Hex.encode(Digest.sm3(Array(text.utf8))) }

  /// `[{key, digest, size, type}]` of stored files, in the order given.
  static func entries(_ keys: [String], in session: some SQLSession) async throws -> JSON {
    let found = try await files(keys, in: session)
    return .array(keys.compactMap { found[$0] })
  }

  /// The same of each file, by its key.
  static func files(_ keys: [String], in session: some SQLSession) async throws -> [String: JSON] {
    guard !keys.isEmpty else { return [:] }
    var found: [String: JSON] = [:]
    for row in try await session.query(
      """
      select r.key, o.digest, o.size, o.content_type from file_reference r join file_object o on o.id = r.object_id
      where r.key = any(\(keys))
      """)
    {
      let key: String = try row.get("key")
      found[key] = [
        "key": .string(key), "digest": .string(try row.get("digest")), "size": .int(try row.get("size")),
        "type": .string(try row.get("content_type")),
      ]
    }
    return found
  }

  /// The digests of all files that these lines of a catalogue have; records do not show them.
  static func known(of items: [Int64], in transaction: Transaction) async throws -> Set<String> {
    guard !items.isEmpty else { return [] }
    let rows = try await transaction.pipeline([
      Archive.openScope, "select coalesce(entries::jsonb, '[]') as entries from archive_item where id = any(\(items))",
    ])[1]
    return Set(try rows.flatMap { digests(.json(try $0.get("entries"))) })
  }

  static func digests(_ entries: Value) -> [String] {
    (entries.json?.array ?? []).compactMap { $0["digest"]?.string }
  }

  /// What stands now, up to an event of the history.
  ///
  /// - Parameters:
  ///   - lastEvent: `nil` for the whole history.
  ///   - count: of the first lines of the catalogue; `nil` for all.
  static func parts(
    of archive: Int64, case id: Int64, upTo lastEvent: Int64?, first count: Int64? = nil, _ records: Records,
    in transaction: Transaction
  )
    async throws -> Parts
  {
    let read = try await transaction.pipeline([
      Archive.openScope,
      """
      select position, kind, label, document_number, note, coalesce(entries::jsonb, '[]') as entries
      from archive_item where archive_id = \(archive) order by position, id limit \(count)
      """,
      """
      select v.content::jsonb ->> 'form' as form from case_process p join item_version v on v.id = p.item_version_id
      where p.case_id = \(id)
      """,
    ])
    let lines = try read[1].map { try ArchiveLine($0) }
    let reader = records.store.records(as: .system, purpose: "档案查验").within(transaction).plain
    let record = try await reader.get(ServiceCase.entity, id, reveal: true)
    var form: Record?
    if let name: String = try read[2].first?.get("form", as: String?.self) {
      form = try await reader.attached(name, to: id, reveal: true).first
    }
    return try await parts(
      of: lines, case: record, form: form, upTo: lastEvent, records.store.catalog, in: transaction)
  }

  /// The same of lines that are known, with the case and its form in clear.
  static func parts(
    of lines: [ArchiveLine], case record: Record, form: Record?, upTo lastEvent: Int64?, _ catalog: Catalog,
    in session: some SQLSession
  ) async throws -> Parts {
    var events = ""
    var last: Int64 = 0
    for row in try await session.query(
      """
      select id, extract(epoch from at)::bigint as at, actor, action, coalesce(step, '') as step,
        coalesce(result, '') as result, coalesce(opinion, '') as opinion
      from case_event where case_id = \(record.id) and id <= \(lastEvent ?? Int64.max) order by id
      """)
    {
      last = try row.get("id")
      events += "\(last)\t\(try row.get("at", as: Int64.self))\t\(try row.get("actor", as: Int64.self))\t"
      events += "\(try row.get("action", as: String.self))\t\(try row.get("step", as: String.self))\t"
      events += "\(try row.get("result", as: String.self))\t\(try row.get("opinion", as: String.self))\n"
    }
    return Parts(
      items: hash(lines.map(\.digested).joined()), form: self.form(record, form, catalog), events: hash(events),
      lastEvent: last)
  }

  /// The answers of the form and of the case that were decided on.
  private static func form(_ record: Record, _ form: Record?, _ catalog: Catalog) -> String {
    var text = ""
    for name in [
      "number", "item_code", "item_version", "applicant_name", "applicant_document", "subject_name",
      "subject_document", "division_code", "submitted_at",
    ] { text += "\(name)=\(record[name].plainText)\n" }
    if let form {
      let stored = catalog.entity(form.entity)?.fields.filter(\.isStored).map(\.name) ?? []
      for field in stored.sorted() where !form[field].isNull {
        text += "\(field)=\(form[field].plainText)\n"
      }
    }
    return hash(text)
  }

  /// Works the digest out anew after something was added, and seals it as the next version.
  static func renew(
    _ archive: Int64, because reason: String, by principal: Principal, _ records: Records, in transaction: Transaction
  ) async throws {
    _ = try await transaction.query(Archive.openScope)
    guard
      let row = try await transaction.query(
        """
        select a.number, a.case_number, a.service_case_id, a.digest, a.parts, a.item_count, a.file_count, a.filed_at,
          a.division_code, a.unit_id,
          (select count(*) from archive_item i where i.archive_id = a.id) as items,
          (select coalesce(sum(i.file_count), 0)::bigint from archive_item i where i.archive_id = a.id) as files
        from archive a where a.id = \(archive)
        """
      ).first
    else { return }
    let parts = try await parts(
      of: archive, case: try row.get("service_case_id"), upTo: nil, records, in: transaction)
    let number: String = try row.get("number")
    let digest = parts.digest(number: number, caseNumber: try row.get("case_number"))
    let place: [String: Value] = [
      "division_code": .text(try row.get("division_code")), "unit_id": .integer(try row.get("unit_id")),
    ]
    // What was filed before versions were kept becomes the first one.
    if let before: String = try row.get("digest", as: String?.self),
      let old = Parts(try row.get("parts", as: JSON?.self)),
      try await ArchiveVersion.last(of: archive, in: transaction) == nil
    {
      try await ArchiveVersion(
        reason: "归档", itemCount: try row.get("item_count"), fileCount: try row.get("file_count"), digest: before,
        parts: old
      ).add(to: archive, number: number, place: place, by: .system, records, in: transaction)
    }
    try await ArchiveVersion(
      reason: reason, itemCount: try row.get("items"), fileCount: try row.get("files"), digest: digest, parts: parts
    ).add(to: archive, number: number, place: place, by: principal, records, in: transaction)
    try await records.update(
      Archive.entity, archive, version: nil,
      [
        "digest": .text(digest), "parts": .json(parts.json), "item_count": .integer(try row.get("items")),
        "file_count": .integer(try row.get("files")),
      ], input: .code)
    try await seal(archive, digest, records, in: transaction)
  }

  /// The digest stands in the audit chain too, where nobody changes it.
  static func seal(_ archive: Int64, _ digest: String, _ records: Records, in transaction: Transaction)
    async throws
  {
    try await records.store.audit.append(
      .init(
        records.principal, "archive.file", entity: Archive.entity, record: archive, purpose: records.purpose,
        origin: records.origin, details: ["digest": .string(digest)]), in: transaction)
  }
}

/// What a line of the catalogue keeps of its files.
package enum ArchiveItems {
  /// `[{key, digest, size, type}]`; only for whoever may see the archive.
  package static func entries(of item: Int64, in store: RecordStore) async throws -> [JSON] {
    try await store.database.transaction { transaction in
      let entries: JSON? = try await transaction.pipeline([
        Archive.openScope,
        "select coalesce(entries::jsonb, '[]') as entries from archive_item where id = \(item)",
      ])[1].first?.get("entries")
      return entries?.array ?? []
    }
  }
}
