import Access
import Core
package import Entities
package import Geo
import HTML
package import HTTP
package import SQL
import Shell
package import Site

/// The map: its page, its tiles, what is near a place.
package struct MapRoutes: Sendable {
  let site: Site
  let tiles: MapTiles
  let places: PlaceSearch
  /// Shared with the scan page: what surrounds an address can be asked for as often as the address itself.
  let limiter: RateLimiter

  package init(
    site: Site, database: Database, store: RecordStore, places: PlaceSearch, limiter: RateLimiter
  ) {
    self.site = site
    self.limiter = limiter
    tiles = MapTiles(database: database, catalogs: store.catalogs)
    self.places = places
  }

  package func register(in router: inout Router) {
    router.on(.get, "/map", at: site) { visit in try await page(visit) }
    router.on(.get, "/tiles/{layer}/{z}/{x}/{y}", at: site) { visit in try await tile(visit) }
    router.on(.get, "/api/nearby", at: site) { visit in try await nearby(visit) }
    router.on(.get, "/d/{code}/map", at: site) { visit in try await addressMap(visit) }
  }

  private func tile(_ visit: Visit) async throws -> Response {
    let request = visit.request
    guard let z = Int(try request.parameter("z")), let x = Int(try request.parameter("x")),
      case let name = try request.parameter("y"), name.hasSuffix(".mvt"), let y = Int(name.dropLast(4))
    else { throw Refusal(.notFound, "tile-unknown", "没有这个地图瓦片。") }
    let bytes = try await tiles.tile(
      try request.parameter("layer"), try Tile(z: z, x: x, y: y), for: visit.principal)
    var response = Response.bytes(bytes, type: "application/vnd.mapbox-vector-tile")
    response.headers["Cache-Control"] = "private, max-age=60"
    response.tag()
    return response
  }

  private static let layers: [(name: String, entity: String, label: String, isOn: Bool)] = [
    ("divisions", "division", "行政区划", true), ("grids", "grid", "网格", false),
    ("defects-open", "grid_defect", "问题网格", false), ("roads", "road", "街路巷", true),
    ("buildings", "building", "楼栋", true), ("landmarks", "building", "突出建筑", false),
    ("addresses", "address", "标准地址", true),
    ("facilities", "public_facility", "公共设施", false), ("stations", "police_station", "派出所警务室", false),
    ("organisations", "organisation", "实有单位", false),
  ]

  /// The layers that the viewer may see; a register whose map tells records apart by a code has one for each code.
  private func layers(for visit: Visit) -> [MapView.Layer] {
    let asked = visit.request.query.first("layer")
    let catalog = tiles.catalogs.current
    return MapRoutes.layers.filter { visit.principal.may(Permission($0.entity, "view")) }.flatMap { layer in
      let isOn = layer.isOn || layer.entity == asked
      let entity = catalog.entity(layer.entity)
      guard !layer.name.contains("-"), let by = entity?.map?.layers,
        let dictionary = entity?.field(by)?.dictionary.flatMap(catalog.dictionary)
      else {
        return [
          MapView.Layer(
            layer.name, layer.label, isOn: isOn,
            cardPath: layer.entity == "grid_defect" ? "/grids/defects/{id}/card" : nil)
        ]
      }
      return dictionary.codes.filter { !$0.retired }.map { code in
        let name = "\(layer.name)-\(code.code)"
        return MapView.Layer(name, code.label, isOn: isOn || name == asked)
      }
    }
  }

  private func page(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("address", "view"), toDo: "打开地图")
    let text = visit.request.query.first("q") ?? ""
    let found = try await places.everything(text, for: visit.principal)
    if visit.wantsJSON {
      return .json(["items": .array(found.map(\.json))])
    }
    let middle = found.first.flatMap { place in place.longitude.flatMap { x in place.latitude.map { (x, $0) } } }
    let map = MapView(
      label: "\(site.city.name)地图", longitude: middle?.0 ?? site.city.centre.longitude,
      latitude: middle?.1 ?? site.city.centre.latitude,
      zoom: middle == nil ? 12 : 17, layers: layers(for: visit),
      markers: found.compactMap { place in
        guard let longitude = place.longitude, let latitude = place.latitude else { return nil }
        return MapView.Marker(longitude: longitude, latitude: latitude, label: place.title, path: place.path)
      })
    return try await visit.page("地图", layout: .map, scripts: [.map]) {
      MapPageView(map: map, searchPath: "/map", searchValue: text) { list(found, text) }
    }
  }

  private func list(_ found: [PlaceSearch.Place], _ text: String) -> HTML {
    if found.isEmpty {
      let state =
        text.isEmpty
        ? StateView.empty("查找一个地方", "输入地址、街路巷、小区、学校或医院的名称、门牌编码或“经度,纬度”，在地图上定位；也可以直接点地图。", icon: .pin)
        : StateView.nothingFound("没有找到“\(text)”", "换一个说法，或去掉省市区名称再试。", clear: "/map")
      return state.html
    }
    return .joined(
      found.map {
        MapListItem(
          $0.title, detail: $0.detail, note: $0.note, longitude: $0.longitude, latitude: $0.latitude, path: $0.path
        ).html
      })
  }

  private func nearby(_ visit: Visit) async throws -> Response {
    if visit.principal.kind == .stranger { try limiter.require(visit.request.remoteAddress, toDo: "查询") }
    let query = visit.request.query
    guard let longitude = query.first("lon").flatMap(Double.init),
      let latitude = query.first("lat").flatMap(Double.init)
    else { throw Refusal(.invalid, "place-missing", "请给出经度 lon 和纬度 lat。", field: "lon") }
    let place = try Coordinate(longitude: longitude, latitude: latitude)
    let radius = query.first("radius").flatMap(Double.init) ?? PublicAddresses.radius
    guard radius > 0, radius <= 5000 else {
      throw Refusal(.invalid, "radius-range", "查找半径应在 1 到 5000 米之间。", field: "radius")
    }
    let found = try await places.facilities(around: place, metres: radius, kind: query.first("kind"))
    return .json(["items": .array(found.map(\.json))])
  }

  /// The public map around one address.
  private func addressMap(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询")
    let code = try visit.request.parameter("code")
    guard let place = try await places.address(code), let longitude = place.longitude, let latitude = place.latitude
    else { throw Refusal(.notFound, "address-unknown", "没有找到这个地址，或它还没有标注位置。") }
    let here = try Coordinate(longitude: longitude, latitude: latitude)
    let found = try await places.facilities(around: here, metres: PublicAddresses.radius, kind: nil)
    let layers = [
      MapView.Layer("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋"),
      .init("facilities", "公共设施"),
    ]
    let markers = [MapView.Marker(longitude: longitude, latitude: latitude, label: place.title, path: "/d/\(code)")]
    let map = MapView(
      label: "\(place.title)周边", longitude: longitude, latitude: latitude, zoom: 15, layers: layers, markers: markers)
    let page = PublicPage(title: "周边地图", visit: try await visit.frame(), scripts: [.map]) {
      header(.class("address-header")) {
        h1 { "周边地图" }
        p(.class("address-region")) { place.title }
        p { a(.href("/d/\(code)")) { "返回地址页" } }
      }
      PublicSection("怎么去这里") {
        WayThere(name: place.title, place: here, path: "/d/\(code)").ways
      }
      map
      PublicSection("一点五公里内的公共设施", link: ("全部公共资源", "/places?code=\(code)")) {
        if found.isEmpty {
          p(.class("blank")) { "附近还没有登记公共设施。" }
        } else {
          ul(.class("nearby")) { for place in found { li { item(place) } } }
        }
      }
    }
    return try visit.html(page.render())
  }

  private func item(_ place: PlaceSearch.Place) -> HTML {
    div(.class("nearby-row")) {
      Icon.pin
      span(.class("nearby-text")) {
        span(.class("nearby-name")) { place.title }
        span(.class("nearby-detail")) { place.detail }
      }
      if let note = place.note { span(.class("nearby-distance number")) { note } }
    }
  }
}
