import Access
import Addresses
import Core
package import Entities
import EntitiesWeb
import Geo
import HTML
package import HTTP
import Shell
package import Site

/// A defect of grids with the ground it is about on the map, the grids beside it, and the ways to mend it (D3-005 to D3-009).
package struct GridDefectRoutes: Sendable {
  let site: Site
  let store: RecordStore

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/grids/defects/{id}", at: site) { visit in try await page(visit) }
    router.on(.get, "/grids/defects/{id}/card", at: site) { visit in try await card(visit) }
  }

  private static let compared = [
    "name", "code", "kind", "status", "division_code", "worker_name", "worker_phone", "area", "household_count",
    "surveyed_on", "updated_at",
  ]

  private func find(_ visit: Visit) async throws -> (entity: EntityDeclaration, defect: Record) {
    let entity = try store.entity(GridDefect.entity)
    try visit.principal.require(Permission(entity.name, "view"), toDo: "查看\(entity.label)")
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    return (entity, try await records.get(entity.name, try visit.request.integer("id")))
  }

  private func page(_ visit: Visit) async throws -> Response {
    let (entity, defect) = try await find(visit)
    let display = FieldDisplay(catalog: store.catalog)
    let grids = try await grids(of: defect, visit)
    let comparison = try RecordComparison(
      caption: "网格对照", register: try store.entity("grid"), fields: GridDefectRoutes.compared,
      unequal: ["name", "code", "updated_at"]
    ).table(grids, display)
    func text(_ field: String) -> String { entity.field(field).map { display.text($0, of: defect) } ?? "" }
    let isOpen = defect["state"].text == "open"
    return try await visit.page(
      "\(text("grid_kind"))\(text("kind"))", layout: .wide,
      crumbs: [Crumb("网格质量", "/grids/quality"), Crumb(entity.label, "/r/\(entity.name)?state=open")],
      badge: Badge(text("state"), isOpen ? .warning : .success), subtitle: text("subject"),
      actions: actions(entity, defect, grids, visit),
      moreActions: [Action("记录和历史", .link("/r/\(entity.name)/\(defect.id)"))], scripts: [.map]
    ) {
      Notice(isOpen ? .warning : .info, "\(text("evidence"))。\(advice(defect))")
      map(defect, text("kind"))
      Card(grids.count > 1 ? "网格对照" : "网格", isFlush: true) {
        if grids.isEmpty {
          StateView.empty("没有可以显示的网格", "涉及的网格在您的数据范围之外，或已经删除。", icon: .address)
        } else {
          comparison
        }
      }
    }
  }

  /// What it is, short enough for the map.
  private func card(_ visit: Visit) async throws -> Response {
    let (entity, defect) = try await find(visit)
    let display = FieldDisplay(catalog: store.catalog)
    func text(_ field: String) -> String { entity.field(field).map { display.text($0, of: defect) } ?? "" }
    return try visit.html(
      MapCard(
        "\(text("grid_kind"))\(text("kind"))", badge: Badge(text("state"), .warning),
        items: [DetailItem("位置", text: text("subject")), DetailItem("依据", text: text("evidence"))],
        path: "/grids/defects/\(defect.id)"
      ).html.render())
  }

  private func advice(_ defect: Record) -> String {
    guard defect["state"].text == "open" else { return defect["reason"].text ?? "" }
    return switch defect["kind"].text.flatMap(GridDefect.Kind.init(rawValue:)) {
    case .gap?: "请并入相接的网格，或修改网格的范围；不属于任何网格的（如水面），写明理由“属实不改”。"
    case .overlap? where !defect["other_division"].isNull:
      "两个网格属于不同的区划，两边都看得到。请定下由哪一边让出：自己让出的自动裁去；要对方让出的，请对方定。"
    case .overlap?: "请定下重叠部分归哪一个网格，另一个自动裁去；也可以自己修改范围。"
    default: "请裁去越界的部分，或改正网格所属的区划。"
    }
  }

  private func grids(of defect: Record, _ visit: Visit) async throws -> [RecordComparison.Shown] {
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    var shown: [RecordComparison.Shown] = []
    let isPair = defect["kind"].text == GridDefect.Kind.overlap.rawValue
    for (field, heading) in [
      ("grid_id", isPair ? "前一个网格" : defect["kind"].text == "gap" ? "相接的网格" : "网格"), ("other_id", "后一个网格"),
    ] {
      guard let id = defect[field].integer else { continue }
      do {
        shown.append(RecordComparison.Shown(heading: heading, record: try await records.get("grid", id)))
      } catch let refusal as Refusal where refusal.kind == .notFound || refusal.kind == .forbidden {}
    }
    return shown
  }

  private func actions(
    _ entity: EntityDeclaration, _ defect: Record, _ grids: [RecordComparison.Shown], _ visit: Visit
  ) -> [Action] {
    let declared = DeclaredActions(store: store, visit: visit).open(for: defect, entity, leading: true)
    guard defect["state"].text == "open", visit.principal.may(Permission("grid", "update")) else { return declared }
    return declared
      + grids.map {
        Action("修改\($0.record["name"].text ?? $0.heading)", .link("/r/grid/\($0.record.id)/edit"), icon: .edit)
      }
  }

  @HTMLBuilder private func map(_ defect: Record, _ label: String) -> HTML {
    if let json = defect["place"].geometry, let shape = try? Geometry(geoJSON: json) {
      let bounds = shape.bounds
      // As near as the whole of it fits.
      let span = max(bounds.east - bounds.west, bounds.north - bounds.south, 0.0002)
      Card("位置") {
        MapView(
          label: "问题网格的位置", longitude: bounds.center.longitude, latitude: bounds.center.latitude,
          zoom: min(17, Double((360 / span).exponent) - 1),
          layers: [
            .init("divisions", "行政区划"), .init("grids-\(defect["grid_kind"].text ?? "")", "同类网格"),
            .init("roads", "街路巷"), .init("buildings", "楼栋"),
            .init("defects-\(defect["state"].text ?? "open")", label, cardPath: "/grids/defects/{id}/card"),
          ])
      }
    }
  }
}
