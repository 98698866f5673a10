import Access
package import Addresses
import Core
package import Entities
import EntitiesWeb
import Geo
import HTML
package import HTTP
import Shell
package import Site

/// A defect with the addresses it is about, side by side and on the map (A-070), and the interface by which departments
/// report wrong addresses (A-035).
package struct DefectRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let reports: AddressReports

  package init(site: Site, store: RecordStore, reports: AddressReports) {
    self.site = site
    self.store = store
    self.reports = reports
  }

  package func register(in router: inout Router) {
    router.on(.get, "/addresses/defects/{id}", at: site) { visit in try await page(visit) }
    router.on(.post, "/api/address/reports", at: site) { visit in try await report(visit) }
    router.on(.get, "/api/address/reports/{id}", at: site) { visit in try await answer(visit) }
  }

  /// The segments that are compared, in the order in which an address is written.
  private static let compared = [
    "full_name", "code", "status", "kind", "division_code", "community", "road", "house_number", "sub_number",
    "compound",
    "building_number", "unit_number", "floor", "room", "location", "plate_status", "police_station_id", "data_source",
    "updated_at",
  ]

  private func page(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let entity = try store.entity(AddressDefect.entity)
    try visit.principal.require(Permission(entity.name, "view"), toDo: "查看\(entity.label)")
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let defect = try await records.get(entity.name, id)
    let addresses = try await addresses(of: defect, records, visit)
    let display = FieldDisplay(catalog: store.catalog)
    let comparison = try RecordComparison(
      caption: "地址对照", register: try store.entity("address"), fields: DefectRoutes.compared, unequal: ["code"]
    ).table(addresses, display)
    let path = "/r/\(entity.name)/\(id)"
    let isOpen = defect["state"].text == "open"
    let state = entity.field("state").map { display.text($0, of: defect) } ?? ""
    return try await visit.page(
      entity.field("kind").map { display.text($0, of: defect) } ?? entity.label, layout: .wide,
      crumbs: [Crumb("地址质量", "/addresses/quality"), Crumb(entity.label, "/r/\(entity.name)?state=open")],
      badge: Badge(state, isOpen ? .warning : .success), subtitle: defect["subject"].text,
      actions: actions(entity, defect, visit), moreActions: [Action("记录和历史", .link(path))], scripts: [.map]
    ) {
      Notice(
        isOpen ? .warning : .info,
        (defect["evidence"].text ?? "")
          + (isOpen && defect["kind"].text != "gap" ? "。订正或核实之前，涉及的地址不能申领门牌。" : ""))
      if defect["source"].text == "report" { Card("部门上报") { reported(entity, defect, display) } }
      if addresses.isEmpty {
        StateView.empty("还没有指定地址", "上报的文字对不上唯一的标准地址。请在“记录和历史”里用“指定地址”选出它。", icon: .address)
      } else {
        Card("地址对照", isFlush: true) { comparison }
        map(addresses)
      }
    }
  }

  private func addresses(of defect: Record, _ records: Records, _ visit: Visit) async throws -> [RecordComparison.Shown]
  {
    let isGap = defect["kind"].text == "gap"
    var shown: [RecordComparison.Shown] = []
    for (field, heading) in [
      ("address_id", isGap ? "缺号之前" : "问题地址"), ("other_id", isGap ? "缺号之后" : "另一条地址"),
    ] {
      guard let id = defect[field].integer else { continue }
      do {
        shown.append(RecordComparison.Shown(heading: heading, record: try await records.get("address", id)))
      } catch let refusal as Refusal where refusal.kind == .notFound || refusal.kind == .forbidden {}
    }
    return shown
  }

  private func actions(_ entity: EntityDeclaration, _ defect: Record, _ visit: Visit) -> [Action] {
    var actions: [Action] = []
    if defect["state"].text == "open", let address = defect["address_id"].integer, defect["kind"].text != "duplicate",
      defect["kind"].text != "gap", visit.principal.may(Permission("address", "update"))
    {
      actions.append(Action("修改地址", .link("/r/address/\(address)/edit"), style: .primary, icon: .edit))
    }
    return actions + DeclaredActions(store: store, visit: visit).open(for: defect, entity, leading: actions.isEmpty)
  }

  private func reported(_ entity: EntityDeclaration, _ defect: Record, _ display: FieldDisplay) -> HTML {
    DetailList(
      ["reporter", "reference", "reported_text", "proposed", "reason"].compactMap { entity.field($0) }.map {
        display.detail($0, of: defect, mayReveal: false)
      }
    ).html
  }

  @HTMLBuilder private func map(_ addresses: [RecordComparison.Shown]) -> HTML {
    let places = addresses.compactMap { shown -> MapView.Marker? in
      guard let place = shown.record["location"].point else { return nil }
      return MapView.Marker(
        longitude: place.longitude, latitude: place.latitude,
        label: "\(shown.heading)：\(shown.record["full_name"].text ?? "")",
        path: "/r/address/\(shown.record.id)")
    }
    if let first = places.first {
      Card("位置") {
        MapView(
          label: "问题地址的位置", longitude: places.reduce(0) { $0 + $1.longitude } / Double(places.count),
          latitude: places.reduce(0) { $0 + $1.latitude } / Double(places.count),
          zoom: places.allSatisfy {
            abs($0.longitude - first.longitude) < 0.003 && abs($0.latitude - first.latitude) < 0.003
          }
            ? 16.5 : 13.5,
          layers: [.init("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋")], markers: places)
      }
    }
  }
}
