import Core
import DoorPlates
import Entities
import EntitiesWeb
import HTML
import HTTP
import Shell
import SpineWeb

/// One address to inspect: what is recorded, and the form for what is found; or what was found.
struct InspectionPage: HTMLConvertible {
  let task: Record
  let address: Record
  let plate: Record?
  let catalog: Catalog
  let typed: FormData?
  let errors: [FieldError]
  let isMine: Bool
  let owner: Int64
  /// Names this submission, should it be sent twice.
  let client: String

  private var display: FieldDisplay { FieldDisplay(catalog: catalog) }
  private var isOpen: Bool { task["state"].text == "open" && isMine }

  var badge: Badge? { catalog.entity(InspectionRules.entity)?.field("state").flatMap { display.badge($0, of: task) } }

  var actions: [Action] {
    guard isOpen else { return [] }
    return [Action("退回派出所", .dialog("/r/inspection_task/\(task.id)/do/give_back?version=\(task.version)"))]
  }

  var html: HTML {
    div(.class("stack"), .data("data-inspection"), .data("data-owner", String(owner))) {
      div(.class("outbox"), .data("data-outbox"), .role("status"), .hidden())
      Card("登记的内容", actions: links) { DetailList(recorded, isCompact: true) }
      if isOpen {
        form
      } else if task["state"].text == "done" {
        Card("巡检结果") { DetailList(found, isCompact: true) }
      } else {
        Notice(.info, "这个任务现在不是您的待巡检任务，不能登记结果。", actions: [Action("回到我的巡检", .link("/inspection"))])
      }
    }
  }

  // MARK: What is recorded

  private func items(_ names: [String], of record: Record, _ entity: String) -> [DetailItem] {
    names.compactMap { catalog.entity(entity)?.field($0) }.filter { !display.text($0, of: record).isEmpty }
      .map { display.detail($0, of: record, mayReveal: false) }
  }

  private var recorded: [DetailItem] {
    var all = items(
      [
        "code", "kind", "status", "community", "road", "house_number", "compound", "building_number",
        "police_station_id",
        "beat", "location", "location_source", "error_kind", "inspected_on", "note",
      ], of: address, "address")
    if let plate { all += items(["number", "state"], of: plate, "door_plate") }
    if let due = task["due_on"].date { all.append(DetailItem("期限", text: due.description, isCode: true)) }
    return all
  }

  private var links: [Action] {
    guard let code = address["code"].text else { return [] }
    return [Action("扫码页面", .link("/d/\(code)")), Action("在地图上看", .link("/map?q=\(code)"), icon: .map)]
  }

  private var found: [DetailItem] {
    items(
      [
        "result", "error_kind", "note", "photo", "position", "accuracy", "drift", "deviation", "taken_at",
        "received_at",
      ],
      of: task, InspectionRules.entity)
  }

  // MARK: What is found

  private func choices(_ dictionary: String) -> [Choice] {
    catalog.dictionary(dictionary)?.codes.filter { !$0.retired }.map { Choice($0.code, $0.label, detail: $0.help) }
      ?? []
  }

  private var form: HTML {
    let fields = [
      Shell.Field(
        "photo", "现场照片",
        .file(
          .init(
            accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true,
            limit: "拍到门牌和周围，最多 \(FieldPhotos.limit) 张")),
        error: errors["photo"]),
      Shell.Field(
        "position", "现场位置",
        FieldPosition.control(typed, "position", start: address["location"].point),
        help: "站在门前定位；偏了就在地图上拖动，或微调。实测的和采用的都会保存。", error: errors["position"]),
      Shell.Field(
        "result", "巡检结果", .radio(typed?.first("result") ?? "", choices("inspection_finding")), isRequired: true,
        error: errors["result"]),
      Shell.Field(
        "error_kind", "错误类型", .select(typed?.first("error_kind") ?? "", choices("address_error")),
        error: errors["error_kind"]),
      Shell.Field(
        "note", "说明", .longText(typed?.first("note") ?? "", rows: 3, maximum: 1000), help: "不要写群众的姓名和证件号码",
        error: errors["note"]),
    ]
    return FieldForm(
      path: "/inspection/\(task.id)", title: address["full_name"].text ?? "",
      client: typed?.first("client_id") ?? client,
      hidden: [HiddenField("address_version", String(address.version))], errors: errors, submit: "登记巡检结果",
      back: "/inspection"
    ) {
      Card("现场情况") { fields }
    }.html
  }
}
