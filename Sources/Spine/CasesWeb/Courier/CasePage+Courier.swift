import Cases
import Core
import Entities
import HTML
import Shell

/// The parcels of a case: what was ordered, where it is, and what can be done (C-028).
extension CasePage {
  /// Nothing when there is none and none can be ordered.
  var courierCard: HTML {
    if view.parcels.isEmpty, orders.isEmpty { return .empty }
    return Card("快递", count: view.parcels.isEmpty ? nil : .exact(view.parcels.count)) {
      for parcel in view.parcels { self.parcel(parcel) }
      if !orders.isEmpty {
        if orders.contains(.pickup) {
          p(.class("field-help")) { "要交的原件可以请快递员上门取，送到\(view.record.titles["unit_id"] ?? "受理单位")核对。" }
        }
        ActionBar(
          orders.map { direction in
            Action(
              direction == .pickup ? "预约上门取件" : "下单寄送结果",
              .dialog("/cases/\(view.id)/courier/\(direction.rawValue)"), style: .primary, icon: .send)
          })
      }
    }.html
  }

  private func parcel(_ parcel: Record) -> HTML {
    let base = "/cases/\(view.id)/parcels/\(parcel.id)"
    let state = parcel["state"].text ?? ""
    var actions: [Action] = []
    if state != "cancelled" {
      if state != "delivered" { actions.append(Action("查询轨迹", .post("\(base)/track", []), icon: .refresh)) }
      if view.access != .applicant, !view.mine.isEmpty {
        actions.append(Action("打印面单", .link("\(base)/label"), style: .quiet, icon: .print))
      }
      let isPickup = parcel["direction"].text == CourierDirection.pickup.rawValue
      if state == "ordered", view.access == .applicant ? isPickup : !view.mine.isEmpty {
        actions.append(Action("取消", .dialog("\(base)/cancel"), style: .quiet))
      }
    }
    let trail = (parcel["trail"].text ?? "").split(separator: "\n").map(String.init)
    return div(.class("request")) {
      p(.class("material-name")) {
        strong { parcel.titles["direction"] ?? "" }
        " "
        Badge(parcel.titles["state"] ?? state, CasePage.parcelTone(state))
      }
      p {
        "运单号 "
        span(.class("number")) { parcel["waybill"].text ?? "" }
        if let fee = parcel["fee"].money { "，邮费 \(fee.description)" }
      }
      if state == "ordered", let at = parcel["pickup_at"].instant {
        p(.class("field-help")) { "快递员预计 \(at.display) 前上门，请保持电话畅通。" }
      }
      if !trail.isEmpty {
        ul(.class("plain-list")) {
          for line in trail.reversed() { li { line } }
        }
      }
      if let at = parcel["tracked_at"].instant { p(.class("field-help")) { "轨迹查询于 \(at.display)" } }
      ActionBar(actions)
    }
  }

  private static func parcelTone(_ state: String) -> Tone {
    switch state {
    case "delivered": .success
    case "cancelled": .neutral
    default: .info
    }
  }

  /// The waybill that was ordered for the result, for the step that asks for it.
  var orderedWaybill: String? {
    view.parcels.last {
      $0["direction"].text == CourierDirection.delivery.rawValue && $0["state"].text != "cancelled"
    }?[
      "waybill"
    ].text
  }

  /// What is known already of what a step asks for.
  func offered(_ variable: String) -> String {
    switch variable {
    case "courier_number": orderedWaybill ?? ""
    case "courier_company": orderedWaybill == nil ? "" : "ems"
    default: ""
    }
  }
}
