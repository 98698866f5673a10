import Access
import Audit
import Core
import Entities
import Files
import Identity
import Papers
import Processes
import SQL

/// The registers of archives (电子档案), by name.
package enum Archive {
  package static let entity = "archive"
  package static let item = "archive_item"
  package static let box = "archive_box"
  package static let version = "archive_version"
  package static let printing = "archive_print"

  /// The kind of line that a notice has (告知书).
  static let notice = "notice"
  /// The kind of line that a signed application has.
  static let signed = "signed"

  /// Kept when no rule says otherwise.
  static let standardRetention = "D30"

  /// Row-level security of the registers is opened for what the system does with them.
  static let openScope: SQL = """
    select set_config('lifang.scope_archive', '{"all":true}', true),
      set_config('lifang.scope_archive_item', '{"all":true}', true),
      set_config('lifang.scope_archive_version', '{"all":true}', true)
    """
}

/// Filing by itself (自动归档): a case gets its archive when it is completed (C-045) or refused (C-278), and already when it
/// was approved and only waits for its originals (预归档, C-020).
extension CaseStore {
  /// Makes or completes the archive of a case after a move.
  func file(
    _ state: CaseState, before: ProcessInstance?, _ contents: CaseContents, by principal: Principal,
    in transaction: Transaction
  ) async throws {
    let isOver = state.instance.state == .finished && before?.state != .finished
    let isRefused = state.instance.variables["outcome"]?.text == "refused"
    // The outside hands everything over; what is refused there was refused inside and is filed inside.
    if isRefused && isOutside || state.item.isInternal { return }
    let waits = state.awaitsOriginals && state.record["applicant_user_id"]?.isBlank == false
    guard isOver || waits else { return }
    let writer = principal.entrusted(
      with: [Archive.entity, Archive.item, Archive.box, Archive.version, ServiceCase.entity, "unit"])
    let records = store.records(as: writer, purpose: "归档").within(transaction).plain
    let record = try await contents.record
    let category = record["category"].text ?? ""
    let read = try await transaction.pipeline([
      Archive.openScope,
      "select id from archive where service_case_id = \(state.id)",
      "select code, parent_id from unit where id = \(record["unit_id"].integer ?? 0)",
      """
      select retention from archive_rule where starts_with(\(category), category)
      order by length(category) desc limit 1
      """,
    ])
    let known = try read[1].first?.get("id", as: Int64.self)
    if !isOver, known != nil { return }
    var values: [String: Value] = [:]
    if known == nil {
      values = try opening(record, state, unit: read[2].first, retention: try read[3].first?.get("retention"))
    }
    guard isOver else {
      values.merge(try await place(of: values, read[2].first, records, in: transaction)) { _, new in new }
      try await records.insert(Archive.entity, values, input: .code)
      return
    }
    let reader = store.records(as: .system, purpose: "归档").within(transaction).plain
    let materials = try await reader.attached(ServiceCase.material, to: state.id, reveal: true)
    // Nobody brings the originals of what was refused.
    let missing =
      isRefused
      ? 0
      : materials.count {
        $0["state"].text == HandedMaterial.Way.promised.rawValue && ($0["files"].list ?? []).isEmpty
      }
    let now = store.clock.now()
    values.merge([
      "missing": .integer(Int64(missing)), "state": .text(missing == 0 ? "archived" : "pre_archived"),
      "finished_at": .instant(now), "filed_at": missing == 0 ? .instant(now) : .null,
    ]) { _, new in new }
    let earlier = if let known { try await records.attached(Archive.item, to: known) } else { [Record]() }
    var lines = try await lines(of: materials, behind: earlier, in: transaction)
    lines += try await sheets(
      of: state.id, behind: earlier, first: earlier.count + lines.count + 1, reader, in: transaction)
    if isRefused {
      lines += try await notices(
        of: state.id, behind: earlier, first: earlier.count + lines.count + 1, reader, in: transaction)
    }
    if let known {
      for line in lines { try await records.insert(Archive.item, line.values(of: known, record), input: .code) }
      try await records.update(Archive.entity, known, version: nil, values, input: .code)
      try await ArchiveDigest.renew(
        known, because: earlier.isEmpty ? "归档" : "重新办理后归档", by: principal, records, in: transaction)
    } else {
      try await enter(values, lines, contents, unit: read[2].first, by: principal, records, in: transaction)
    }
  }

  /// Enters a whole archive at once, with the digest over what is entered. Its place in a box comes late: until the end
  /// of the transaction everybody else who completes a case of the station waits for the next.
  private func enter(
    _ values: [String: Value], _ lines: [ArchiveLine], _ contents: CaseContents, unit: Row?, by principal: Principal,
    _ records: Records, in transaction: Transaction
  ) async throws {
    let record = try await contents.record
    let number = try await records.number(for: Archive.entity, values)
    let parts = try await ArchiveDigest.parts(
      of: lines, case: record, form: try await contents.form, upTo: nil, store.catalog, in: transaction)
    let digest = parts.digest(number: number, caseNumber: record["number"].text ?? "")
    var made = values.merging([
      "number": .text(number), "digest": .text(digest), "parts": .json(parts.json),
      "item_count": .integer(Int64(lines.count)), "file_count": .integer(lines.reduce(0) { $0 + $1.fileCount }),
    ]) { first, _ in first }
    made.merge(try await place(of: values, unit, records, in: transaction)) { _, new in new }
    let archive = try await records.insert(Archive.entity, made.filter { !$0.value.isNull }, input: .code).id
    for line in lines { try await records.insert(Archive.item, line.values(of: archive, record), input: .code) }
    try await ArchiveVersion(
      reason: "归档", itemCount: Int64(lines.count), fileCount: lines.reduce(0) { $0 + $1.fileCount }, digest: digest,
      parts: parts
    ).add(to: archive, number: number, place: made, by: principal, records, in: transaction)
    try await ArchiveDigest.seal(archive, digest, records, in: transaction)
  }

  /// What the record of an archive begins with, but for its place in a box.
  private func opening(_ record: Record, _ state: CaseState, unit: Row?, retention: String?) throws -> [String: Value] {
    let subject = record["subject_name"].isBlank ? "applicant" : "subject"
    let values: [String: Value] = [
      ServiceCase.reference: .integer(state.id), "case_number": record["number"], "item_label": record["item_label"],
      "category": .text(record["category"].text ?? ""), "applicant_name": record["applicant_name"],
      "subject_name": record["\(subject)_name"], "subject_document": record["\(subject)_document"],
      "division_code": record["division_code"], "unit_id": record["unit_id"],
      "fonds": .text(try unit?.get("code", as: String.self) ?? "000"),
      "year": .integer(Int64(store.clock.now().chinaTime.date.year)),
      "retention": .text(retention ?? Archive.standardRetention), "state": .text("pre_archived"),
      "accepted_at": record["submitted_at"],
    ]
    return values.filter { !$0.value.isNull }
  }

  /// The box of an archive and its place there, as fields: the next in the box of its station, year, class and
  /// retention; a new box when the last is full.
  ///
  /// Two cases never take the same place: the box is locked with its count, and boxes of a station are opened one at a time.
  private func place(of archive: [String: Value], _ unit: Row?, _ records: Records, in transaction: Transaction)
    async throws -> [String: Value]
  {
    let category = archive["category"]?.text ?? ""
    let kind = category.split(separator: "/").first.map { TextForms.trimmed(String($0)) } ?? category
    let station = archive["unit_id"]?.integer ?? 0
    let next: SQL = """
      update archive_box set held = held + 1, version = version + 1, updated_at = greatest(\(store.clock.now()), updated_at),
        updated_by = \(records.principal.actor)
      where id = (
        select id from archive_box
        where unit_id = \(station) and year = \(archive["year"]?.integer ?? 0) and category = \(kind)
          and retention = \(archive["retention"]?.text ?? "") and held < capacity
        order by id limit 1 for update)
      returning id, held
      """
    var found = try await transaction.query(next).first
    if found == nil {
      found = try await transaction.pipeline([
        "select pg_advisory_xact_lock(hashtextextended('archive_box', \(station)))", next,
      ])[1].first
    }
    if let found {
      return ["box_id": .integer(try found.get("id")), "position": .integer(try found.get("held"))]
    }
    var opened = archive.filter { ["unit_id", "division_code", "fonds", "year", "retention"].contains($0.key) }
    opened["category"] = .text(kind)
    opened["held"] = .integer(1)
    opened["store_id"] = try unit?.get("parent_id", as: Int64?.self).map { .integer($0) }
    return [
      "box_id": .integer(try await records.insert(Archive.box, opened, input: .code).id), "position": .integer(1),
    ]
  }

  /// Lines of the catalogue for materials that have none yet; what was replaced after a reopening is a further line.
  ///
  /// - Parameter known: lines that the archive has.
  private func lines(of materials: [Record], behind known: [Record], in transaction: Transaction) async throws
    -> [ArchiveLine]
  {
    let seen = try await ArchiveDigest.known(of: known.map(\.id), in: transaction)
    let stored = try await ArchiveDigest.files(materials.flatMap { $0["files"].list ?? [] }, in: transaction)
    var lines: [ArchiveLine] = []
    for material in materials {
      let keys = material["files"].list ?? []
      let entries = JSON.array(keys.compactMap { stored[$0] })
      if !known.isEmpty, ArchiveDigest.digests(.json(entries)).allSatisfy({ seen.contains($0) }) { continue }
      lines.append(
        ArchiveLine(
          position: Int64(known.count + lines.count + 1), kind: "material", label: material["label"].text ?? "",
          note: store.catalog.dictionary("material_state")?.label(of: material["state"].text ?? "") ?? "",
          entries: entries, fileCount: Int64(keys.count)))
    }
    return lines
  }

  /// A line for each application that was signed electronically, as it was signed, which has none yet.
  private func sheets(
    of id: Int64, behind known: [Record], first: Int, _ reader: Records, in transaction: Transaction
  ) async throws -> [ArchiveLine] {
    let signed = try await reader.attached(ServiceCase.signature, to: id, reveal: true)
    if signed.isEmpty { return [] }
    let seen = try await ArchiveDigest.known(of: known.map(\.id), in: transaction)
    var lines: [ArchiveLine] = []
    for signature in signed {
      guard let key = signature["sheet"].text else { continue }
      let entries = try await ArchiveDigest.entries([key], in: transaction)
      if !ArchiveDigest.digests(.json(entries)).allSatisfy({ !seen.contains($0) }) { continue }
      lines.append(
        ArchiveLine(
          position: Int64(first + lines.count), kind: Archive.signed, label: "申请表（已签名）",
          documentNumber: signature["code"].text ?? "",
          note: store.catalog.dictionary("signature_method")?.label(of: signature["method"].text ?? "") ?? "",
          entries: entries, fileCount: 1))
    }
    return lines
  }

  /// A line for each notice that the case resulted in and that has none yet.
  private func notices(
    of id: Int64, behind known: [Record], first: Int, _ reader: Records, in transaction: Transaction
  ) async throws -> [ArchiveLine] {
    let seen = try await ArchiveDigest.known(of: known.map(\.id), in: transaction)
    let issued = try await reader.list(
      ListQuery(
        IssuedDocument.entity, filters: [ListFilter(ServiceCase.reference, .equals(.integer(id)))],
        columns: ["number", "label", "file"], limit: 20)
    ).records
    var lines: [ArchiveLine] = []
    for document in issued {
      guard let key = document["file"].text ?? document["file"].list?.first else { continue }
      let entries = try await ArchiveDigest.entries([key], in: transaction)
      if !ArchiveDigest.digests(.json(entries)).allSatisfy({ !seen.contains($0) }) { continue }
      lines.append(
        ArchiveLine(
          position: Int64(first + lines.count), kind: Archive.notice, label: document["label"].text ?? "",
          documentNumber: document["number"].text ?? "", note: "", entries: entries, fileCount: 1))
    }
    return lines
  }
}

extension CaseState {
  /// Whether the case was approved and waits for papers only: its open step takes in materials, stops the clock and is
  /// the office's.
  var awaitsOriginals: Bool { instance.awaitsOriginals(in: process) }
}

extension ProcessInstance {
  fileprivate func waitsForPapers(_ rule: StepRule) -> Bool {
    rule.edits == [.materials] && rule.pausesClock && rule.handler != .starter
  }

  /// See ``CaseState/awaitsOriginals``.
  func awaitsOriginals(in process: RunnableProcess) -> Bool {
    state == .running && openVisits.contains { process.rule(of: $0.node).map(waitsForPapers) == true }
  }
}
