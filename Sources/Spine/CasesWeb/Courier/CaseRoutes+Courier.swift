import Access
import Cases
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Ordering, following and calling off parcels of a case (C-027, C-028, C-069).
extension CaseRoutes {
  func registerCourier(in router: inout Router) {
    router.on(.get, "/cases/{id}/courier/{direction}", at: site) { visit in try await askOrder(visit) }
    router.on(.post, "/cases/{id}/courier/{direction}", at: site) { visit in try await order(visit) }
    router.on(.post, "/cases/{id}/parcels/{parcel}/track", at: site) { visit in try await track(visit) }
    router.on(.get, "/cases/{id}/parcels/{parcel}/cancel", at: site) { visit in try await askCancel(visit) }
    router.on(.post, "/cases/{id}/parcels/{parcel}/cancel", at: site) { visit in try await cancel(visit) }
    router.on(.get, "/cases/{id}/parcels/{parcel}/label", at: site) { visit in try await label(visit) }
  }

  private func direction(_ visit: Visit) throws -> CourierDirection {
    guard let direction = CourierDirection(rawValue: try visit.request.parameter("direction")) else {
      throw Refusal(.notFound, "courier-direction", "没有这种快递。请刷新页面。")
    }
    return direction
  }

  // MARK: Ordering

  private func question(
    _ view: CaseView, _ direction: CourierDirection, _ place: CourierAddress, _ refusal: Refusal?
  ) -> Confirmation {
    func error(_ field: String) -> String? { refusal?.field == field ? refusal?.message : nil }
    let office = view.record.titles["unit_id"] ?? "受理单位"
    let isPickup = direction == .pickup
    return Confirmation(
      title: isPickup ? "预约上门取件" : "下单寄送\(view.item.result.document ?? "办理结果")",
      consequences: [
        isPickup ? "快递员上门取走原件，送到\(office)核对；邮费向快递员支付。" : "快递员到\(office)取件，送到下面的地址。",
        "姓名、电话和地址会交给快递公司，只用于这次投递。",
      ],
      fields: [
        Shell.Field("name", "联系人", .text(place.name, .init(maximum: 60)), isRequired: true, error: error("name")),
        Shell.Field(
          "phone", "联系电话", .text(place.phone, .init(maximum: 20, type: "tel")), isRequired: true, error: error("phone")),
        Shell.Field(
          "address", isPickup ? "取件地址" : "收件地址", .text(place.address, .init(maximum: 200)), isRequired: true,
          help: "写到门牌号", error: error("address")),
      ], errors: refusal.map { [FieldError($0.field, $0.message)] } ?? [],
      path: "/cases/\(view.id)/courier/\(direction.rawValue)", submit: isPickup ? "预约取件" : "下单",
      cancelPath: "/cases/\(view.id)")
  }

  private func askOrder(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let direction = try direction(visit)
    guard cases.mayOrder(direction, in: view) else {
      throw Refusal(.conflict, "courier-closed", "现在不能预约\(direction.label)。请回到办件页面查看快递情况。")
    }
    func known(_ field: String) -> String {
      view.record.masked.contains(field) ? "" : view.record[field].text ?? ""
    }
    let place = CourierAddress(
      name: known("applicant_name"), phone: known("applicant_phone"), address: known("recipient_address"))
    return try await visit.confirmation(question(view, direction, place, nil))
  }

  private func order(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let direction = try direction(visit)
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    let place = CourierAddress(
      name: form.first("name") ?? "", phone: form.first("phone") ?? "", address: form.first("address") ?? "")
    do {
      let waybill = try await cases.order(
        direction, of: id, at: place, by: visit.principal, origin: visit.request.origin)
      if visit.wantsJSON { return .json(["waybill": .string(waybill)]) }
      return try visit.redirect(to: "/cases/\(id)", saying: "已下单，运单号 \(waybill)。")
    } catch let refusal as Refusal where [.invalid, .unavailable, .unprocessable].contains(refusal.kind) {
      if visit.wantsJSON { throw refusal }
      return try await visit.confirmation(
        question(try await view(visit), direction, place, refusal), status: refusal.kind.status)
    }
  }

  // MARK: Afterwards

  private func track(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let id = try visit.request.integer("id")
    do {
      try await cases.track(
        parcel: try visit.request.integer("parcel"), of: id, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .unavailable && !visit.wantsJSON {
      return try visit.redirect(to: "/cases/\(id)", saying: refusal.message, tone: .warning)
    }
    if visit.wantsJSON { return .json(["done": true]) }
    return try visit.redirect(to: "/cases/\(id)", saying: "轨迹已更新。")
  }

  private func parcel(_ view: CaseView, _ visit: Visit) throws -> Record {
    let number = try visit.request.integer("parcel")
    guard let parcel = view.parcels.first(where: { $0.id == number }) else {
      throw Refusal(.notFound, "parcel-unknown", "没有找到这张快递单。请刷新页面。")
    }
    return parcel
  }

  private func askCancel(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let parcel = try parcel(view, visit)
    return try await visit.confirmation(
      Confirmation(
        title: "取消运单 \(parcel["waybill"].text ?? "")？", consequences: ["快递员不再上门；需要时可以重新预约。"],
        path: "/cases/\(view.id)/parcels/\(parcel.id)/cancel", submit: "取消运单", isDangerous: true,
        cancelPath: "/cases/\(view.id)"))
  }

  private func cancel(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let id = try visit.request.integer("id")
    do {
      try await cases.cancel(
        parcel: try visit.request.integer("parcel"), of: id, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where [.unavailable, .conflict].contains(refusal.kind) && !visit.wantsJSON {
      return try visit.redirect(to: "/cases/\(id)", saying: refusal.message, tone: .warning)
    }
    if visit.wantsJSON { return .json(["done": true]) }
    return try visit.redirect(to: "/cases/\(id)", saying: "运单已取消。")
  }

  /// 面单, for a thermal printer of 100 × 150 mm.
  private func label(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let parcel = try parcel(view, visit)
    guard view.access != .applicant, !view.mine.isEmpty, !parcel.masked.contains("receiver_address") else {
      throw Refusal(.forbidden, "courier-foreign", "只有正在办理这件事的人可以打印面单。请从待办进入。")
    }
    let pdf = try CourierLabel(
      parcel: parcel, number: view.record["number"].text ?? "", printedAt: store.clock.now()
    ).render()
    var response = Response.bytes(pdf, type: "application/pdf")
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
