package import Access
package import Audit
package import Core
import Crypto
package import Entities
package import Files
package import Messaging
package import SQL

/// Works out what the audit of a period comes to, and issues it as a report that stays (审计报告, C-616).
package struct AuditOffice: Sendable {
  /// 已出审计报告.
  package static let register = "audit_report"
  /// Summing the audit up, which is more than reading it line by line.
  package static let report = Permission("audit", "report")

  private let store: RecordStore
  private let files: FileStore
  private let owner: Database
  private let keys: AuditKeys
  private let parameters: Parameters
  private let messages: MessageCenter
  private let auditors: @Sendable (Transaction) async throws -> [Int64]

  /// - Parameters:
  ///   - owner: may read the audit, as the server otherwise may not.
  ///   - auditors: who is told of a report that was made by itself.
  package init(
    store: RecordStore, files: FileStore, owner: Database, keys: AuditKeys, parameters: Parameters,
    messages: MessageCenter, auditors: @escaping @Sendable (Transaction) async throws -> [Int64]
  ) {
    self.store = store
    self.files = files
    self.owner = owner
    self.keys = keys
    self.parameters = parameters
    self.messages = messages
    self.auditors = auditors
  }

  package var today: CivilDate { store.clock.today() }

  /// The figures as they stand now, without proof of the chain; the look is audited.
  package func look(_ span: ReportSpan, by principal: Principal, origin: Origin = .inside) async throws -> AuditSheet {
    try principal.require(AuditOffice.report, toDo: "汇总审计日志")
    let sheet = try await sheet(span, chain: nil)
    try await store.database.transaction { transaction in
      try await store.audit.append(
        AuditEntry(
          principal, "audit.report", entity: "audit", origin: origin,
          details: ["since": .string("\(span.since)"), "until": .string("\(span.until)")]), in: transaction)
    }
    return sheet
  }

  /// Proves the chain, works the figures out and keeps them: a number, a PDF, a workbook and a document for Word.
  ///
  /// - Returns: the entry of the register.
  package func issue(
    _ span: ReportSpan, by principal: Principal, origin: Origin = .inside
  ) async throws -> Record {
    try principal.require(AuditOffice.report, toDo: "出具审计报告")
    let sheet = try await sheet(span, chain: AuditVerifier(database: owner, keys: keys).verify())
    return try await store.database.transaction { transaction in
      try await keep(sheet, by: principal, cycle: nil, origin: origin, in: transaction)
    }
  }

  /// Issues the last period that is over, once, and tells the auditors (按周期出具).
  ///
  /// - Returns: whether there was something to issue.
  @discardableResult
  package func issueDue() async throws -> Bool {
    guard let period = StatisticsRole.Period(rawValue: try parameters.text("audit.cycle")) else { return false }
    let span = ReportSpan.latest(period, before: today)
    let cycle = "\(period.rawValue) \(span.until)"
    let system = store.records(as: .system, purpose: "按周期出具审计报告")
    guard try await system.find(AuditOffice.register, where: "cycle", equals: .text(cycle)) == nil else { return false }
    let sheet = try await sheet(span, chain: AuditVerifier(database: owner, keys: keys).verify())
    guard sheet.totals.entries > 0 else { return false }
    let attaches = try parameters.boolean("audit.attach")
    do {
      try await store.database.transaction { transaction in
        let made = try await keep(sheet, by: .system, cycle: cycle, origin: .inside, in: transaction)
        try await messages.send(
          "audit_report_ready", to: try await auditors(transaction).map { .user($0) },
          [
            "span": span.text, "number": made["number"].text ?? "", "remarks": String(sheet.remarks.count),
            "chain": sheet.chain?.isIntact == true ? "完整" : "不完整，请立即核查",
          ], link: "\(made.id)", key: "audit-report \(cycle)",
          attachments: attaches ? [made["file"].text].compactMap(\.self) : [], in: transaction)
      }
    } catch let refusal as Refusal where refusal.code == "duplicate" {
      // Another node was quicker.
      return false
    }
    return true
  }

  private func sheet(_ span: ReportSpan, chain: AuditReport?) async throws -> AuditSheet {
    let night = (from: try parameters.integer("audit.night_from"), until: try parameters.integer("audit.night_until"))
    let limits = AuditLimits(
      failures: try parameters.integer("audit.failures"), refusals: try parameters.integer("audit.refusals"),
      looks: try parameters.integer("audit.looks"), times: try parameters.integer("audit.times"))
    let catalog = store.catalog
    let survey = try await AuditSurvey.read(
      from: span.since, to: span.until, personal: catalog.entities.filter(\.personal).map(\.name), night: night,
      in: owner)
    let warnings = try await store.records(as: .system, purpose: "审计报告").aggregate(
      AggregateQuery(
        "access_warning",
        filters: [
          ListFilter("found_at", .range(from: .instant(span.since.start), to: .instant(span.until.end)))
        ], groups: [.init("kind"), .init("state")]))
    return AuditSheet(
      span, survey, remarks: survey.remarks(limits, night: night),
      warnings: warnings.map { ($0.labels[0], $0.labels[1], $0.measures.first?.integer ?? 0) }, chain: chain,
      catalog: catalog)
  }

  private func keep(
    _ sheet: AuditSheet, by principal: Principal, cycle: String?, origin: Origin, in transaction: Transaction
  ) async throws -> Record {
    let now = store.clock.now()
    let records = store.records(
      as: principal.entrusted(with: [AuditOffice.register]), purpose: "出具审计报告", origin: origin
    ).within(transaction)
    var values: [String: Value] = [
      "since": .date(sheet.span.since), "until": .date(sheet.span.until), "span_text": .text(sheet.span.text),
      "issued_at": .instant(now), "entries": .integer(sheet.totals.entries),
      "remarks": .integer(Int64(sheet.remarks.count)), "chain_checked": .integer(sheet.chain?.checked ?? 0),
      "chain": .text(sheet.chain?.isIntact == true ? "intact" : "broken"),
    ]
    if let unit = principal.unit { values["unit_id"] = .integer(unit.id) }
    if principal.kind == .user { values["issued_by"] = .integer(principal.id) }
    if let hash = sheet.chain?.lastHash, !hash.isEmpty { values["chain_hash"] = .text(hash) }
    if let cycle { values["cycle"] = .text(cycle) }
    let made = try await records.insert(AuditOffice.register, values, input: .code)
    let number = made["number"].text ?? ""
    let paper = AuditPaper(
      sheet: sheet, number: number, unit: principal.unit?.name ?? "", author: principal.name, at: now)
    let pdf = try paper.pdf()
    let name = "审计报告-\(sheet.span.text)-\(number)"
    let kept = try await (
      files.put(bytes: pdf, name: "\(name).pdf", by: principal, in: transaction).key,
      files.put(bytes: paper.xlsx(in: files.folder), name: "\(name).xlsx", by: principal, in: transaction).key,
      files.put(bytes: paper.docx(in: files.folder), name: "\(name).docx", by: principal, in: transaction).key
    )
    return try await records.update(
      AuditOffice.register, made.id, version: nil,
      [
        "file": .text(kept.0), "workbook": .text(kept.1), "document": .text(kept.2),
        "digest": .text(Hex.encode(Digest.sm3(pdf))),
      ], input: .code)
  }
}
