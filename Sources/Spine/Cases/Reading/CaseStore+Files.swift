package import Access
package import Audit
package import Core
import Entities
import Identity
import SQL

/// Why somebody may see a file of a case, and how.
package struct CaseFileAccess: Sendable, Hashable {
  /// By which right somebody sees a file.
  package enum Ground: Sendable, Hashable {
    /// Whoever handed it in.
    case applicant
    /// Whoever has an open task in the case.
    case task
    /// A registered reading (档案调阅).
    case reading(CaseReading)
  }

  package let ground: Ground

  /// Whether the file itself is handed over; a reader gets pages that carry who looks and when.
  package var givesOriginal: Bool { if case .reading = ground { false } else { true } }
}

/// How much of a file somebody looks at (查看方式), for the audit.
package enum CaseFileLook: Sendable, Hashable {
  /// Nothing of it yet: only whether they may.
  case none
  /// A small picture. Of a material it shows little; of a signature all there is, so that look is entered.
  case thumbnail
  /// A page, from 1.
  case page(Int)
  /// The file itself.
  case original
}

extension CaseStore {
  /// Whether somebody may see a file that belongs to a case now: the look is entered in the audit.
  ///
  /// - Throws: ``Refusal`` `case-missing`, `file-missing`, `reading-due` for somebody who first has to register why.
  package func openFile(
    _ key: String, of id: Int64, _ look: CaseFileLook, as principal: Principal, origin: Origin = .inside
  ) async throws -> CaseFileAccess {
    try await store.database.transaction { transaction in
      guard
        let starter = try await transaction.query("select starter_id from case_process where case_id = \(id)").first
      else { throw CaseStore.missing }
      let reading =
        principal.kind == .user ? try await reading(of: id, by: principal.id, in: transaction) : nil
      let access = try await access(
        to: id, starter: try starter.get("starter_id"), reading: reading, principal, in: transaction)
      guard let owner = try await owner(of: key, id, in: transaction) else {
        throw Refusal(.notFound, "file-missing", "没有找到这个文件，它可能已被换掉。请回到办件页面查看现在的材料。")
      }
      let ground: CaseFileAccess.Ground
      var purpose = "查看本人办件"
      if access == .applicant {
        ground = .applicant
      } else if let label = try await openTask(id, principal, in: transaction) {
        ground = .task
        purpose = "办理办件：\(label)"
      } else if let reading {
        ground = .reading(reading)
        purpose = "调阅 \(reading.number)：\(reading.purpose)"
      } else {
        throw CaseStore.readingDue
      }
      let seen: (String, JSON)? =
        switch look {
        case .none: nil
        case .thumbnail: owner == ServiceCase.signature ? ("page", 1) : nil
        case .page(let page): ("page", .int(Int64(page)))
        case .original: ("original", true)
        }
      if let seen {
        try await store.audit.append(
          AuditEntry(
            principal, "case_material.open", entity: ServiceCase.entity, record: id, purpose: purpose, origin: origin,
            details: .object([("file", .string(String(key.prefix(8)))), seen])), in: transaction)
      }
      return CaseFileAccess(ground: ground)
    }
  }

  package static let readingDue = Refusal(
    .forbidden, "reading-due", "查看材料影像要先登记调阅事由。请回到办件页面，选择“查阅材料影像”。")

  /// What was added to the archive of a case after it was filed: scans, supplements, corrections.
  ///
  /// Only for whoever ``openFile(_:of:_:as:origin:)`` lets see the case's files.
  package func addedFiles(of id: Int64) async throws -> [(key: String, label: String)] {
    try await store.database.transaction { transaction in
      try await transaction.pipeline([
        Archive.openScope,
        """
        select unnest(i.files) as key, i.label from archive_item i join archive a on a.id = i.archive_id
        where a.service_case_id = \(id) order by i.position, i.id
        """,
      ])[1].map { (key: try $0.get("key"), label: try $0.get("label")) }
    }
  }

  /// The register that the file stands in: a material or signature of the case, or what was added to its archive; `nil` for
  /// none of them.
  private func owner(of key: String, _ id: Int64, in transaction: Transaction) async throws -> String? {
    let rows = try await transaction.pipeline([
      """
      select set_config('lifang.scope_case_material', '{"all":true}', true),
        set_config('lifang.scope_case_signature', '{"all":true}', true),
        set_config('lifang.scope_archive', '{"all":true}', true),
        set_config('lifang.scope_archive_item', '{"all":true}', true)
      """,
      """
      select r.entity from file_reference r join case_material m on r.entity = 'case_material' and m.id = r.record_id
      where r.key = \(key) and m.service_case_id = \(id) and m.files @> array[r.key]
      union all
      select r.entity from file_reference r join case_signature s on r.entity = 'case_signature' and s.id = r.record_id
      where r.key = \(key) and s.service_case_id = \(id) and r.key in (s.picture, s.sheet)
      union all
      select r.entity from file_reference r join archive_item i on r.entity = 'archive_item' and i.id = r.record_id
        join archive a on a.id = i.archive_id
      where r.key = \(key) and a.service_case_id = \(id)
      """,
    ])[1]
    return try rows.first?.get("entity")
  }

  private func openTask(_ id: Int64, _ principal: Principal, in transaction: Transaction) async throws -> String? {
    guard principal.kind == .user else { return nil }
    let pools = try await responsibility.pools(of: principal.id, in: transaction)
    let rows = try await transaction.query(
      """
      select step_label, user_id, pool_kind, pool_code, pool_unit_id from case_task
      where case_id = \(id) and state = 'open' order by number
      """)
    for row in rows {
      let label: String = try row.get("step_label")
      if let user = try row.get("user_id", as: Int64?.self) {
        if user == principal.id { return label }
      } else if let kind = try row.get("pool_kind", as: String?.self).flatMap(Responsibility.Pool.Kind.init),
        let unit = try row.get("pool_unit_id", as: Int64?.self),
        pools.contains(.init(kind, try row.get("pool_code", as: String?.self) ?? "", unit: unit))
      {
        return label
      }
    }
    return nil
  }
}
