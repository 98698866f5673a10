import Access
import Core
package import Entities
package import Messaging
import SQL

/// What landlords report (租客申报) and what becomes of it: reviewed, it is a person and a stay; ended, the stay ends
///
package struct TenancyRules: RecordRules {
  package static let entity = "tenancy_report"

  /// Of one landlord, what may wait for review at the same time.
  package static let openLimit = 50

  let messages: MessageLine

  package init(messages: MessageLine) { self.messages = messages }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(TenancyRules.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await TenancyRules.fill(&drafts[index], records)
      }
    }
    hooks.beforeUpdate(TenancyRules.entity) { changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        do throws(Refusal) {
          if changes[index].alters("address_code") {
            let values = try await TenancyRules.place(changes[index]["address_code"], records)
            changes[index].changes.merge(values) { $1 }
          }
        } catch {
          changes[index].refuse(error)
        }
        if changes[index].alters("state"), changes[index]["state"].text == "approved" {
          try await TenancyRules.approve(&changes[index], records)
        }
      }
    }
    hooks.after(TenancyRules.entity) { events, records in
      for event in events where event.kind == .updated && event.before["state"] != event.after["state"] {
        if event.after["state"]?.text == "ended" { try await TenancyRules.end(event, records) }
        try await answer(event, records)
      }
    }
  }

  // MARK: Handing in

  private static func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    do throws(Refusal) {
      draft.values.merge(try await place(draft["address_code"], records)) { $1 }
    } catch {
      return draft.refuse(error)
    }
    draft["landlord_name"] = .text(records.principal.name)
    guard let user = draft["landlord_user_id"].integer else { return }
    let open = try await records.asSystem.count(
      ListQuery(
        entity,
        filters: [
          ListFilter("landlord_user_id", .equals(.integer(user))), ListFilter("state", .equals(.text("submitted"))),
        ]))
    if open.value >= openLimit {
      draft.refuse(
        Refusal(.conflict, "tenancies-waiting", "您已有 \(open.value) 条申报在等待审核，没有再提交。请等审核后再申报，急事请联系派出所。"))
    }
  }

  /// The home that a code on a door means.
  private static func place(_ code: Value, _ records: Records) async throws(Refusal) -> [String: Value] {
    let text = (code.text ?? "").uppercased().filter { !$0.isWhitespace }
    let found: Record?
    do {
      found = try await records.asSystem.find("address", where: "code", equals: .text(text))
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw Refusal(.unavailable, "address-unread", "地址库暂时查不到，没有保存。请稍后重试。", field: "address_code")
    }
    guard let address = found, address["status"].text != "cancelled" else {
      throw Refusal(
        .unprocessable, "address-unknown", "没有这个地址编码。请对照门牌核对，或扫门牌二维码后点“申报租客”。", field: "address_code")
    }
    return [
      "address_code": address["code"], "address_id": .integer(address.id), "full_name": address["full_name"],
      "division_code": address["division_code"],
    ]
  }

  // MARK: Review

  /// The tenant is found by the document, or entered; then stays at the address. A stay that an officer entered at the door
  /// meanwhile is the same one.
  private static func approve(_ change: inout RecordChange, _ records: Records) async throws {
    let writer = try records.entrusted(with: ["person", ResidenceRules.entity, "address"])
    let settlement = Settlement(
      name: change["tenant_name"], documentKind: change["document_kind"], residentID: change["resident_id"],
      documentNumber: change["document_number"], sex: change["sex"], birthDate: change["birth_date"],
      phone: change["phone"], division: change["division_code"], address: change["address_id"], since: change["since"],
      nameField: "tenant_name")
    do {
      let person = try await settlement.person(writer)
      let stay = try await settlement.stay(
        of: person,
        [
          "kind": person["residency"], "basis": .text("rent"), "state": .text("confirmed"),
          "source_kind": .text("landlord"), "landlord_name": change["landlord_name"],
          "landlord_phone": change["landlord_phone"], "division_code": change["division_code"],
        ], isBetter: true, writer)
      change["residence_id"] = .integer(stay.id)
    } catch let refusal as Refusal where ["person-named-otherwise", "person-deceased"].contains(refusal.code) {
      change.refuse(refusal)
    }
  }

  private static func end(_ event: RecordEvent, _ records: Records) async throws {
    guard let stay = event.after["residence_id"]?.integer, let until = event.after["until"] else { return }
    let writer = try records.entrusted(with: ["person", ResidenceRules.entity])
    let record = try await writer.get(ResidenceRules.entity, stay, columns: ["until"])
    if record["until"].isNull {
      try await writer.update(ResidenceRules.entity, stay, version: nil, ["until": until], input: .code)
    }
  }

  // MARK: The answer

  private func answer(_ event: RecordEvent, _ records: Records) async throws {
    let state = event.after["state"]?.text ?? ""
    guard ["approved", "returned"].contains(state), let transaction = records.transaction,
      let user = event.after["landlord_user_id"]?.integer
    else { return }
    try await messages.send(
      "tenancy_answered", to: [.user(user)],
      [
        "number": event.after["number"]?.text ?? "", "address": event.after["full_name"]?.text ?? "",
        "state": records.store.catalog.dictionary("tenancy_state")?.label(of: state) ?? state,
        "answer": event.after["answer"]?.text ?? "",
      ], link: String(event.id), key: "tenancy \(event.id) \(records.store.clock.now().iso8601)", in: transaction)
  }
}
