import Access
import Core
import Entities
package import Files
package import Geo
import HTML
package import HTTP
import Shell
package import Site
package import SpineWeb

/// Public resources (公共资源): offices, police rooms, kiosks and facilities around an address, around where one stands, or
/// by name, on a list and a map.
package struct PlaceRoutes: Sendable {
  let site: Site
  let places: PublicPlaces
  let search: PlaceSearch
  let files: FileStore
  let limiter: RateLimiter

  package init(
    site: Site, places: PublicPlaces, search: PlaceSearch, files: FileStore, limiter: RateLimiter
  ) {
    self.site = site
    self.places = places
    self.search = search
    self.files = files
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/places", at: site) { visit in try await list(visit) }
    router.on(.get, "/places/{source}/{id}", at: site) { visit in try await detail(visit) }
    router.on(.get, "/places/{source}/{id}/photo", at: site) { visit in try await photo(visit, "photo") }
    router.on(.get, "/places/{source}/{id}/officer", at: site) { visit in try await photo(visit, "officer_photo") }
  }

  // MARK: List

  /// Where is looked around: an address, or where the browser says it is.
  private struct Around {
    let name: String
    let place: Coordinate
    let code: String?
  }

  private func around(_ visit: Visit) async throws -> Around? {
    if let here = try visit.here() { return Around(name: "您的位置", place: here, code: nil) }
    guard let code = visit.request.query.first("code"), !code.isEmpty else { return nil }
    guard let address = try await search.address(String(code.prefix(32))) else {
      throw Refusal(.notFound, "address-unknown", "没有编码为“\(code.prefix(32))”的地址，没有查询。请核对门牌二维码下方的编码。")
    }
    guard let longitude = address.longitude, let latitude = address.latitude else { return nil }
    return Around(
      name: address.title, place: try Coordinate(longitude: longitude, latitude: latitude), code: code)
  }

  private var catalog: Catalog { places.store.catalog }

  private var kinds: [Choice] {
    ["police_room", "police_station"].map { Choice($0, PublicPlace.label($0, catalog)) }
      + (catalog.dictionary("facility_kind")?.codes ?? []).filter { !$0.retired }.map { Choice($0.code, $0.label) }
  }

  private func list(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询公共资源")
    let query = visit.request.query
    let text = TextForms.trimmed(String((query.first("q") ?? "").prefix(40)))
    let kind = query.first("kind").flatMap { kind in kinds.first { $0.value == kind } }
    let around = try await around(visit)
    let found = try await places.find(
      .init(
        text: text, kind: kind?.value, near: around?.place,
        metres: around == nil || !text.isEmpty ? nil : PublicAddresses.radius))
    if visit.wantsJSON { return .json(["items": .array(found.map { $0.json(catalog) })]) }
    let here = query.setting("lon", to: nil).setting("lat", to: nil).setting("code", to: nil)
    return try await visit.portalPage(
      "公共资源", note: around.map { "\($0.name)周边一点五公里，近的在前" } ?? "街道办、社区办、警务室、岗亭和公共设施的位置、电话、开放时间",
      crumbs: around?.code.map { [Crumb("地址页", "/d/\($0)")] } ?? [], scripts: [.map]
    ) {
      form(.class("portal-search"), .role("search"), .action("/places")) {
        if let code = around?.code { HiddenField("code", code) }
        Shell.Field("q", "名称", .text(text, .init(maximum: 40, placeholder: "例如 警务室、公厕", type: "search")))
        Shell.Field("kind", "种类", .select(kind?.value ?? "", kinds, blank: "全部种类"))
        Action("查找公共资源", .submit(name: nil, value: nil), style: .primary)
        a(
          .class("button button-normal"), .href(here.isEmpty ? "/places" : "/places?\(here.encoded)"),
          .data("data-locate")
        ) {
          Icon.locate
          span { "看我附近的" }
        }
      }
      map(found, around)
      if found.isEmpty {
        StateView.nothingFound(
          "没有找到", around == nil ? "换一个名称或种类再试。" : "一点五公里内没有登记，可以写名称在全市查找。",
          clear: around?.code.map { "/places?code=\($0)" } ?? "/places")
      } else {
        NearbyList(found.map { $0.row(catalog) })
        if found.count == PublicPlaces.limit {
          p(.class("field-help")) { "先列出 \(found.count) 处，其余请写名称或选种类查找，也可以在地图上看。" }
        }
      }
    }
  }

  private func map(_ found: [PublicPlace], _ around: Around?) -> HTML {
    let first = found.first { $0.longitude != nil }
    let middle =
      around?.place
      ?? first.flatMap { place in
        place.longitude.flatMap { x in place.latitude.flatMap { try? Coordinate(longitude: x, latitude: $0) } }
      } ?? site.city.centre
    var markers = found.prefix(20).compactMap { place -> MapView.Marker? in
      guard let x = place.longitude, let y = place.latitude else { return nil }
      return MapView.Marker(longitude: x, latitude: y, label: place.name, path: place.path)
    }
    if let around, let code = around.code {
      markers.append(
        MapView.Marker(
          longitude: around.place.longitude, latitude: around.place.latitude, label: around.name, path: "/d/\(code)"))
    }
    return MapView(
      label: "公共资源地图", longitude: middle.longitude, latitude: middle.latitude, zoom: around == nil ? 13 : 15,
      layers: [
        MapView.Layer("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋"),
        .init("facilities", "公共设施"), .init("stations", "派出所警务室"),
      ], markers: markers
    ).html
  }

  // MARK: One

  private func known(_ visit: Visit) async throws -> (source: PublicPlace.Source, record: Record) {
    try limiter.require(visit.request.remoteAddress, toDo: "查询公共资源")
    guard let source = PublicPlace.Source(rawValue: try visit.request.parameter("source")) else {
      throw Refusal(.notFound, "place-missing", "没有这个页面。请从“公共资源”重新查找。")
    }
    return (source, try await places.one(source, try visit.request.integer("id")))
  }

  private func detail(_ visit: Visit) async throws -> Response {
    let (source, record) = try await known(visit)
    let isStation = source == .station
    let kind =
      isStation ? (record["kind"].text == "room" ? "police_room" : "police_station") : record["kind"].text ?? ""
    let name = record["name"].text ?? ""
    let path = PublicPlace.path(source, record.id)
    let place = record["location"].geometry?["coordinates"]?.array.flatMap { numbers -> Coordinate? in
      guard numbers.count == 2, let x = numbers[0].double, let y = numbers[1].double else { return nil }
      return try? Coordinate(longitude: x, latitude: y)
    }
    let officers = isStation ? try await officers(of: record, name, path) : []
    return try await visit.portalPage(
      name, note: PublicPlace.label(kind, catalog), crumbs: [Crumb("公共资源", "/places")], scripts: [.map]
    ) {
      if !record["photo"].isNull { img(.class("place-photo"), .src("\(path)/photo"), .alt("\(name)的照片")) }
      Card("开放和联系") { DetailList(PlaceRoutes.items(record, kind)) }
      if !officers.isEmpty { PublicSection("社区民警") { ContactList(officers) } }
      if let text = record["introduction"].text, !text.isEmpty { Card("介绍") { paragraphs(text) } }
      if let place { WayThere(name: name, place: place, path: path) }
    }
  }

  /// Those of the directory, else who is typed in at the station.
  private func officers(of record: Record, _ name: String, _ path: String) async throws -> [ContactCard] {
    if let unit = record["unit_id"].integer {
      let listed = try await DutyOfficers(places.store.database).of(unit: unit)
      if !listed.isEmpty {
        return listed.map { officer in
          ContactCard(
            role: "社区民警", name: officer.name, unit: officer.beat, phone: officer.phone,
            icon: .police)
        }
      }
    }
    guard let officer = record["officer_name"].text else { return [] }
    return [
      ContactCard(
        role: "社区民警", name: officer, unit: record["officer_number"].text.map { "\(name) · 警号 \($0)" } ?? name,
        phone: record["officer_phone"].text, icon: .police,
        photo: record["officer_photo"].isNull ? nil : "\(path)/officer")
    ]
  }

  private static func items(_ record: Record, _ kind: String) -> [DetailItem] {
    func phone(_ label: String, _ field: String) -> DetailItem {
      DetailItem(
        label, record[field].text.map { number in a(.href("tel:\(number)")) { number } } ?? "未登记", isCode: true)
    }
    func flag(_ label: String, _ field: String) -> DetailItem? {
      record[field].boolean.map { DetailItem(label, text: $0 ? "是" : "否") }
    }
    var items = [
      DetailItem(
        PublicPlace.hoursLabel(kind), text: record["opening_hours"].text ?? record["office_hours"].text ?? "未登记"),
      phone("电话", "phone"),
    ]
    if let contact = record["contact"].text { items.append(DetailItem("联系人", text: contact)) }
    items.append(
      DetailItem(
        "地址", text: record["address_text"].text ?? record.titles["address_id"] ?? record.titles["division_code"],
        isWide: true))
    if let parent = record["parent_id"].integer {
      items.append(
        DetailItem(
          "上级派出所",
          a(.href(PublicPlace.path(.station, parent))) { record.titles["parent_id"] ?? "派出所" }, isWide: true))
    }
    if let lines = record["bus_lines"].text { items.append(DetailItem("途经线路", text: lines, isWide: true)) }
    if let capacity = record["capacity"].integer { items.append(DetailItem("容量", text: "\(capacity)")) }
    return items + [flag("免费", "is_free"), flag("无障碍", "is_accessible")].compactMap(\.self)
  }

  private func photo(_ visit: Visit, _ field: String) async throws -> Response {
    let (source, record) = try await known(visit)
    guard source == .station || field == "photo", let key = record[field].text else {
      throw Refusal(.notFound, "picture-missing", "这里没有照片。")
    }
    return try await files.publicPicture(key)
  }
}

extension PublicPlace {
  fileprivate func json(_ catalog: Catalog) -> JSON {
    [
      "source": .string(source.rawValue), "id": .int(id), "name": .string(name), "kind": .string(kind),
      "kindLabel": .string(PublicPlace.label(kind, catalog)), "address": .string(address),
      "phone": phone.map { .string($0) } ?? .null, "hours": hours.map { .string($0) } ?? .null,
      "metres": metres.map { .int(Int64($0)) } ?? .null, "path": .string(path),
      "at": longitude.flatMap { x in latitude.map { .array([.double(x), .double($0)]) } } ?? .null,
    ]
  }
}
