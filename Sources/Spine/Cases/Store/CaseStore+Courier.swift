package import Access
package import Audit
import Connectors
import Core
import Entities
import Processes
import SQL

/// Which way a parcel goes (上门取件、寄送结果).
package enum CourierDirection: String, Sendable, Hashable, CaseIterable {
  /// Originals from the applicant to the office.
  case pickup
  /// The result from the office to the applicant.
  case delivery

  package var label: String { self == .pickup ? "上门取件" : "寄送结果" }
}

/// Where the courier rings, on the applicant's side.
package struct CourierAddress: Sendable, Hashable {
  package var name: String
  package var phone: String
  package var address: String

  package init(name: String, phone: String, address: String) {
    self.name = name
    self.phone = phone
    self.address = address
  }
}

/// Ordering and following parcels of a case (邮政速递, C-027, C-028, C-069).
extension CaseStore {
  /// The register of parcels and the connector of the courier.
  package static let parcels = "courier_order"
  static let courier = "ems"

  /// Whether the reader of a case may order a parcel now.
  package func mayOrder(_ direction: CourierDirection, in view: CaseView) -> Bool {
    guard connectors?.connectors.connector(CaseStore.courier) != nil, view.instance.state == .running,
      view.item.result.goesByCourier
    else {
      return false
    }
    let isUnderWay = view.parcels.contains {
      $0["direction"].text == direction.rawValue && $0["state"].text != "cancelled"
    }
    if isUnderWay { return false }
    switch direction {
    case .pickup:
      return (view.access == .applicant || !view.mine.isEmpty)
        && view.materials.contains { $0["state"].text == HandedMaterial.Way.promised.rawValue }
    case .delivery:
      return view.access != .applicant && !view.mine.isEmpty && view.record["delivery"].text == "courier"
    }
  }

  /// Orders a parcel.
  ///
  /// - Throws: ``Refusal`` `courier-closed`, `courier-address`, `courier-office`, `courier-unavailable`.
  package func order(
    _ direction: CourierDirection, of id: Int64, at place: CourierAddress, by principal: Principal,
    origin: Origin = .inside
  ) async throws -> String {
    let view = try await view(id, as: principal, origin: origin)
    guard let connectors, mayOrder(direction, in: view) else {
      throw Refusal(.conflict, "courier-closed", "现在不能预约\(direction.label)：没有要寄的原件、已经预约过，或不是您办理。请刷新页面查看。")
    }
    guard let phone = PhoneNumber(place.phone) else {
      throw Refusal(.invalid, "courier-address", "联系电话不对，请填 11 位手机号或带区号的座机。", field: "phone")
    }
    for (text, field, label) in [(place.name, "name", "联系人"), (place.address, "address", "地址")] {
      guard (2...200).contains(text.count) else {
        throw Refusal(.invalid, "courier-address", "请填写\(label)，写到门牌号。", field: field)
      }
    }
    let office = try await office(of: view)
    let goods = direction == .pickup ? "户籍办理原件" : view.item.result.document ?? "办理结果"
    let own = CourierAddress(name: place.name, phone: phone.text, address: place.address)
    let (from, to) = direction == .pickup ? (own, office) : (office, own)
    let number = view.record["number"].text ?? ""
    let again = view.parcels.filter { $0["direction"].text == direction.rawValue }.count
    let values: [String: Value] = [
      "reference": .text("\(number)-\(direction.rawValue)-\(again + 1)"), "direction": .text(direction.rawValue),
      "sender_name": .text(from.name), "sender_phone": .text(from.phone), "sender_address": .text(from.address),
      "receiver_name": .text(to.name), "receiver_phone": .text(to.phone), "receiver_address": .text(to.address),
      "goods": .text(goods),
    ]
    let answer = try await connectors.call(
      CaseStore.courier, "order", values, purpose: "\(direction.label)下单",
      about: ConnectorSubject(entity: ServiceCase.entity, id: id, label: "办件 \(number)"), by: principal)
    guard answer.outcome == .yes, let waybill = answer.values["waybill"]?.text else {
      let otherwise = direction == .pickup ? "您也可以自行寄送或送到窗口" : "也可以手工寄送并填写单号"
      throw Refusal(
        .unavailable, "courier-unavailable", "没有下单：\(answer.reason ?? "快递公司没有答复")。请稍后再试，\(otherwise)。")
    }
    let company = connectors.connectors.connector(CaseStore.courier)?.system ?? "快递"
    let kept = try await store.database.transaction { transaction -> String in
      let state = try await hold(id, in: transaction)
      let records = store.records(as: acting(for: principal, form: state.form), origin: origin).within(transaction)
      // Somebody may have ordered the same while the courier was asked.
      if let known = try await records.attached(CaseStore.parcels, to: id).first(where: {
        $0["direction"].text == direction.rawValue && $0["state"].text != "cancelled"
      }) {
        return known["waybill"].text ?? ""
      }
      var made = values
      made["reference"] = nil
      made["waybill"] = .text(waybill)
      made["company"] = .text(company)
      made["ordered_at"] = .instant(store.clock.now())
      made["sorting_code"] = answer.values["sorting_code"]
      made["pickup_at"] = answer.values["pickup_at"]
      if let fee = answer.values["fee"]?.decimal { made["fee"] = .money(Money(rounding: fee)) }
      made[ServiceCase.reference] = .integer(id)
      for name in ["division_code", "unit_id", "applicant_user_id"] { made[name] = state.record[name] }
      try await records.insert(CaseStore.parcels, made.filter { !$0.value.isNull }, input: .code)
      _ = try await transaction.query(
        eventStatement(
          state, CaseAction(name: "courier", target: "\(direction.label)，运单号 \(waybill)"), by: principal,
          at: store.clock.now()))
      return waybill
    }
    if kept != waybill {
      _ = try await connectors.call(
        CaseStore.courier, "cancel", ["waybill": .text(waybill)], purpose: "取消重复的快递",
        about: ConnectorSubject(entity: ServiceCase.entity, id: id, label: "运单 \(waybill)"), by: principal)
    }
    return kept
  }

  /// The office's side of a parcel, from the register of units.
  private func office(of view: CaseView) async throws -> CourierAddress {
    let unit = try await store.records(as: .system, purpose: "快递下单").get(
      "unit", view.record["unit_id"].integer ?? 0, columns: ["name", "phone", "address"])
    guard let phone = unit["phone"].text, let address = unit["address"].text else {
      throw Refusal(
        .unprocessable, "courier-office", "“\(unit["name"].text ?? "受理单位")”还没有登记电话和地址，不能下单。请系统管理员在机构里补上。")
    }
    return CourierAddress(name: unit["name"].text ?? "受理单位", phone: phone, address: address)
  }

  // MARK: Following

  private func parcel(_ parcel: Int64, in view: CaseView) throws(Refusal) -> Record {
    guard let found = view.parcels.first(where: { $0.id == parcel }) else {
      throw Refusal(.notFound, "parcel-unknown", "没有找到这张快递单。请刷新页面。")
    }
    return found
  }

  /// Asks where a parcel is; everybody who sees the case may, twice a minute at most.
  ///
  /// - Throws: ``Refusal`` `parcel-unknown`, `courier-soon`, `courier-unavailable`.
  package func track(parcel: Int64, of id: Int64, by principal: Principal, origin: Origin = .inside) async throws {
    let view = try await view(id, as: principal, origin: origin)
    let found = try self.parcel(parcel, in: view)
    if let seen = found["tracked_at"].instant, store.clock.now().seconds - seen.seconds < 30 {
      throw Refusal(.unavailable, "courier-soon", "半分钟内刚查过，轨迹没有变化。请稍后再查。")
    }
    if let reason = try await follow(found, of: id, by: principal) {
      throw Refusal(.unavailable, "courier-unavailable", "没有查到新的轨迹：\(reason)。已有的轨迹还在，请稍后再查。")
    }
  }

  /// - Returns: why nothing is known; `nil` when it is.
  private func follow(_ parcel: Record, of id: Int64, by principal: Principal) async throws -> String? {
    guard let connectors, let waybill = parcel["waybill"].text else { return "没有运单号" }
    let answer = try await connectors.call(
      CaseStore.courier, "track", ["waybill": .text(waybill)], purpose: "查询快递轨迹",
      about: ConnectorSubject(entity: ServiceCase.entity, id: id, label: "运单 \(waybill)"), by: principal)
    guard answer.outcome == .yes else { return answer.reason ?? "快递公司没有答复" }
    let states = ["ordered", "collected", "in_transit", "delivered"]
    var changes: [String: Value] = ["tracked_at": .instant(store.clock.now())]
    if let trail = answer.values["trail"], !trail.isBlank { changes["trail"] = trail }
    if let state = answer.values["state"]?.text, states.contains(state), parcel["state"].text != "cancelled" {
      changes["state"] = .text(state)
      if state == "delivered", parcel["delivered_at"].isNull { changes["delivered_at"] = .instant(store.clock.now()) }
    }
    let records = store.records(as: .system, purpose: "更新快递轨迹")
    try await records.update(CaseStore.parcels, parcel.id, version: nil, changes, input: .code)
    return nil
  }

  /// Follows the parcels that are under way and were not looked at for half an hour; a courier that does not answer is
  /// asked again the next time.
  package func followParcels(limit: Int = 50) async throws {
    guard connectors != nil else { return }
    let old = store.clock.now() + -1800
    let records = store.records(as: .system, purpose: "更新快递轨迹")
    // Those that were never looked at, then those whose last look was longest ago.
    for (field, isNew) in [("ordered_at", true), ("tracked_at", false)] {
      let query = ListQuery(
        CaseStore.parcels,
        filters: [
          ListFilter("state", .oneOf([.text("ordered"), .text("collected"), .text("in_transit")])),
          ListFilter(field, .range(from: nil, to: .instant(old))),
        ] + (isNew ? [ListFilter("tracked_at", .empty(true))] : []), sort: [.init(field: field, descending: false)],
        columns: ["waybill", "state", "ordered_at", "tracked_at", "delivered_at", ServiceCase.reference], limit: limit)
      for parcel in try await records.list(query).records {
        guard let id = parcel[ServiceCase.reference].integer else { continue }
        if try await follow(parcel, of: id, by: .system) != nil { return }
      }
    }
  }

  /// Calls a parcel off that was not collected yet; whoever could order it may.
  ///
  /// - Throws: ``Refusal`` `courier-late`, `courier-unavailable`.
  package func cancel(parcel: Int64, of id: Int64, by principal: Principal, origin: Origin = .inside) async throws {
    let view = try await view(id, as: principal, origin: origin)
    let found = try self.parcel(parcel, in: view)
    let isPickup = found["direction"].text == CourierDirection.pickup.rawValue
    guard view.access == .applicant ? isPickup : !view.mine.isEmpty else {
      throw Refusal(.forbidden, "courier-foreign", "这张快递单由受理单位办理，没有改动。需要时请与受理单位联系。")
    }
    guard found["state"].text == "ordered", let connectors, let waybill = found["waybill"].text else {
      throw Refusal(.conflict, "courier-late", "快递员已经揽收，不能取消。需要退回请与快递公司联系。")
    }
    let answer = try await connectors.call(
      CaseStore.courier, "cancel", ["waybill": .text(waybill)], purpose: "取消快递",
      about: ConnectorSubject(entity: ServiceCase.entity, id: id, label: "运单 \(waybill)"), by: principal)
    guard answer.outcome == .yes else {
      throw Refusal(.unavailable, "courier-unavailable", "没有取消：\(answer.reason ?? "快递公司没有答复")。请稍后再试，或致电 11183。")
    }
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      let records = store.records(as: acting(for: principal, form: state.form), origin: origin).within(transaction)
      try await records.update(
        CaseStore.parcels, parcel, version: nil, ["state": .text("cancelled")], input: .code)
      _ = try await transaction.query(
        eventStatement(
          state, CaseAction(name: "courier", target: "取消运单 \(waybill)"), by: principal, at: store.clock.now()))
    }
  }
}
