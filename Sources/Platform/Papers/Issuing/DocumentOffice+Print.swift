package import Access
package import Audit
import Core
import Entities
package import Files
import SQL

extension DocumentOffice {
  /// How a document leaves the ledger.
  package enum Way: String, Sendable, CaseIterable {
    /// 打印: the whole sheet.
    case print
    /// 套打: values only, on a preprinted form.
    case overlay
    /// 下载: by the holder.
    case download
  }

  /// Seconds in which somebody may fetch what they have just printed.
  package static let printingTime: Int64 = 900

  /// Notes a printing; the first needs no reason, every further one a right and a reason (补打).
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `document-missing`, `document-void`, `reason-missing`.
  package func print(
    _ id: Int64, _ way: Way, reason: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("paper", "print"), toDo: "打印证照")
    guard try await store.records(as: principal).reaches(IssuedDocument.entity, id) else {
      throw DocumentOffice.missing
    }
    try await note(id, way, reason: reason, by: principal, origin: origin)
  }

  /// Notes that the holder takes an electronic copy; the caller has judged that it is theirs.
  package func download(_ id: Int64, by principal: Principal, origin: Origin = .inside) async throws -> StoredFile {
    try await note(id, .download, reason: "本人下载", by: principal, origin: origin)
    return try await file(id, .download, principal)
  }

  private func note(_ id: Int64, _ way: Way, reason: String, by principal: Principal, origin: Origin) async throws {
    let reason = String(TextForms.trimmed(reason).prefix(200))
    try await settle(id)
    try await store.database.transaction { transaction in
      let ledger = ledger(principal, origin).within(transaction)
      // Locked, so that two who print at once are counted as two.
      try await transaction.execute("select pg_advisory_xact_lock(hashtextextended(\("paper:\(id)"), 0))")
      let entry = try await ledger.get(IssuedDocument.entity, id, reveal: true)
      guard entry[IssuedDocument.state] == "valid" else {
        throw Refusal(.conflict, "document-void", "这份证照已作废，不能再打印。需要时请重新签发。")
      }
      let prints = entry[IssuedDocument.prints] ?? 0
      if way != .download, prints > 0 {
        try principal.require(Permission("paper", "reprint"), toDo: "再次打印证照")
        guard !reason.isEmpty else {
          throw Refusal(.invalid, "reason-missing", "这份证照已打印 \(prints) 次。请写明再次打印的原因，会记入台账。", field: "reason")
        }
      }
      if way == .overlay, entry[IssuedDocument.overlay] == nil {
        throw Refusal(.unprocessable, "document-overlay", "这份证照没有套打格式。请打印整页。")
      }
      let now = store.clock.now()
      var values: [String: Value] = [
        IssuedDocument.reference: .integer(id), "way": .text(way.rawValue), "printed_at": .instant(now),
        "printed_by": principal.kind == .user ? .integer(principal.id) : .null,
        "reason": reason.isEmpty ? .null : .text(reason),
      ]
      for name in ["division_code", "unit_id"] { values[name] = entry[name] }
      try await ledger.insert(IssuedDocument.printing, values.filter { !$0.value.isNull }, input: .code)
      if way != .download {
        try await ledger.update(
          IssuedDocument.entity, id, version: nil, ["prints": .integer(prints + 1), "printed_at": .instant(now)],
          input: .code)
      }
    }
  }

  /// The file of a document that `principal` has just printed.
  ///
  /// - Throws: ``Refusal`` `document-not-printed` when the printing was longer ago than ``printingTime``.
  package func file(_ id: Int64, _ way: Way, _ principal: Principal) async throws -> StoredFile {
    let ledger = ledger(principal, .inside)
    let noted = try await ledger.list(
      ListQuery(
        IssuedDocument.printing,
        filters: [
          ListFilter(IssuedDocument.reference, .equals(.integer(id))),
          ListFilter("printed_by", .equals(.integer(principal.id))), ListFilter("way", .equals(.text(way.rawValue))),
          ListFilter(
            "printed_at", .range(from: .instant(store.clock.now() + -DocumentOffice.printingTime), to: nil)),
        ], columns: ["id"], limit: 1))
    guard principal.kind == .user, !noted.records.isEmpty else {
      throw Refusal(.forbidden, "document-not-printed", "打印链接已失效。请回到证照页面重新点“打印”。")
    }
    let entry = try await ledger.get(IssuedDocument.entity, id, reveal: true)
    guard let key = way == .overlay ? entry[IssuedDocument.overlay] : entry[IssuedDocument.file] else {
      throw DocumentOffice.missing
    }
    return try await files.find(key)
  }

  static let missing = Refusal(.notFound, "document-missing", "没有找到这份证照：编号不对，或不在您的数据范围内。请从台账重新进入。")
}
