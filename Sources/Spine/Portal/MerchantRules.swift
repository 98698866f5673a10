import Access
import Core
package import Entities
package import Messaging

/// What the register of merchants fills in and refuses by itself: where a merchant is, and that one who is no longer
/// authenticated says nothing any more; whoever asked is told what was decided.
package struct MerchantRules: RecordRules {
  package static let merchant = "merchant"

  let messages: MessageLine

  package init(messages: MessageLine) { self.messages = messages }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(MerchantRules.merchant) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await MerchantRules.fillMerchant(&drafts[index], records)
      }
    }
    hooks.after(MerchantRules.merchant) { events, records in
      for event in events where event.kind == .updated && event.before["state"] != event.after["state"] {
        if event.after["state"]?.text == "revoked" { try await MerchantRules.silence(event.id, records) }
        try await tell(event, records)
      }
    }
  }

  /// Takes back what a merchant has published or handed in.
  private static func silence(_ merchant: Int64, _ records: Records) async throws {
    let writer = try records.entrusted(with: [NoticeRules.entity])
    let standing = try await writer.list(
      ListQuery(
        NoticeRules.entity,
        filters: [ListFilter("merchant_id", .equals(.integer(merchant))), NoticeRules.standing], columns: ["number"],
        limit: ListQuery.maximumLimit)
    ).records
    for notice in standing {
      // Not the action, which is the publisher's own.
      try await writer.update(
        NoticeRules.entity, notice.id, version: nil, ["state": .text("withdrawn")], input: .code)
    }
  }

  private func tell(_ event: RecordEvent, _ records: Records) async throws {
    let state = event.after["state"]?.text ?? ""
    guard let transaction = records.transaction, let user = event.after["user_id"]?.integer,
      records.principal.id != user
    else { return }
    try await messages.send(
      "merchant_reviewed", to: [.user(user)],
      [
        "name": event.after["name"]?.text ?? "", "what": "商户认证",
        "state": records.store.catalog.dictionary("merchant_state")?.label(of: state) ?? state,
        "note": event.after["review_note"]?.text ?? "",
      ], key: "\(MerchantRules.merchant) \(event.id) \(state)", in: transaction)
  }

  private static func fillMerchant(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let address = draft["address_id"].integer else { return }
    let place = try await records.asSystem.get("address", address, columns: ["division_code", "status"])
    guard place["status"].text != "cancelled" else {
      draft.refuse(Refusal(.unprocessable, "address-cancelled", "这个地址已经注销，没有提交。请用现在的门牌。", field: "address_id"))
      return
    }
    draft["division_code"] = place["division_code"]
    guard let code = draft["credit_code"].text, let user = draft["user_id"].integer else { return }
    let mine = [
      ListFilter("user_id", .equals(.integer(user))), ListFilter("credit_code", .equals(.text(code))),
      ListFilter("address_id", .equals(.integer(address))),
      ListFilter("state", .oneOf([.text("pending"), .text("approved")])),
    ]
    if try await !records.asSystem.list(ListQuery(merchant, filters: mine, columns: ["number"], limit: 1)).records
      .isEmpty
    {
      draft.refuse(
        Refusal(.conflict, "merchant-known", "您已经为这个商户在这个地址提交过认证，没有重复提交。请在“我的商户”里看进度。", field: "credit_code"))
      return
    }
    let known = try await records.asSystem.list(
      ListQuery(
        "organisation", filters: [ListFilter("credit_code", .equals(.text(code)))], columns: ["name"], limit: 1))
    draft["organisation_id"] = known.records.first.map { .integer($0.id) } ?? .null
  }
}
