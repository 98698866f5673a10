import Access
import Core
package import Entities
package import Messaging
import SQL

/// What the registers of public notices (便民信息) and of what readers report about them (信息举报) fill in and refuse by
/// themselves: where a notice belongs, how many one may have, that a report which is upheld takes its notice down, and that
/// answered reports go with a deleted one; whoever wrote is told what was decided.
package struct NoticeRules: RecordRules {
  package static let entity = "public_notice"
  package static let report = "notice_report"

  /// Notices of one merchant, or of one resident, that are public or wait for review at the same time.
  package static let limit = 10

  /// States of notices that are public or may become so.
  static let standing = ListFilter("state", .oneOf([.text("pending"), .text("approved")]))

  let messages: MessageLine

  package init(messages: MessageLine) { self.messages = messages }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(NoticeRules.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await NoticeRules.fill(&drafts[index], records)
      }
    }
    hooks.beforeInsert(NoticeRules.report) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await NoticeRules.fillReport(&drafts[index], records)
      }
    }
    hooks.beforeUpdate(NoticeRules.report) { changes, records in
      for index in changes.indices where changes[index].refusal == nil && changes[index].alters("state") {
        try await NoticeRules.keepApart(&changes[index], records)
      }
    }
    hooks.beforeUpdate(NoticeRules.entity) { changes, records in
      for index in changes.indices where changes[index].refusal == nil && changes[index].alters("state") {
        try await NoticeRules.proveMerchant(&changes[index], records)
      }
    }
    hooks.beforeDelete(NoticeRules.entity) { leaving, records in
      for notice in leaving { try await NoticeRules.takeAlong(notice.id, records) }
    }
    hooks.after(NoticeRules.entity) { events, records in
      for event in events where NoticeRules.isDecided(event) { try await tell(event, records) }
    }
    hooks.after(NoticeRules.report) { events, records in
      for event in events where NoticeRules.isDecided(event) { try await follow(event, records) }
    }
  }

  private static func isDecided(_ event: RecordEvent) -> Bool {
    event.kind == .updated && event.before["state"] != event.after["state"]
  }

  // MARK: Filling in

  private static func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    var owner: ListFilter?
    if let merchant = draft["merchant_id"].integer {
      owner = ListFilter("merchant_id", .equals(.integer(merchant)))
      try await fillMerchant(&draft, merchant, records)
    } else {
      owner = draft["user_id"].integer.map { ListFilter("user_id", .equals(.integer($0))) }
      try await fillCommunity(&draft, records)
    }
    guard draft.refusal == nil, let owner else { return }
    var filters = [
      owner, standing, ListFilter("shown_until", .range(from: .date(records.store.clock.today()), to: nil)),
    ]
    if draft["merchant_id"].integer == nil { filters.append(ListFilter("merchant_id", .empty(true))) }
    let count = try await records.asSystem.count(ListQuery(entity, filters: filters)).value
    guard count < limit else {
      draft.refuse(
        Refusal(.conflict, "notices-enough", "已有 \(count) 条信息公开或待审核，没有提交。请先撤下不用的。", field: "merchant_id"))
      return
    }
  }

  private static func fillMerchant(_ draft: inout RecordDraft, _ id: Int64, _ records: Records) async throws {
    // Whoever revokes the merchant meanwhile finds the notice, or is waited for.
    _ = try await records.transaction?.query("select id from merchant where id = \(id) for no key update")
    let merchant = try await records.asSystem.get(
      MerchantRules.merchant, id, columns: ["name", "address_id", "division_code", "user_id", "state"])
    guard merchant["state"].text == "approved" else {
      draft.refuse(Refusal(.conflict, "merchant-unproved", "这个商户还没有通过认证，没有提交。认证通过后再发布。", field: "merchant_id"))
      return
    }
    draft["merchant_name"] = merchant["name"]
    draft["address_id"] = merchant["address_id"]
    draft["division_code"] = merchant["division_code"]
    draft["user_id"] = merchant["user_id"]
  }

  /// The address tells the community of a resident's notice, and is not kept: nobody learns from it who lives where.
  private static func fillCommunity(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let address = draft["address_id"].integer else { return }
    draft["division_code"] = try await records.asSystem.get("address", address, columns: ["division_code"])[
      "division_code"]
    draft["address_id"] = .null
  }

  private static func fillReport(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let id = draft["notice_id"].integer, let user = draft["user_id"].integer else { return }
    let notice = try await records.asSystem.get(entity, id, columns: ["division_code", "state", "user_id"])
    guard notice["state"].text == "approved" else {
      draft.refuse(Refusal(.conflict, "notice-over", "这条信息已经不再公开，不用举报。", field: "notice_id"))
      return
    }
    guard notice["user_id"].integer != user else {
      draft.refuse(
        Refusal(.conflict, "notice-own", "这是您自己发布的信息，没有提交。不想再公开的，请在“我发布的信息”里撤下。", field: "notice_id"))
      return
    }
    let mine = [
      ListFilter("notice_id", .equals(.integer(id))), ListFilter("user_id", .equals(.integer(user))),
      ListFilter("state", .equals(.text("open"))),
    ]
    guard try await records.asSystem.count(ListQuery(report, filters: mine)).value == 0 else {
      draft.refuse(
        Refusal(.conflict, "notice-reported", "您已经举报过这条信息，正在核查，没有重复提交。结果会发到您的消息里。", field: "notice_id"))
      return
    }
    draft["division_code"] = notice["division_code"]
  }

  /// A notice becomes public only while its merchant is authenticated. Nothing is locked: who revokes a merchant locks it
  /// before its notices, and takes back those that were approved until then.
  private static func proveMerchant(_ change: inout RecordChange, _ records: Records) async throws {
    guard change["state"].text == "approved", let id = change["merchant_id"].integer else { return }
    let merchant = try await records.asSystem.get(MerchantRules.merchant, id, columns: ["state"])
    if merchant["state"].text != "approved" {
      change.refuse(Refusal(.conflict, "merchant-unproved", "发布它的商户已经不在认证中，没有通过。请写明理由，不予通过。"))
    }
  }

  /// Reports that were answered go with their notice, each with an entry in the audit and its versions in the history; one
  /// that waits for an answer keeps it.
  private static func takeAlong(_ notice: Int64, _ records: Records) async throws {
    let writer = try records.entrusted(with: [report])
    let said = try await writer.all(
      ListQuery(report, filters: [ListFilter("notice_id", .equals(.integer(notice)))], columns: ["state"]))
    let open = said.filter { $0["state"].text == "open" }.count
    guard open == 0 else {
      throw Refusal(
        .conflict, "notice-reported-open", "还有 \(open) 条对这条信息的举报没有核查，没有删除。请先核查举报，举报人在等答复；不想再公开的，可以先下架。")
    }
    for one in said { try await writer.delete(report, one.id, version: nil) }
  }

  /// Nobody judges what is said of their own notice.
  private static func keepApart(_ change: inout RecordChange, _ records: Records) async throws {
    guard records.principal.kind == .user, let id = change["notice_id"].integer else { return }
    let notice = try await records.asSystem.get(entity, id, columns: ["user_id"])
    if notice["user_id"].integer == records.principal.id {
      change.refuse(Refusal(.forbidden, "notice-own", "被举报的是您自己发布的信息，没有改动。请由其他人员核查。"))
    }
  }

  // MARK: What follows

  /// An upheld report takes its notice down; whoever reported is told either way.
  private func follow(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let id = event.after["notice_id"]?.integer else { return }
    let state = event.after["state"]?.text ?? ""
    let answer = event.after["answer"]?.text ?? ""
    let writer = try records.entrusted(with: [NoticeRules.entity])
    let notice = try await writer.get(NoticeRules.entity, id, columns: ["title", "state"])
    if state == "upheld", notice["state"].text == "approved" {
      _ = try await writer.perform(
        "take_down", on: NoticeRules.entity, id, version: nil, asked: ["review_note": .text(answer)])
    }
    guard let user = event.after["user_id"]?.integer else { return }
    try await messages.send(
      "notice_report_answered", to: [.user(user)],
      [
        "number": event.after["number"]?.text ?? "", "title": notice["title"].text ?? "",
        "state": label(state, NoticeRules.report, records), "answer": answer,
      ], key: "\(NoticeRules.report) \(event.id) \(state)", in: transaction)
  }

  /// What others decided; what its own publisher did needs no telling.
  private func tell(_ event: RecordEvent, _ records: Records) async throws {
    let state = event.after["state"]?.text ?? ""
    guard let transaction = records.transaction, let user = event.after["user_id"]?.integer,
      records.principal.id != user
    else { return }
    try await messages.send(
      "notice_reviewed", to: [.user(user)],
      [
        "title": event.after["title"]?.text ?? "", "state": label(state, NoticeRules.entity, records),
        "note": event.after["review_note"]?.text ?? "",
      ], key: "\(NoticeRules.entity) \(event.id) \(state)", in: transaction)
  }

  private func label(_ state: String, _ entity: String, _ records: Records) -> String {
    records.store.catalog.dictionary("\(entity)_state")?.label(of: state) ?? state
  }
}
