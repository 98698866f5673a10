package import Access
package import Audit
package import Core
package import Entities
import SQL

/// Handing in what was found at an address, from a telephone that may have been without a network.
package struct Inspections: Sendable {
  /// What was found, as it was filled in.
  package struct Finding: Sendable {
    /// Values of the fields that the action `submit` asks for.
    package var values: [String: Value]
    /// The number that the telephone gave this submission.
    package let client: String
    /// The version of the address that was shown; `nil` when it is not known.
    package let seen: Int64?

    package init(values: [String: Value], client: String, seen: Int64?) {
      self.values = values
      self.client = client
      self.seen = seen
    }
  }

  package enum Outcome: String, Sendable { case taken, already }

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// Whether this submission has been taken before, so that its pictures need not be kept again.
  package func isKnown(_ client: String, of task: Int64) async throws -> Bool {
    let rows = try await store.database.query(
      "select 1 from inspection_task where id = \(task) and client_id = \(client)")
    return !rows.isEmpty
  }

  /// Enters a finding; the same one sent again is entered once.
  ///
  /// - Throws: ``Refusal`` `address-changed` when the address is another than the one that was shown, `action-not-now`
  ///   when the task is no longer whose it was, and what the register says.
  package func submit(_ finding: Finding, of task: Int64, by principal: Principal, origin: Origin = .inside)
    async throws
    -> Outcome
  {
    try await store.transaction(as: principal, purpose: "登记巡检结果", origin: origin) { records in
      guard let transaction = records.transaction else { throw Fault("inspection-without-transaction") }
      let row = try await transaction.query(
        "select address_id, state, client_id from inspection_task where id = \(task) for update"
      ).first
      guard let row else { throw Inspections.missing }
      if try row.get("client_id", as: String?.self) == finding.client { return .already }
      if try row.get("state", as: String.self) == "done" {
        throw Refusal(.conflict, "inspection-done", "这个地址的这次巡检已经登记过，没有重复登记。要再核实一次，请派出所重新分派。")
      }
      if let seen = finding.seen { try await compare(try row.get("address_id"), seen, transaction) }
      var values = finding.values
      values["client_id"] = .text(finding.client)
      try await records.perform("submit", on: InspectionRules.entity, task, version: nil, asked: values)
      return .taken
    }
  }

  package static let missing = Refusal(
    .notFound, "record-missing", "没有找到这个巡检任务：它可能已撤销，或派给了别人。请回到“我的巡检”刷新。")

  /// Refuses when what an inspector judges, the name or whether it stands, has changed since it was shown; other changes,
  /// such as those of its plate, do not matter.
  private func compare(_ address: Int64, _ seen: Int64, _ transaction: Transaction) async throws {
    let row = try await transaction.query(
      """
      select a.version, a.full_name, a.status, h.full_name as seen_name, h.status as seen_status
      from address a left join address_history h on h.id = a.id and h.version = \(seen) where a.id = \(address)
      """
    ).first
    guard let row, try row.get("version", as: Int64.self) != seen else { return }
    let name: String = try row.get("full_name")
    let status: String = try row.get("status")
    if try row.get("seen_name", as: String?.self) == name, try row.get("seen_status", as: String?.self) == status {
      return
    }
    let label = store.catalog.dictionary("address_status")?.label(of: status) ?? status
    throw Refusal(
      .conflict, "address-changed", "您填写期间，这个地址被改为“\(name)”（\(label)），这次巡检没有登记，填写的内容还在。请打开核对后重新提交。")
  }
}
