package import Access
package import Audit
package import Core
import Crypto
package import Entities
package import Files
import SQL

/// Works reports out, and issues them: numbered, set once, never altered (业务报表、制式报表).
package struct ReportOffice: Sendable {
  /// 报表定义.
  package static let register = "business_report"
  /// 已出报表.
  package static let issued = "issued_report"
  package static let issue = Permission(register, "issue")

  package let store: RecordStore
  package let files: FileStore

  package init(store: RecordStore, files: FileStore) {
    self.store = store
    self.files = files
  }

  /// Enters the delivered reports into the register; what an administrator changed there stays.
  package func publish(_ definitions: ReportDefinitions) async throws {
    try await store.transaction(as: .system, purpose: "登记报表定义") { records in
      for (report, text) in definitions.all {
        let known = try await records.find(ReportOffice.register, where: "name", equals: .text(report.name))
        guard let known else {
          try await records.insert(
            ReportOffice.register, ["definition": .text(text), "delivered": .boolean(true)], input: .code)
          continue
        }
        if known["adapted"].boolean != true, known["definition"] != .text(text) {
          try await records.update(
            ReportOffice.register, known.id, version: nil, ["definition": .text(text)], input: .code)
        }
      }
    }
  }

  /// The report of an entry of the register.
  ///
  /// - Throws: ``Refusal`` `report-off` for one that is switched off, `report-wrong` for one that no longer goes with the
  ///   registers.
  package func definition(of entry: Record) throws(Refusal) -> ReportDefinition {
    guard entry["active"].boolean == true else {
      throw Refusal(.conflict, "report-off", "“\(entry["label"].text ?? "")”已停用，不能统计。需要时请管理员启用。")
    }
    let (report, findings) = ReportReader.read(entry["definition"].text ?? "", in: store.catalog)
    guard let report else {
      let first = findings.first.map { "：\($0.message)" } ?? ""
      throw Refusal(.unprocessable, "report-wrong", "“\(entry["label"].text ?? "")”的定义与现在的登记表不相符\(first)。请管理员修改定义。")
    }
    return report
  }

  /// The numbers as they stand now, within the scope of `principal`.
  package func count(
    _ report: ReportDefinition, _ span: ReportSpan, as principal: Principal, origin: Origin = .inside
  ) async throws -> ReportTable {
    let records = store.records(as: principal, purpose: "统计\(report.label)", origin: origin)
    return try await ReportCount(report: report, span: span, records: records).table()
  }

  /// Works a report out and keeps it as it is then: a number, a PDF, a workbook and a document for Word.
  ///
  /// - Parameter plan: the plan that asked for it.
  /// - Returns: the entry of the issued report.
  package func issue(
    _ entry: Record, _ span: ReportSpan, by principal: Principal, plan: Int64? = nil, origin: Origin = .inside
  ) async throws -> Record {
    let counted = try await counted(entry, span, by: principal, origin: origin)
    return try await store.database.transaction { try await keep(counted, plan: plan, in: $0) }
  }

  /// A report whose numbers are worked out, and that waits to be kept.
  struct Counted: Sendable {
    let entry: Record
    let report: ReportDefinition
    let span: ReportSpan
    let table: ReportTable
    let principal: Principal
    let unit: UnitMembership
    let origin: Origin
  }

  /// The first half of ``issue(_:_:by:plan:origin:)``, which writes nothing.
  func counted(
    _ entry: Record, _ span: ReportSpan, by principal: Principal, origin: Origin = .inside
  ) async throws -> Counted {
    try principal.require(ReportOffice.issue, toDo: "出具报表")
    guard let unit = principal.unit else {
      throw Refusal(.forbidden, "report-unit", "您没有所属机构，不能出具报表。请管理员为账号设置机构。")
    }
    let report = try definition(of: entry)
    return Counted(
      entry: entry, report: report, span: span,
      table: try await count(report, span, as: principal, origin: origin), principal: principal, unit: unit,
      origin: origin)
  }

  /// The second half: number and files.
  func keep(_ counted: Counted, plan: Int64?, in transaction: Transaction) async throws -> Record {
    let (report, span, table, unit) = (counted.report, counted.span, counted.table, counted.unit)
    let principal = counted.principal
    let now = store.clock.now()
    let writer = principal.entrusted(with: [ReportOffice.issued])
    let records = store.records(as: writer, purpose: "出具报表", origin: counted.origin).within(transaction)
    var values: [String: Value] = [
      "report_id": .integer(counted.entry.id), "label": .text(report.label), "form": .text(report.form.rawValue),
      "since": .date(span.since), "until": .date(span.until), "span_text": .text(span.text),
      "unit_id": .integer(unit.id), "issued_at": .instant(now),
      "definition_version": .integer(Int64(counted.entry.version)),
      "row_count": .integer(Int64(table.rows.count)), "state": .text("valid"),
      "issued_by": principal.kind == .user ? .integer(principal.id) : .null,
    ]
    values["division_code"] = unit.division.isEmpty ? .null : .text(unit.division)
    values["report_plan_id"] = plan.map { .integer($0) } ?? .null
    let made = try await records.insert(ReportOffice.issued, values.filter { !$0.value.isNull }, input: .code)
    let number = made["number"].text ?? ""
    let paper = ReportPaper(
      report: report, span: span, table: table, number: number, unit: unit.name, author: principal.name, at: now)
    let pdf = try paper.pdf()
    let workbook = try paper.xlsx(in: files.folder)
    let document = try paper.docx(in: files.folder)
    let name = "\(report.label)-\(span.text)-\(number)"
    let kept = try await (
      files.put(bytes: pdf, name: "\(name).pdf", by: principal, in: transaction).key,
      files.put(bytes: workbook, name: "\(name).xlsx", by: principal, in: transaction).key,
      files.put(bytes: document, name: "\(name).docx", by: principal, in: transaction).key
    )
    return try await records.update(
      ReportOffice.issued, made.id, version: nil,
      [
        "file": .text(kept.0), "workbook": .text(kept.1), "document": .text(kept.2),
        "digest": .text(Hex.encode(Digest.sm3(pdf))),
      ], input: .code)
  }
}

extension ReportOffice {
  /// The file of an issued report, counted as printed.
  ///
  /// - Throws: ``Refusal`` `report-void` for one that is void.
  package func print(_ id: Int64, by principal: Principal, origin: Origin = .inside) async throws -> StoredFile {
    try await store.database.transaction { transaction in
      let seen = try await store.records(as: principal, origin: origin).within(transaction).get(ReportOffice.issued, id)
      guard seen["state"].text == "valid", let key = seen["file"].text else {
        throw Refusal(.gone, "report-void", "报表 \(seen["number"].text ?? "") 已作废，不再打印。原文件可在记录里查看。")
      }
      let writer = store.records(
        as: principal.entrusted(with: [ReportOffice.issued]), purpose: "打印报表", origin: origin
      ).within(transaction)
      try await writer.update(
        ReportOffice.issued, id, version: nil,
        [
          "prints": .integer((seen["prints"].integer ?? 0) + 1), "printed_at": .instant(store.clock.now()),
        ], input: .code)
      return try await files.find(key)
    }
  }
}
