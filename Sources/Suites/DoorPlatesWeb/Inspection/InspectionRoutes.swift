import Access
import Core
import DoorPlates
package import Entities
import EntitiesWeb
import Geo
import HTML
package import HTTP
import Shell
package import Site
package import SpineWeb

/// 我的巡检: the addresses somebody has to inspect, on the telephone that goes there.
package struct InspectionRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let photos: FieldPhotos
  let inspections: Inspections

  package init(site: Site, store: RecordStore, photos: FieldPhotos) {
    self.site = site
    self.store = store
    self.photos = photos
    inspections = Inspections(store: store)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/inspection", at: site) { visit in try await list(visit) }
    router.on(.get, "/inspection/map", at: site) { visit in try await map(visit) }
    router.on(.get, "/inspection/ticket", at: site) { visit in try await ticket(visit) }
    router.on(.get, "/inspection/{id}", at: site) { visit in try await show(visit, nil, []) }
    router.on(.post, "/inspection/{id}", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await submit(visit)
    }
  }

  private func permit(_ visit: Visit) throws {
    try visit.principal.require(Permission(InspectionRules.entity, "submit"), toDo: "巡检地址")
  }

  func records(_ visit: Visit) -> Records { store.records(as: visit.principal, origin: visit.request.origin) }

  // MARK: Mine

  /// What is mine to do, or was done.
  private func mine(_ visit: Visit, _ state: String, limit: Int, sort: Entities.ListView.Sort) async throws
    -> Entities.Page
  {
    try await records(visit).list(
      ListQuery(
        InspectionRules.entity,
        filters: [
          ListFilter("officer_id", .equals(.integer(visit.principal.id))), ListFilter("state", .equals(.text(state))),
        ],
        sort: [sort],
        columns: ["address_id", "full_name", "road", "place", "due_on", "result", "received_at", "code"], limit: limit))
  }

  private func count(_ visit: Visit, since: Instant?) async throws -> Int {
    var filters = [
      ListFilter("officer_id", .equals(.integer(visit.principal.id))), ListFilter("state", .equals(.text("done"))),
    ]
    if let since { filters.append(ListFilter("received_at", .range(from: .instant(since), to: nil))) }
    return try await records(visit).count(ListQuery(InspectionRules.entity, filters: filters)).value
  }

  /// Where the browser says it is; `nil` when it does not.
  private func here(_ visit: Visit) throws -> Coordinate? {
    guard let x = visit.request.query.first("lon").flatMap(Double.init),
      let y = visit.request.query.first("lat").flatMap(Double.init)
    else { return nil }
    return try Coordinate(longitude: x, latitude: y)
  }

  private func waiting(_ visit: Visit) async throws -> (tasks: [InspectionList.Task], total: Int) {
    let here = try here(visit)
    let page = try await mine(
      visit, "open", limit: ListQuery.maximumLimit, sort: .init(field: "full_name", descending: false))
    let tasks = page.records.map { record in
      InspectionList.Task(record, from: here, today: store.clock.today())
    }
    return (
      here == nil ? tasks : tasks.sorted { ($0.metres ?? .infinity) < ($1.metres ?? .infinity) }, page.count.value
    )
  }

  private func list(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let (tasks, total) = try await waiting(visit)
    let done = try await mine(visit, "done", limit: 20, sort: .init(field: "received_at", descending: true))
    let today = try await count(visit, since: store.clock.today().start)
    let view = InspectionList(
      tasks: tasks, waiting: total, doneToday: today, done: done.records, doneTotal: done.count.value,
      isByDistance: try here(visit) != nil, owner: visit.principal.id,
      mayVisit: visit.principal.may(Permission(VisitRules.entity, "create")))
    return try await visit.page("我的巡检", subtitle: view.progress, scripts: [.inspection]) { view }
  }

  private func map(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let tasks = try await waiting(visit).tasks.filter { $0.place != nil }
    let middle = try here(visit) ?? tasks.first?.place
    guard let middle else {
      return try await visit.page("待巡检地图", crumbs: [Crumb("我的巡检", "/inspection")]) {
        StateView.empty(
          "没有可以上图的地址", "待巡检的地址都还没有登记位置，请按清单逐个核实。", icon: .map,
          actions: [Action("回到我的巡检", .link("/inspection"), style: .primary)])
      }
    }
    let layers = [
      MapView.Layer("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋"),
    ]
    let shown = tasks.prefix(200)
    let map = MapView(
      label: "待巡检的地址", longitude: middle.longitude, latitude: middle.latitude, zoom: 16, layers: layers,
      markers: shown.compactMap { task in
        task.place.map {
          MapView.Marker(longitude: $0.longitude, latitude: $0.latitude, label: task.name, path: task.path)
        }
      })
    return try await visit.page("待巡检地图", layout: .map, crumbs: [Crumb("我的巡检", "/inspection")], scripts: [.map]) {
      MapPageView(map: map, searchPath: "/map") {
        MapListHead(
          tasks.count > shown.count ? "待巡检 \(tasks.count) 处，先列出最近的 \(shown.count) 处" : "待巡检 \(tasks.count) 处")
        for task in shown {
          MapListItem(
            task.name, detail: task.detail, note: task.distance, longitude: task.place?.longitude,
            latitude: task.place?.latitude, path: task.path)
        }
      }
    }
  }

  /// Who is signed in, and with which form token, before what waited without a network is sent.
  private func ticket(_ visit: Visit) async throws -> Response {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "登录已过期，待发送的巡检还在这台手机上。请重新登录。")
    }
    return .json([
      "owner": .string(String(visit.principal.id)), "token": .string(visit.environment.formToken),
    ])
  }

  // MARK: One

  private static let taskColumns = [
    "number", "address_id", "code", "full_name", "state", "officer_id", "due_on", "place", "result", "error_kind",
    "note", "position", "accuracy", "drift", "deviation", "photo", "taken_at", "received_at", "return_note",
  ]

  func task(_ visit: Visit) async throws -> Record {
    let id = try visit.request.integer("id")
    do {
      return try await records(visit).get(InspectionRules.entity, id, columns: InspectionRoutes.taskColumns)
    } catch let refusal as Refusal where refusal.code == "record-missing" {
      throw Inspections.missing
    }
  }

  func show(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws -> Response {
    try permit(visit)
    let task = try await task(visit)
    // Whoever is sent to an address reads its record, wherever the usual scope ends.
    let reader = visit.principal.entrusted(with: ["address", "door_plate"], to: "view")
    let trusted = store.records(as: reader, origin: visit.request.origin)
    let address = try await trusted.get("address", task["address_id"].integer ?? 0)
    let plates = try await trusted.list(
      ListQuery(
        "door_plate", filters: [ListFilter("address_id", .equals(.integer(address.id)))],
        sort: [.init(field: "applied_at", descending: true)], columns: ["number", "state", "kind"], limit: 1))
    let page = InspectionPage(
      task: task, address: address, plate: plates.records.first, catalog: store.catalog, typed: typed, errors: errors,
      isMine: task["officer_id"].integer == visit.principal.id, owner: visit.principal.id,
      client: site.newVisitor())
    return try await visit.page(
      address["full_name"].text ?? "巡检", status: status, crumbs: [Crumb("我的巡检", "/inspection")], badge: page.badge,
      actions: page.actions, scripts: [.inspection]
    ) { page }
  }

  private func submit(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    let client = form.first("client_id").flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 } ?? site.newVisitor()
    if try await inspections.isKnown(client, of: id) { return try answer(visit, .already) }
    do {
      let finding = try await finding(visit, form, client)
      return try answer(
        visit, try await inspections.submit(finding, of: id, by: visit.principal, origin: visit.request.origin))
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .tooLarge, .conflict].contains(refusal.kind)
    {
      return try await show(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
  }

  private func finding(_ visit: Visit, _ form: FormData, _ client: String) async throws -> Inspections.Finding {
    let entity = try store.entity(InspectionRules.entity)
    let register = Register(
      entity, catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: ["result", "error_kind", "note"])
    if let first = reader.errors.first { throw Refusal(.invalid, "field-invalid", first.message, field: first.field) }
    guard reader.values["result"]?.isNull == false else {
      throw Refusal(.invalid, "field-required", "请选择巡检结果。", field: "result")
    }
    let position = try FieldPosition(form, "position")
    let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: true)
    var values = reader.values.filter { !$0.value.isBlank }
    values.merge(position.values(place: "position", measured: "measured", accuracy: "accuracy")) { $1 }
    if !kept.shown.isEmpty { values["photo"] = .list(kept.shown) }
    if !kept.originals.isEmpty { values["original_photo"] = .list(kept.originals) }
    values["taken_at"] = .instant(FieldForm.taken(form.first("taken_at"), now: store.clock.now()))
    return Inspections.Finding(
      values: values, client: client, seen: form.first("address_version").flatMap { Int64($0) })
  }

  private func answer(_ visit: Visit, _ outcome: Inspections.Outcome) throws -> Response {
    let said = outcome == .taken ? "已登记巡检结果。" : "这次巡检已经登记过，没有重复登记。"
    if visit.wantsJSON { return .json(["outcome": .string(outcome.rawValue), "message": .string(said)]) }
    return try visit.redirect(to: "/inspection", saying: said)
  }
}
