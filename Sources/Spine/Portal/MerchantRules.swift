import Access
import Core
package import Entities
package import Messaging

/// What the registers of merchants fill in and refuse by themselves: where a merchant is, whose notice it is, and that
/// only an authenticated one publishes; whoever asked is told what was decided (A-089, A-149).
package struct MerchantRules: RecordRules {
  package static let merchant = "merchant"
  package static let notice = "merchant_notice"

  /// Notices of one merchant that are public or wait for review at the same time.
  package static let limit = 10

  let messages: MessageLine

  package init(messages: MessageLine) { self.messages = messages }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(MerchantRules.merchant) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await MerchantRules.fillMerchant(&drafts[index], records)
      }
    }
    hooks.beforeInsert(MerchantRules.notice) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await MerchantRules.fillNotice(&drafts[index], records)
      }
    }
    for entity in [MerchantRules.merchant, MerchantRules.notice] {
      hooks.after(entity) { events, records in
        for event in events where event.kind == .updated && event.before["state"] != event.after["state"] {
          try await tell(event, entity, records)
        }
      }
    }
  }

  /// What the community decided; what the merchant did needs no telling.
  private func tell(_ event: RecordEvent, _ entity: String, _ records: Records) async throws {
    let state = event.after["state"]?.text ?? ""
    guard let transaction = records.transaction,
      ["approved", "refused", "revoked", "withdrawn"].contains(state),
      let user = event.after["user_id"]?.integer, records.principal.id != user
    else { return }
    let isMerchant = entity == MerchantRules.merchant
    try await messages.send(
      "merchant_reviewed", to: [.user(user)],
      [
        "name": event.after[isMerchant ? "name" : "merchant_name"]?.text ?? "",
        "what": isMerchant ? "商户认证" : "信息“\(event.after["title"]?.text ?? "")”",
        "state": records.store.catalog.dictionary("\(entity)_state")?.label(of: state) ?? state,
        "note": event.after["review_note"]?.text ?? "",
      ], key: "\(entity) \(event.id) \(state)", in: transaction)
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

  private static func fillNotice(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let id = draft["merchant_id"].integer else { return }
    let owner = try await records.asSystem.get(
      merchant, id, columns: ["name", "address_id", "division_code", "user_id", "state"])
    guard owner["state"].text == "approved" else {
      draft.refuse(Refusal(.conflict, "merchant-unproved", "这个商户还没有通过认证，没有提交。认证通过后再发布。", field: "merchant_id"))
      return
    }
    let waiting = try await records.asSystem.count(
      ListQuery(
        notice,
        filters: [
          ListFilter("merchant_id", .equals(.integer(id))),
          ListFilter("state", .oneOf([.text("pending"), .text("approved")])),
          ListFilter("shown_until", .range(from: .date(records.store.clock.today()), to: nil)),
        ]))
    guard waiting.value < limit else {
      draft.refuse(
        Refusal(.conflict, "notices-enough", "这个商户已有 \(waiting.value) 条信息公开或待审核，没有提交。请先撤下不用的。", field: "merchant_id"))
      return
    }
    draft["merchant_name"] = owner["name"]
    draft["address_id"] = owner["address_id"]
    draft["division_code"] = owner["division_code"]
    draft["user_id"] = owner["user_id"]
  }
}
