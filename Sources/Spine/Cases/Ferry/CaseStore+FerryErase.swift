import Access
import Core
import Crypto
import Entities
import Ferry
import Messaging
package import SQL

/// After the result has reached the outside and its days are over, the outside keeps number, state and times only
/// (C-207: 互联网侧不留存业务数据), and of signatures what proves their codes without naming anybody.
extension CaseStore {
  /// What an erased case keeps; everything else of its record is emptied.
  private static let kept: Set = [
    "number", "item_code", "item_label", "category", "item_version", "channel", "state", "step", "division_code",
    "unit_id", "home_unit_id", "applicant_user_id", "process", "submitted_at", "due_at", "finished_at",
  ]

  /// Erases the content of finished cases that nothing is owed about any more.
  ///
  /// - Parameter owner: may write history.
  /// - Returns: how many.
  @discardableResult
  package func eraseFerried(owner: Database, limit: Int = 100) async throws -> Int {
    guard let ferry, let settings = ferry.post.current, settings.side == .outside else { return 0 }
    let before = store.clock.now() + -settings.keepDays * 86_400
    let due = try await store.database.query(
      """
      select f.case_id, f.number from case_ferry f
      where f.result_at <= \(before) and f.erased_at is null and not exists (
        select 1 from ferry_outbox o where o.subject = f.number and o.acknowledged_at is null)
      order by f.result_at limit \(limit)
      """)
    let ids = try due.map { try $0.get("case_id", as: Int64.self) }
    guard !ids.isEmpty else { return 0 }
    // First, so that a crash leaves a case that is taken up again. What the audit keeps stays: who acted, and when.
    try await messages.forget(ids.flatMap { ["case \($0)", "city-wide \($0)"] })
    for id in ids { try await erase(id, owner: owner) }
    return ids.count
  }

  private func erase(_ id: Int64, owner: Database) async throws {
    // The form, the materials, parcels with their addresses: whatever belongs to a case.
    let attached = store.catalog.entities.filter { $0.attachedTo == ServiceCase.entity }.map(\.name)
    try await store.database.transaction { transaction in
      _ = try await hold(id, in: transaction)
      try await keepStatements(of: id, in: transaction)
      let records = store.records(as: .system, purpose: "互联网侧到期清除").within(transaction)
      for name in attached {
        for record in try await records.attached(name, to: id) {
          try await records.delete(name, record.id, version: nil)
        }
      }
    }
    let now = store.clock.now()
    let columns = try erasedColumns()
    // The owner, because the history is closed to everybody else; row-level security lets nobody pass without a scope.
    try await owner.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.actor', '0', true)")
      for name in [ServiceCase.entity] + attached {
        _ = try await transaction.query("select set_config(\("lifang.scope_\(name)"), '{\"all\":true}', true)")
      }
      try await transaction.execute(
        "update service_case set \(SQL.join(columns)) where id = \(id)")
      for name in attached {
        try await transaction.execute(
          "delete from \(identifier: name + "_history") where \(identifier: ServiceCase.reference) = \(id)")
      }
      try await transaction.execute("delete from service_case_history where id = \(id)")
      try await transaction.execute("update case_event set opinion = null, target = null where case_id = \(id)")
      try await transaction.execute("delete from case_request where case_id = \(id)")
      // The sweep of files takes what was let go long ago.
      try await transaction.execute(
        """
        update file_reference set released_at = \(now + -3650 * 86_400), name = '已清除'
        where released_at is not null and (
          entity = \(ServiceCase.material) and record_id not in (select id from case_material)
          or entity = \(ServiceCase.signature) and record_id not in (select id from case_signature))
        """)
      try await transaction.execute("update case_ferry set erased_at = \(now) where case_id = \(id)")
    }
  }

  /// `column = empty` for what is not kept; what has to be filled in says that it was erased.
  private func erasedColumns() throws -> [SQL] {
    let entity = try store.entity(ServiceCase.entity)
    var columns: [SQL] = []
    for field in entity.fields where field.isStored && !CaseStore.kept.contains(field.name) {
      let isRequired = field.required && field.requiredWhen == nil && field.visible == nil
      if field.encrypted {
        let sealed = try store.keys.seal([], associated: "\(entity.name).\(field.name)")
        columns.append(
          isRequired
            ? "\(identifier: field.name) = \(sealed)" : "\(identifier: field.name) = null")
        if let index = field.indexColumn { columns.append("\(identifier: index) = null") }
      } else if !isRequired {
        columns.append("\(identifier: field.name) = null")
      } else if field.type == .text {
        columns.append("\(identifier: field.name) = '已清除'")
      }
    }
    if entity.list.search.isEmpty == false { columns.append("\(identifier: "search_vector") = null") }
    return columns
  }
}
