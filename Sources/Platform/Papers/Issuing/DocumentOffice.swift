package import Access
package import Audit
package import Core
package import Crypto
import Documents
package import Entities
package import Files
import SQL

/// Makes documents of records, enters the issued ones in the ledger, prints them again and proves them (证照签发).
///
/// An entry commits together with whatever made it due, its file and signature right behind (``run(log:)``). The signature is SM2 with SM3 over the
/// bytes of the PDF, so that stock `openssl` checks a file that somebody was sent.
package struct DocumentOffice: Sendable {
  package let store: RecordStore
  package let templates: DocumentTemplates
  package let files: FileStore
  package let keys: SigningKeys
  /// What stands before `/verify/<code>` in QR codes.
  package let publicOrigin: String
  private let random: RandomSource

  package init(
    store: RecordStore, templates: DocumentTemplates, files: FileStore, keys: SigningKeys, publicOrigin: String,
    random: RandomSource = .system
  ) {
    self.store = store
    self.templates = templates
    self.files = files
    self.keys = keys
    self.publicOrigin = publicOrigin
    self.random = random
  }

  /// Why and for whom a document is issued.
  package struct Occasion: Sendable {
    /// 用途, kept in the ledger and in the audit.
    package var purpose: String
    /// The case it is a result of.
    package var caseID: Int64?
    /// The unit that issues it, with the division it acts for.
    package var unit: (id: Int64, division: String)
    /// The number of an issued document that this one takes the place of (补发、换发).
    package var replaces: String?

    package init(
      purpose: String, caseID: Int64? = nil, unit: (id: Int64, division: String), replaces: String? = nil
    ) {
      self.purpose = purpose
      self.caseID = caseID
      self.unit = unit
      self.replaces = replaces
    }
  }

  /// - Throws: ``Refusal`` `document-unknown`.
  package func template(_ name: String) throws(Refusal) -> DocumentTemplate {
    if let template = templates.template(name) { return template }
    throw Refusal(.notFound, "document-unknown", "没有名为“\(name)”的文书。请从记录或办件页面重新进入。")
  }

  // MARK: Filling in

  func reader(_ template: DocumentTemplate, for principal: Principal, purpose: String, origin: Origin) -> Records {
    let parent = store.catalog.entity(template.entity)?.attachedTo
    let subjects = [template.entity] + template.lookups.map(\.register) + [parent].compactMap(\.self)
    return store.records(as: principal.entrusted(with: subjects), purpose: purpose, origin: origin)
  }

  /// The values of a document: the record, what it is attached to, and what its lookups find.
  func content(_ template: DocumentTemplate, of id: Int64, _ records: Records, facts: [String: Value]) async throws
    -> DocumentContent
  {
    let catalog = store.catalog
    let entity = try store.entity(template.entity)
    var content = DocumentContent(
      context: EvaluationContext(now: store.clock.now(), principal: records.principal))
    let record = try await records.get(entity.name, id, reveal: true)
    if let owner = entity.attachedTo, let parent = catalog.entity(owner), let key = record["\(owner)_id"].integer {
      let above = try await records.get(owner, key, reveal: true)
      content.entries = DocumentContent.entries(above, parent, prefix: "", catalog)
    }
    content.entries.merge(DocumentContent.entries(record, entity, prefix: "", catalog)) { _, own in own }
    for (name, value) in facts where entity.field(name) == nil { content.set(name, value) }
    for lookup in template.lookups { try await add(lookup, to: &content, records) }
    return content
  }

  private func add(_ lookup: DocumentLookup, to content: inout DocumentContent, _ records: Records) async throws {
    guard let above = lookup.of else {
      let rows = try await rows(lookup, content, records)
      guard lookup.isMany else {
        if let row = rows.first { content.entries.merge(row) { _, row in row } }
        return
      }
      content.rows[lookup.name] = rows
      content.set("\(lookup.name)_count", .integer(Int64(rows.count)))
      return
    }
    // A record's own rows know whose they are, and it knows how many.
    var all: [[String: DocumentContent.Entry]] = []
    for (index, parent) in (content.rows[above] ?? []).enumerated() {
      let own = try await rows(lookup, content.inRow(parent), records)
      content.rows[above]?[index]["\(lookup.name)_count"] = .init(
        value: .integer(Int64(own.count)), text: "\(own.count)")
      all += own.map { row in row.merging(["\(above)_id": parent["\(above)_id"]].compactMapValues(\.self)) { $1 } }
    }
    content.rows[lookup.name] = all
    content.set("\(lookup.name)_count", .integer(Int64(all.count)))
  }

  private func rows(_ lookup: DocumentLookup, _ content: DocumentContent, _ records: Records) async throws
    -> [[String: DocumentContent.Entry]]
  {
    let register = try store.entity(lookup.register)
    let prefix = "\(lookup.name)_"
    let value = try lookup.value.evaluate(in: content.context) { content[$0] }
    var rows: [[String: DocumentContent.Entry]] = []
    if !value.isBlank {
      for id in try await ids(of: lookup, register, value, records) {
        let row = DocumentContent.entries(
          try await records.get(register.name, id, reveal: true), register, prefix: prefix, store.catalog)
        let shown = content.inRow(row)
        if try shown.holds(lookup.keep), try await !leavesOut(lookup.except, shown, records) { rows.append(row) }
      }
    }
    if let first = lookup.first {
      let isFirst = try rows.map { try content.inRow($0).holds(first) }
      rows = zip(rows, isFirst).filter(\.1).map(\.0) + zip(rows, isFirst).filter { !$0.1 }.map(\.0)
    }
    for index in rows.indices {
      rows[index]["\(prefix)index"] = .init(value: .integer(Int64(index + 1)), text: "\(index + 1)")
    }
    return rows
  }

  /// Whether a register leaves a record out. It is asked as the system: who prints need not know its rules.
  private func leavesOut(
    _ except: DocumentException?, _ content: DocumentContent, _ records: Records
  ) async throws -> Bool {
    guard let except else { return false }
    let value = try except.value.evaluate(in: content.context) { content[$0] }
    if value.isBlank { return false }
    let page = try await records.asSystem.list(
      ListQuery(
        except.register, filters: [ListFilter(except.field, .equals(value))],
        columns: try store.entity(except.register).storedFields.map(\.name), limit: 100))
    return try page.records.contains { rule in try except.when?.holds(in: content.context) { rule[$0] } ?? true }
  }

  /// At most ``maximumRows`` of many.
  private func ids(
    of lookup: DocumentLookup, _ register: EntityDeclaration, _ value: Value, _ records: Records
  ) async throws -> [Int64] {
    let page = try await records.list(
      ListQuery(
        register.name, filters: [ListFilter(lookup.field, .equals(value))], columns: ["id"],
        limit: lookup.isMany ? DocumentOffice.maximumRows : 1))
    return page.records.map(\.id).sorted()
  }

  /// The greatest household fits; a collective one is printed person by person.
  static let maximumRows = 60

  // MARK: Setting

  func pdf(
    _ template: DocumentTemplate, _ content: DocumentContent, title: String, author: String, at time: Instant,
    code: String?, valuesOnly: Bool = false
  ) throws -> [UInt8] {
    let proof = code.map { (url: DocumentOffice.link($0, publicOrigin), words: "扫码验证真伪\n\(DocumentOffice.spaced($0))") }
    let painter = DocumentPainter(
      template, title: title, author: author, at: time, proof: proof, valuesOnly: valuesOnly, origin: publicOrigin)
    try painter.paint(template.body, content)
    if template.page.width >= 160, painter.document.pageCount > 1 { painter.document.footer = .pageNumbers }
    return try painter.document.render()
  }

  static func link(_ code: String, _ origin: String) -> String { "\(origin)/verify/\(code)" }

  /// In groups of four, so that it can be read over the telephone.
  package static func spaced(_ code: String) -> String {
    var groups: [Substring] = []
    var rest = code[...]
    while !rest.isEmpty {
      groups.append(rest.prefix(4))
      rest = rest.dropFirst(4)
    }
    return groups.joined(separator: " ")
  }

  /// Twenty letters and digits without those that are taken for each other: a hundred bits nobody guesses.
  package func newCode() -> String {
    let alphabet = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ")
    return String(random.bytes(20).map { alphabet[Int($0) % alphabet.count] })
  }

  /// A document that is no issued one, such as an application form.
  ///
  /// - Parameters:
  ///   - slots: what the caller fills in.
  ///   - signatures: what its places for signatures hold.
  /// - Throws: ``Refusal`` `document-unknown`, `record-missing`.
  package func make(
    _ name: String, of id: Int64, slots: [String: [DocumentContent.Group]] = [:],
    signatures: [String: DocumentSignature] = [:], purpose: String, by principal: Principal, origin: Origin = .inside
  ) async throws -> [UInt8] {
    let template = try template(name)
    let reader = reader(template, for: principal, purpose: purpose, origin: origin)
    var content = try await store.database.transaction { transaction in
      try await self.content(
        template, of: id, reader.within(transaction),
        facts: ["paper_date": .date(store.clock.now().chinaTime.date), "paper_purpose": .text(purpose)])
    }
    content.slots = slots
    content.signatures = signatures
    return try pdf(template, content, title: template.label, author: "", at: store.clock.now(), code: nil)
  }
}
