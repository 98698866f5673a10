import Access
import Core
import Documents
import Entities
import HTTP
import Shell
import Site

/// The filtered list as a file.
extension ExchangeRoutes {
  func askExport(_ visit: Visit) async throws -> Response {
    let entity = try pages.register(visit, to: "export").entity
    let items = pages.remembering(visit, entity)
    let draft = try ExportDraft(entity, items, for: visit.principal)
    return try await page(draft, visit, errors: [])
  }

  private func page(_ draft: ExportDraft, _ visit: Visit, errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    var query = draft.query
    query.columns = nil
    let count = try await store.records(as: visit.principal, origin: visit.request.origin)
      .exportCount(query, upTo: ExportDraft.Format.xlsx.limit + 1)
    return try await ExportPage(draft: draft, count: count, errors: errors, visit: visit).response(status: status)
  }

  func export(_ visit: Visit) async throws -> Response {
    let entity = try pages.register(visit, to: "export").entity
    let draft = try ExportDraft(
      entity, try await visit.request.body.form().fields, for: visit.principal)
    guard draft.errors.isEmpty else { return try await page(draft, visit, errors: draft.errors, status: 422) }
    let records = store.records(as: visit.principal, purpose: draft.statedPurpose, origin: visit.request.origin)
    let limit = draft.format.limit
    guard try await records.exportCount(draft.query, upTo: limit + 1) <= limit else {
      return try await page(draft, visit, errors: [ExchangeRoutes.tooMany(draft.format)], status: 413)
    }
    let table = ExportTable(fields: draft.fields, catalog: store.catalog)
    let name = "\(entity.label)-\(site.clock.today())"
    switch draft.format {
    case .csv: return csv(table, of: draft.query, records, named: name)
    case .xlsx: return try await xlsx(table, of: draft.query, records, named: name, sheet: entity.label)
    }
  }

  private static func tooMany(_ format: ExportDraft.Format) -> FieldError {
    let limit = grouped(format.limit)
    let message =
      switch format {
      case .xlsx: "筛选出的记录超过 \(limit) 条，Excel 工作簿放不下，没有导出。请改用 CSV，或增加筛选条件。"
      case .csv: "筛选出的记录超过 \(limit) 条，没有导出。请增加筛选条件分几次导出。"
      }
    return FieldError("export.format", message)
  }

  private func csv(_ table: ExportTable, of query: ListQuery, _ records: Records, named name: String) -> Response {
    var response = Response.stream(type: "text/csv; charset=utf-8") { writer in
      let encoder = CSVEncoder()
      var head: [UInt8] = []
      encoder.begin(into: &head)
      encoder.encode(table.fields.map(\.label), into: &head)
      try await writer.write(head)
      _ = try await records.export(query) { batch in
        var bytes: [UInt8] = []
        for record in batch { encoder.encode(table.cells(of: record).lazy.map(\.text), into: &bytes) }
        try await writer.write(bytes)
      }
    }
    response.attach(as: "\(name).csv")
    return response
  }

  /// A workbook is complete only at its end, so it is put together before the first byte is sent.
  private func xlsx(
    _ table: ExportTable, of query: ListQuery, _ records: Records, named name: String, sheet: String
  ) async throws -> Response {
    let file = try temporaryFile()
    let writer = try WorksheetWriter(path: file.path, sheet: sheet, created: site.clock.now(), table: table)
    _ = try await records.export(query, cap: ExportDraft.Format.xlsx.limit) { batch in
      try await writer.append(batch)
    }
    try await writer.finish()
    return file.response(named: "\(name).xlsx")
  }
}

extension TemporaryFile {
  /// The workbook, offered for saving; the file goes once it is sent.
  func response(named name: String) -> Response {
    var response = Response.stream(type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") {
      writer in
      try await self.read { try await writer.write($0) }
    }
    response.attach(as: name)
    return response
  }
}
