package import Access
package import Core
package import Entities
import Identity
import SQL

/// Somebody's registered look at the files of a case (档案调阅): why, and until when (C-080, C-197).
package struct CaseReading: Sendable, Hashable {
  /// The register of readings.
  package static let entity = "case_reading"

  package let id: Int64
  package let number: String
  package let purpose: String
  package let validUntil: Instant
}

extension CaseStore {
  /// The reading that lets somebody see the files of a case now; `nil` without one.
  func reading(of id: Int64, by user: Int64, in session: some SQLSession) async throws -> CaseReading? {
    let row = try await session.query(
      """
      select id, number, purpose, valid_until from case_reading
      where service_case_id = \(id) and reader_id = \(user) and state = 'granted' and valid_until > \(store.clock.now())
      order by valid_until desc limit 1
      """
    ).first
    return try row.map {
      CaseReading(
        id: try $0.get("id"), number: try $0.get("number"), purpose: try $0.get("purpose"),
        validUntil: try $0.get("valid_until"))
    }
  }
}

/// What the register of readings does by itself: finds the case, grants at once to whoever has the right, and keeps
/// people from approving their own.
package enum CaseReadings {
  /// The right to see files of cases within the data scope without asking anybody.
  package static let right = Permission("case_work", "read_files")

  /// Finds the case behind a number, grants at once where that is due, and keeps deciders from their own.
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(CaseReading.entity) { drafts, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", CaseReading.entity) }
      for index in drafts.indices where drafts[index].refusal == nil {
        guard let number = drafts[index]["case_number"].text,
          let found = try await find(number, in: transaction)
        else {
          drafts[index].refuse(
            Refusal(.unprocessable, "case-missing", "没有这个档号或受理编号，没有登记。请核对后重填。", field: "case_number"))
          continue
        }
        drafts[index]["service_case_id"] = .integer(found.id)
        drafts[index]["unit_id"] = found.unit.map { .integer($0) } ?? .null
        let mayLook = records.principal.may(right)
        let reaches = mayLook ? try await records.reaches(ServiceCase.entity, found.id) : false
        let now = records.store.clock.now()
        drafts[index]["state"] = .text(reaches ? "granted" : "requested")
        if reaches { drafts[index]["valid_until"] = .instant(until(drafts[index]["days"], from: now)) }
      }
    }
    hooks.beforeUpdate(CaseReading.entity) { changes, records in
      for index in changes.indices where changes[index].alters("state") {
        let decided = ["granted", "refused"].contains(changes[index]["state"].text ?? "")
        if decided, changes[index]["reader_id"].integer == records.principal.id {
          changes[index].refuse(
            Refusal(.forbidden, "reading-own", "自己的调阅申请由本单位其他有审批权限的人审批，没有改动。"))
        }
        if changes[index]["state"].text == "granted" {
          changes[index]["valid_until"] = .instant(until(changes[index]["days"], from: records.store.clock.now()))
        }
      }
    }
  }

  private static func until(_ days: Value, from now: Instant) -> Instant {
    Instant(seconds: now.seconds + Int64(min(max(days.integer ?? 1, 1), 30)) * 86_400)
  }

  /// The case behind an archive number or a number of acceptance, whatever the reader's data scope.
  private static func find(_ text: String, in transaction: Transaction) async throws -> (id: Int64, unit: Int64?)? {
    let number = text.filter { !$0.isWhitespace }
    let row = try await transaction.pipeline([
      Inbox.openScope, Archive.openScope,
      """
      select id, unit_id from service_case where number = \(number)
      union all select service_case_id, unit_id from archive where number = \(number) limit 1
      """,
    ])[2].first
    return try row.map { (try $0.get("id"), try $0.get("unit_id")) }
  }
}
