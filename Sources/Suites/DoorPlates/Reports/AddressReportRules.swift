import Access
import Core
import Crypto
package import Entities
package import Messaging
import SQL

/// What residents report (群众反映): where it belongs, what follows when it is true, and the answer (A-090, A-091).
package struct AddressReportRules: RecordRules {
  package static let entity = "address_report"

  /// Reports of one address that may wait at the same time; more say nothing new.
  package static let openLimit = 20

  let messages: MessageLine

  package init(messages: MessageLine) { self.messages = messages }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(AddressReportRules.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        try await AddressReportRules.fill(&drafts[index], records)
      }
    }
    hooks.after(AddressReportRules.entity) { events, records in
      for event in events where event.kind == .updated && event.before["state"] != event.after["state"] {
        if event.after["state"]?.text == "accepted" { try await AddressReportRules.apply(event, records) }
        try await answer(event, records)
      }
    }
  }

  private static func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", entity) }
    draft["receipt"] = .text(receipt())
    guard let id = draft["address_id"].integer else { return }
    let address = try await records.asSystem.get(
      "address", id, columns: ["code", "full_name", "division_code", "police_station_id"])
    for name in ["code", "full_name", "division_code", "police_station_id"] { draft[name] = address[name] }
    let open: Int64 =
      try await transaction.query(
        "select count(*) as n from address_report where address_id = \(id) and state = 'open'"
      ).first?.get("n") ?? 0
    if open >= Int64(openLimit) {
      draft.refuse(
        Refusal(.conflict, "reports-enough", "这个地址已有 \(open) 条反映在核查，没有再登记。急事请拨打派出所电话。"))
    }
  }

  /// Eight letters and figures that are not mistaken for one another.
  private static func receipt() -> String {
    let letters = Array("23456789ABCDEFGHJKMNPQRSTUVWXYZ".unicodeScalars)
    return String(
      String.UnicodeScalarView(RandomSource.system.bytes(8).map { letters[Int($0) % letters.count] }))
  }

  /// A true report moves what it is about: the address waits for correction, the plate is damaged or lost.
  private static func apply(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction, let address = event.after["address_id"]?.integer else { return }
    if event.after["subject"]?.text == "address" {
      let row = try await transaction.query("select status from address where id = \(address)").first
      guard let row, try row.get("status", as: String.self) != "cancelled" else { return }
      try await records.entrusted(with: ["address"]).update(
        "address", address, version: nil,
        ["status": .text("doubtful"), "error_kind": event.after["address_fault"] ?? .null], input: .code)
      return
    }
    let action: String? =
      switch event.after["plate_fault"]?.text {
      case "damaged", "unreadable", "misplaced": "damage"
      case "lost": "lose"
      default: nil
      }
    let plate = try await transaction.query(
      "select id from door_plate where address_id = \(address) and state = 'installed' order by id desc limit 1"
    ).first
    guard let action, let plate else { return }
    let note = "群众反映 \(event.after["number"]?.text ?? "")：\(event.after["description"]?.text ?? "")"
    try await records.entrusted(with: [DoorPlate.entity]).perform(
      action, on: DoorPlate.entity, try plate.get("id"), version: nil,
      asked: ["damage_note": .text(String(note.prefix(300)))])
  }

  private func answer(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction else { return }
    let recipient: MessageRecipient
    if let user = event.after["reporter_user_id"]?.integer {
      recipient = .user(user)
    } else if let text = event.after["phone"]?.text, let phone = PhoneNumber(text) {
      recipient = .phone(phone)
    } else {
      return
    }
    let state = event.after["state"]?.text ?? ""
    try await messages.send(
      "address_report_answered", to: [recipient],
      [
        "number": event.after["number"]?.text ?? "", "address": event.after["full_name"]?.text ?? "",
        "state": records.store.catalog.dictionary("report_state")?.label(of: state) ?? state,
        "answer": event.after["answer"]?.text ?? "",
      ], link: String(event.id), key: "address-report \(event.id) \(state)", in: transaction)
  }
}
