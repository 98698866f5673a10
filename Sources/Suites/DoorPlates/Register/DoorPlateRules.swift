import Access
package import Addresses
package import Cases
import Core
package import Entities
package import Messaging
import SQL
package import Search

/// What the register of plates fills in and refuses by itself, however it is written.
///
/// An application takes down what the plate will say; approval makes its code. The address shows how its plate stands.
package final class DoorPlateRules: RecordRules {
  private let parts = Later<(rules: QRRules, designs: PlateDesigns, pinyin: PinyinTable)>("door-plates")

  /// What belongs to the field work around plates comes with them.
  private let inspections = InspectionRules()
  private let reports: AddressReportRules
  package let visits = VisitRules()
  private let keyObjects = KeyObjectRules()
  private let messages = MessageLine()

  /// Who decides on applications, as cases.
  package let applications = PlateApplications()

  package init() { reports = AddressReportRules(messages: messages) }

  package func begin(
    rules: QRRules, designs: PlateDesigns, pinyin: PinyinTable, parameters: Parameters, messages: MessageCenter,
    cases: CaseStore
  ) {
    applications.begin(cases, parameters: parameters)
    visits.begin(parameters: parameters, messages: messages)
    keyObjects.begin(parameters: parameters)
    inspections.begin(parameters: parameters, messages: messages)
    self.messages.connect(messages)
    parts.begin((rules, designs, pinyin))
  }

  package func addHooks(to hooks: inout RecordHooks) {
    inspections.addHooks(to: &hooks)
    reports.addHooks(to: &hooks)
    visits.addHooks(to: &hooks)
    keyObjects.addHooks(to: &hooks)
    applications.addHooks(to: &hooks)
    hooks.beforeInsert(DoorPlate.entity) { [self] drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil { try await apply(&drafts[index], records) }
    }
    hooks.beforeUpdate(DoorPlate.entity) { [self] changes, records in
      for index in changes.indices where changes[index].alters("state") { try await move(&changes[index], records) }
    }
    hooks.beforeDelete(DoorPlate.entity) { _, _ in
      throw Refusal(.conflict, "plate-kept", "门牌的办理记录不能删除，没有改动。不需要的请撤回申领或申请报废。")
    }
    hooks.after(DoorPlate.entity) { [self] events, records in
      try await DoorPlateRules.show(events, records)
      for event in events { try await applications.close(after: event, records) }
    }
    hooks.after("address") { events, records in
      for event in events { try await DoorPlateRules.applied(event, records) }
    }
    hooks.beforeInsert(DoorPlate.batch) { drafts, records in
      for index in drafts.indices { try await DoorPlateRules.address(&drafts[index], records) }
    }
  }

  // MARK: Applying

  /// Only confirmed addresses get a plate (A-060), and one at a time.
  private func apply(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", DoorPlate.entity) }
    guard let id = draft["address_id"].integer else { return }
    // Two who apply for one address wait for each other here.
    try await transaction.execute("select 1 from address where id = \(id) for no key update")
    let address = try await records.asSystem.get("address", id, columns: PlatePress.columns)
    guard address["status"].text == "confirmed" else {
      return draft.refuse(
        Refusal(
          .unprocessable, "plate-address-unconfirmed",
          "“\(address["full_name"].text ?? "")”还没有巡检确认，不能申领门牌。请先核实并确认地址。", field: "address_id"))
    }
    let faults = try await AddressDefect.barring(id, in: transaction)
    if !faults.isEmpty {
      let labels = faults.map { records.store.catalog.dictionary("address_error")?.label(of: $0) ?? $0 }
      return draft.refuse(
        Refusal(
          .unprocessable, "plate-address-defect",
          "“\(address["full_name"].text ?? "")”有待核实的问题（\(labels.joined(separator: "、"))），没有申领。请先在“问题地址”里订正或核实。",
          field: "address_id"))
    }
    let others = try await transaction.query(
      "select number, state from door_plate where address_id = \(id) order by id desc")
    for other in others {
      let state = DoorPlate.State(rawValue: try other.get("state")) ?? .scrapped
      if state.isLive {
        let label = records.store.catalog.dictionary("plate_state")?.label(of: state.rawValue) ?? state.rawValue
        return draft.refuse(
          Refusal(
            .conflict, "plate-exists",
            "“\(address["full_name"].text ?? "")”已有门牌 \(try other.get("number", as: String.self))（\(label)），没有重复申领。",
            field: "address_id"))
      }
    }
    if let last = others.first, draft["purpose"].text == "new" {
      switch DoorPlate.State(rawValue: try last.get("state")) {
      case .damaged: draft["purpose"] = .text("replace")
      case .lost: draft["purpose"] = .text("reissue")
      default: break
      }
    }
    do throws(Refusal) {
      try fill(&draft, address, records)
    } catch {
      return draft.refuse(error)
    }
    // What the system enters itself nobody has to review.
    guard records.principal.kind != .system else { return }
    do {
      try await applications.enter(&draft, station: address.titles["police_station_id"], records)
    } catch let refusal as Refusal {
      draft.refuse(refusal)
    }
  }

  private func fill(_ draft: inout RecordDraft, _ address: Record, _ records: Records) throws(Refusal) {
    guard let known = parts.value else { return }
    let press = PlatePress(
      store: records.store, rules: known.rules, designs: known.designs, pinyin: known.pinyin)
    let kind = address["kind"].text ?? ""
    let asked = draft["kind"].text
    guard let design = known.designs.usual(for: kind, plateKind: asked ?? address["plate_kind"].text) else {
      throw Refusal(.unprocessable, "plate-design-unknown", "这类地址还没有门牌版式，没有申领。", field: "kind")
    }
    if let asked, design.kind != asked {
      throw Refusal(
        .unprocessable, "plate-design-unknown", "这种门牌不用于这类地址，没有申领。请改选门牌类型，或不填。", field: "kind")
    }
    let fields = press.fields(of: address)
    // Whether the lettering fits is known before anybody reviews it.
    _ = try PlatePainter().paint(design, fields, content: "x")
    draft["kind"] = .text(design.kind)
    draft["design"] = .text(design.name)
    draft["face"] = .json(fields.json)
    draft["address_kind"] = .text(kind)
    for name in ["code", "full_name", "division_code", "police_station_id"] { draft[name] = address[name] }
  }

  // MARK: Moving

  private func move(_ change: inout RecordChange, _ records: Records) async throws {
    guard let from = DoorPlate.State(rawValue: change.before["state"]?.text ?? ""),
      let to = DoorPlate.State(rawValue: change["state"].text ?? ""), from.next.contains(to),
      from != .scrapping || to == .scrapped || to.rawValue == change.before["state_before"]?.text
    else {
      return change.refuse(
        Refusal(.conflict, "plate-state", "门牌现在的状态不能这样办理，没有改动。请刷新后查看它的状态。", field: "state"))
    }
    if from == .pending, to == .approved || to == .refused,
      let refusal = try await applications.judge(change, records)
    {
      return change.refuse(refusal)
    }
    let due: (field: String, message: String)? =
      switch to {
      case .refused: ("review_note", "请写明不通过的原因，申领单位据此改正。")
      case .abnormal where from != .scrapping: ("abnormal_note", "请写明制牌异常的原因。")
      case .scrapping: ("scrap_reason", "请写明报废的原因。")
      default: nil
      }
    if let due, change[due.field].isBlank {
      return change.refuse(Refusal(.invalid, "field-required", due.message, field: due.field))
    }
    if to == .scrapping { change.changes["state_before"] = .text(from.rawValue) }
    if to == .approved, from == .pending {
      change.changes["content"] = .text(try parts.known().rules.content(for: change["code"].text ?? ""))
    }
  }

  // MARK: Addresses

  /// The addresses show how their plates stand (A-051, A-068).
  private static func show(_ events: [RecordEvent], _ records: Records) async throws {
    var changes: [(id: Int64, values: [String: Value])] = []
    for event in events {
      if let (address, status) = try await status(after: event, records) {
        changes.append((address, ["plate_status": .text(status)]))
      }
    }
    if changes.count > 1, Set(changes.map(\.id)).count == changes.count {
      let refused = try await PlateApplications.write("address", changes, records)
      if let reason = refused.first { throw Refusal(.conflict, "plate-address-kept", reason) }
    } else {
      for (address, values) in changes {
        try await records.asSystem.update("address", address, version: nil, values, input: .code)
      }
    }
  }

  /// What the address of a plate shows after an event; `nil` when nothing changes.
  private static func status(after event: RecordEvent, _ records: Records) async throws -> (Int64, String)? {
    guard let transaction = records.transaction, let address = event["address_id"].integer,
      event.before["state"] != event.after["state"], let state = DoorPlate.State(rawValue: event["state"].text ?? "")
    else { return nil }
    if let status = state.addressStatus { return (address, status) }
    guard state == .refused || state == .withdrawn else { return nil }
    let before = try await transaction.query(
      """
      select state from door_plate where address_id = \(address) and id <> \(event.id)
        and state in ('damaged', 'lost', 'scrapped') order by id desc limit 1
      """)
    return (address, try before.first?.get("state") ?? "none")
  }

  /// 申领门牌 in the list of addresses makes the application, as whoever asks.
  private static func applied(_ event: RecordEvent, _ records: Records) async throws {
    guard event.kind == .updated, event.after["plate_status"]?.text == "applied",
      event.before["plate_status"]?.text != "applied", let transaction = records.transaction
    else { return }
    let waiting = try await transaction.query(
      "select 1 from door_plate where address_id = \(event.id) and state = 'pending'")
    guard waiting.isEmpty else { return }
    try await records.insert(DoorPlate.entity, ["address_id": .integer(event.id)], input: .code)
  }

  /// A batch belongs to its maker's unit too.
  private static func address(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let maker = draft["maker_id"].integer, let transaction = records.transaction else { return }
    let row = try await transaction.query("select unit_id, status from plate_maker where id = \(maker)").first
    guard let row, try row.get("status", as: String.self) == "on" else {
      return draft.refuse(
        Refusal(.unprocessable, "plate-maker-off", "这家制牌企业已停用，没有打包。请选择在用的企业。", field: "maker_id"))
    }
    draft["maker_unit_id"] = .integer(try row.get("unit_id"))
  }
}
