import Access
import Core
import DoorPlates
package import Entities
import Geo
import HTML
package import HTTP
import Shell
package import Site
package import SpineWeb

/// 安装登记: what staff do with the plate in front of them after scanning it: mounted, damaged, lost, to be replaced
/// (A-067, A-180).
package struct MountRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let photos: FieldPhotos
  let parameters: Parameters

  package init(site: Site, store: RecordStore, photos: FieldPhotos, parameters: Parameters) {
    self.site = site
    self.store = store
    self.photos = photos
    self.parameters = parameters
  }

  package func register(in router: inout Router) {
    router.on(.get, "/plates/mount/{code}", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/plates/mount/{code}", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await perform(visit)
    }
  }

  /// What can be said of a plate; the raw values are actions of the register.
  private enum Report: String, CaseIterable {
    case install, damage, lose

    var label: String {
      switch self {
      case .install: "安装好了"
      case .damage: "破损"
      case .lose: "遗失或脱落"
      }
    }

    /// The states from which it can be said.
    var from: Set<String> {
      switch self {
      case .install: ["made"]
      case .damage: ["installed"]
      case .lose: ["installed", "damaged"]
      }
    }

    var permission: Permission { Permission("door_plate", rawValue) }
  }

  private func plate(_ visit: Visit) async throws -> Record {
    guard Report.allCases.contains(where: { visit.principal.may($0.permission) }) else {
      throw Refusal(
        visit.principal.kind == .stranger ? .unauthenticated : .forbidden, "permission-missing",
        "您没有登记门牌安装、破损或遗失的权限。需要时请联系本单位的系统管理员。")
    }
    let code = String(try visit.request.parameter("code").prefix(32))
    let found = try await store.records(as: visit.principal, origin: visit.request.origin).list(
      ListQuery(
        "door_plate", filters: [ListFilter("code", .equals(.text(code)))],
        sort: [.init(field: "applied_at", descending: true)],
        columns: [
          "number", "full_name", "code", "address_id", "state", "kind", "install_photo", "installed_at", "batch_id",
        ], limit: 1))
    guard let plate = found.records.first else {
      throw Refusal(
        .notFound, "plate-unknown", "编码“\(code)”的地址还没有申领门牌，或不在您的数据范围内。请先在“标准地址”里申领。")
    }
    return plate
  }

  private func open(_ plate: Record, _ visit: Visit) -> [Report] {
    Report.allCases.filter { $0.from.contains(plate["state"].text ?? "") && visit.principal.may($0.permission) }
  }

  private func mayReplace(_ plate: Record, _ visit: Visit) -> Bool {
    visit.principal.may(Permission("address", "apply_plate")) && plate["state"].text != "made"
  }

  // MARK: The page

  private func ask(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    let plate = try await plate(visit)
    let code = plate["code"].text ?? ""
    let reports = open(plate, visit)
    let state = plate.titles["state"] ?? ""
    let form = reports.isEmpty ? nil : try form(plate, reports, visit, typed, errors)
    return try await visit.page(
      "门牌登记", status: status, crumbs: [Crumb("扫码页面", "/d/\(code)")], badge: Badge(state, .info),
      subtitle: plate["full_name"].text,
      actions: [Action("门牌记录", .link("/r/door_plate/\(plate.id)"))]
    ) {
      if let form {
        form
      } else {
        Notice(
          .info, "这块门牌现在是“\(state)”，没有可以在现场登记的事。已制牌的登记安装，已安装的登记破损或遗失。",
          actions: [Action("回到扫码页面", .link("/d/\(code)"))])
      }
    }
  }

  private func form(
    _ plate: Record, _ reports: [Report], _ visit: Visit, _ typed: FormData?, _ errors: [FieldError]
  ) throws -> HTML {
    let mounting = reports.contains(.install)
    let photoDue = mounting ? try parameters.boolean("inspection.install_photo_required") : false
    let placeDue = mounting ? try parameters.boolean("inspection.install_position_required") : false
    var fields: [Shell.Field] = [
      Shell.Field(
        "what", "登记什么",
        .radio(
          typed?.first("what") ?? (reports.count == 1 ? reports[0].rawValue : ""),
          reports.map { Choice($0.rawValue, $0.label) }),
        isRequired: true, error: errors["what"]),
      Shell.Field(
        "photo", "现场照片",
        .file(
          .init(
            accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true,
            limit: "拍到整块门牌，最多 \(FieldPhotos.limit) 张")),
        isRequired: photoDue, error: errors["photo"]),
    ]
    if mounting {
      fields.append(
        Shell.Field(
          "position", "安装位置", FieldPosition.control(typed, "position", start: nil), isRequired: placeDue,
          help: "站在门牌前定位，偏了就微调。", error: errors["position"]))
    } else {
      fields.append(
        Shell.Field(
          "note", "情况", .longText(typed?.first("note") ?? "", rows: 3, maximum: 300), error: errors["note"]))
      if mayReplace(plate, visit) {
        fields.append(
          Shell.Field("replace", "", .checkbox(typed?.first("replace") != nil, caption: "同时申领更换的门牌")))
      }
    }
    return FormView(
      path: "/plates/mount/\(plate["code"].text ?? "")",
      sections: [Shell.FormSection(id: "mount", "门牌 \(plate["number"].text ?? "")", fields: fields)], errors: errors,
      submit: Action("登记", .submit(name: nil, value: nil), style: .primary, icon: .check),
      cancelPath: "/d/\(plate["code"].text ?? "")", isMultipart: true
    ).html
  }

  // MARK: Doing it

  private func perform(_ visit: Visit) async throws -> Response {
    let plate = try await plate(visit)
    let form = try await visit.request.body.form()
    do {
      guard let report = Report(rawValue: form.first("what") ?? "") else {
        throw Refusal(.invalid, "field-required", "请选择要登记什么。", field: "what")
      }
      guard report.from.contains(plate["state"].text ?? "") else {
        throw Refusal(.conflict, "plate-state", "门牌已经是“\(plate.titles["state"] ?? "")”，没有再登记。请回到扫码页面查看。")
      }
      let asked = try await asked(report, plate, form, visit)
      let replaces = report != .install && form.first("replace") != nil && mayReplace(plate, visit)
      try await store.transaction(as: visit.principal, origin: visit.request.origin) { records in
        try await records.perform(report.rawValue, on: DoorPlate.entity, plate.id, version: nil, asked: asked)
        if replaces, let address = plate["address_id"].integer {
          try await records.perform("apply_plate", on: "address", address, version: nil)
        }
      }
      return try visit.redirect(
        to: "/d/\(plate["code"].text ?? "")",
        saying: report == .install ? "已登记安装。" : "已登记\(report.label)\(replaces ? "，并申领了更换的门牌" : "")。")
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .tooLarge, .conflict].contains(refusal.kind)
    {
      return try await ask(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
  }

  private func asked(_ report: Report, _ plate: Record, _ form: FormData, _ visit: Visit) async throws
    -> [String: Value]
  {
    var asked: [String: Value] = [:]
    let hasPhoto = form.files("photo").contains { $0.size > 0 }
    if report == .install {
      let position = try FieldPosition(form, "position")
      if position.place == nil, try parameters.boolean("inspection.install_position_required") {
        throw Refusal(.invalid, "field-required", "登记安装要有位置。请按“用我的位置”，或在地图上选。", field: "position")
      }
      if !hasPhoto, try parameters.boolean("inspection.install_photo_required") {
        throw Refusal(.invalid, "field-required", "登记安装要有照片，请拍到整块门牌。", field: "photo")
      }
      asked.merge(position.values(place: "install_point")) { $1 }
    } else {
      asked["damage_note"] = (form.first("note")).flatMap { $0.isEmpty ? nil : .text($0) }
    }
    if hasPhoto, report != .lose {
      let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: false)
      asked["install_photo"] = .list((plate["install_photo"].list ?? []) + kept.shown)
    }
    return asked
  }
}
