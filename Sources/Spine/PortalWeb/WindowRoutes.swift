import Access
import Core
package import Entities
package import Geo
import HTML
package import HTTP
import Portal
import Shell
package import Site
import SpineWeb

/// The windows for anybody: list by distance and map, hours, telephone, the way there (办事网点, C-248).
package struct WindowRoutes: Sendable {
  let site: Site
  let windows: ServiceWindows
  let store: RecordStore
  let limiter: RateLimiter

  package init(site: Site, store: RecordStore, limiter: RateLimiter) {
    self.site = site
    windows = ServiceWindows(store: store)
    self.store = store
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/windows", at: site) { visit in try await list(visit) }
    router.on(.get, "/windows/{id}", at: site) { visit in try await detail(visit) }
  }

  private func list(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询窗口")
    let query = visit.request.query
    let text = String((query.first("q") ?? "").prefix(40))
    let service = query.first("service").flatMap { $0.isEmpty ? nil : $0 }
    let here = try visit.here()
    let found = try await windows.all(service: service, text: text, near: here)
    let address = query.setting("lon", to: nil).setting("lat", to: nil).encoded
    return try await visit.portalPage(
      "办事窗口", note: "按距离查看附近的户政窗口、开放时间和电话", scripts: [.map]
    ) {
      form(.class("portal-search"), .role("search"), .action("/windows")) {
        Shell.Field("q", "名称或地址", .text(text, .init(maximum: 40, placeholder: "例如 东城", type: "search")))
        Shell.Field("service", "要办的业务", .select(service ?? "", store.choices("desk_window_service"), blank: "全部业务"))
        Action("查找窗口", .submit(name: nil, value: nil), style: .primary)
        a(.class("button button-normal"), .href("/windows?\(address)"), .data("data-locate")) {
          Icon.locate
          span { "按离我的距离排列" }
        }
      }
      if found.isEmpty {
        StateView.nothingFound("没有找到窗口", "换一个名称或业务再试。", clear: "/windows")
      } else {
        ul(.class("nearby")) { for window in found { li { WindowRow(window: window) } } }
        map(found, here)
      }
    }
  }

  private func map(_ found: [ServiceWindow], _ here: Coordinate?) -> HTML {
    let middle = here ?? found.first { $0.place != nil }?.place ?? site.city.centre
    let markers = found.compactMap { window in
      window.place.map {
        MapView.Marker(
          longitude: $0.longitude, latitude: $0.latitude, label: window.name, path: "/windows/\(window.id)")
      }
    }
    return MapView(
      label: "办事窗口地图", longitude: middle.longitude, latitude: middle.latitude, zoom: 12,
      layers: [MapView.Layer("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋")],
      markers: markers
    ).html
  }

  private func detail(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询窗口")
    let window = try await windows.one(try visit.request.integer("id"))
    var actions: [Action] = []
    if window.takesAppointment {
      actions.append(Action("预约这个窗口", .link("/appointments/new?window=\(window.id)"), style: .primary, icon: .calendar))
    }
    return try await visit.portalPage(
      window.name, note: window.kind, crumbs: [Crumb("办事窗口", "/windows")], actions: actions, scripts: [.map]
    ) {
      if let notice = window.notice { Notice(window.isOpen ? .info : .warning, notice) }
      if !window.isOpen { Notice(.warning, "这个窗口暂停服务，请先打电话问清楚再来。") }
      Card("开放和联系") {
        DetailList([
          DetailItem("电话", a(.href("tel:\(window.phone)")) { window.phone }, isCode: true),
          DetailItem("地址", text: window.address, isWide: true),
          DetailItem("工作日", text: window.weekdayHours), DetailItem("周六", text: window.saturdayHours ?? "不开放"),
          DetailItem("周日", text: window.sundayHours ?? "不开放"),
          DetailItem("中午", text: window.isOpenAtNoon ? "不间断" : "按开放时间"),
          DetailItem("可办业务", text: window.serviceLabels.joined(separator: "、"), isWide: true),
          DetailItem("无障碍通道", text: window.isAccessible ? "有" : "没有"),
          DetailItem("公交和停车", text: window.transit, isWide: true),
        ])
      }
      if let place = window.place { WayThere(name: window.name, place: place, path: "/windows/\(window.id)") }
    }
  }
}

/// One window in a list.
struct WindowRow: HTMLConvertible {
  let window: ServiceWindow
  var path: String?

  var html: HTML {
    a(.class("nearby-row"), .href(path ?? "/windows/\(window.id)")) {
      Icon.police
      span(.class("nearby-text")) {
        span(.class("nearby-name")) {
          window.name
          if !window.isOpen { Badge("暂停服务", .warning) }
        }
        span(.class("nearby-detail")) { "\(window.address) · \(window.phone)" }
        span(.class("nearby-detail")) { "工作日 \(window.weekdayHours)" }
      }
      if let distance = window.distance { span(.class("nearby-distance number")) { text(distance) } }
    }
  }

  private func text(_ metres: Double) -> String {
    let metres = Int(metres.rounded())
    if metres < 1000 { return "\(metres) 米" }
    let tenths = (metres + 50) / 100
    return "\(tenths / 10).\(tenths % 10) 公里"
  }
}
