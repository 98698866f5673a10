package import Access
package import Audit
import Core
package import Entities
import SQL

/// What citizens hand in that is no application (咨询、登记; C-253, C-254), so many a day each.
package struct HandIn: Sendable {
  package let entity: String
  /// The field with whose it is.
  package let owner: String
  /// The field with when it came.
  package let time: String

  /// 咨询答疑.
  package static let question = HandIn(entity: "desk_question", owner: "asker_user_id", time: "asked_at")
  /// 银行身份核验异常.
  package static let report = HandIn(entity: "desk_identity_report", owner: "reporter_user_id", time: "reported_at")

  /// 商户认证.
  package static let merchant = HandIn(entity: "merchant", owner: "user_id", time: "applied_at")
  /// 便民信息.
  package static let notice = HandIn(entity: NoticeRules.entity, owner: "user_id", time: "submitted_at")
  /// 信息举报.
  package static let noticeReport = HandIn(entity: NoticeRules.report, owner: "user_id", time: "reported_at")

  /// Of each kind, what one user may hand in a day.
  package static let daily = 10

  /// Enters what somebody hands in. Whoever does may write it, wherever it belongs to.
  ///
  /// - Throws: ``Refusal`` `handed-in-often` above ``daily``; what the register says.
  package func insert(
    _ values: [String: Value], by principal: Principal, purpose: String, origin: Origin, in store: RecordStore
  ) async throws -> Record {
    let writer = principal.entrusted(with: [entity])
    return try await store.database.transaction { transaction in
      // One at a time, so that many at once are counted too.
      try await transaction.execute(
        "select pg_advisory_xact_lock(hashtextextended(\("\(entity) \(principal.id)"), 5118))")
      let records = store.records(as: writer, purpose: purpose, origin: origin).within(transaction)
      let today = try await records.count(
        ListQuery(
          entity,
          filters: [
            ListFilter(owner, .equals(.integer(principal.id))),
            ListFilter(time, .range(from: .instant(store.clock.today().start), to: nil)),
          ]))
      guard today.value < HandIn.daily else {
        throw Refusal(.tooMany, "handed-in-often", "今天已经提交 \(today.value) 次，没有再提交。请等待答复或明天再来；急事请拨打咨询电话。")
      }
      return try await records.insert(
        entity, values.merging([owner: .integer(principal.id)]) { $1 }, input: .code)
    }
  }
}
