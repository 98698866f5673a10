import Core
import DoorPlates
import Entities
import EntitiesWeb
import Geo
import HTML
import HTTP
import Shell
import SpineWeb

/// What an officer fills in at the door.
struct VisitPage: HTMLConvertible {
  /// `nil` where the code is still to be typed.
  let address: Record?
  let code: String
  /// The visit that is corrected.
  let corrected: Record?
  let catalog: Catalog
  let typed: FormData?
  let errors: [FieldError]
  let owner: Int64
  let client: String
  let back: String

  /// The fields of the register that are asked for as they are declared.
  static let asked = ["result", "met_name", "occupants", "changes", "note", "ask_confirmation"]

  var html: HTML {
    div(.class("stack"), .data("data-inspection"), .data("data-owner", String(owner))) {
      FieldForm.outbox
      if corrected != nil { Notice(.info, "原来的走访记录保留，这一条登记后以它为准。") }
      FieldForm(
        path: "/inspection/visit", title: address?["full_name"].text.map { "走访 \($0)" } ?? "走访",
        client: typed?.first("client_id") ?? client, hidden: hidden, errors: errors,
        submit: corrected == nil ? "登记走访" : "登记更正", back: back, isRepeated: true,
        secret: ["met_name", "note"]
      ) {
        if address == nil { Card("门牌") { [code(typed?.first("code") ?? code)] } }
        Card("见到的情况") { fields }
        Card("现场") { scene }
      }
    }
  }

  private var hidden: [HiddenField] {
    var hidden: [HiddenField] = []
    if address != nil { hidden.append(HiddenField("code", code)) }
    if let corrected { hidden.append(HiddenField("correction_of_id", String(corrected.id))) }
    return hidden
  }

  private func code(_ text: String) -> Shell.Field {
    Shell.Field(
      "code", "地址编码或门牌编号", .text(text, .init(maximum: 32)), isRequired: true,
      help: "印在门牌二维码下面；也可以先扫门牌再点“走访登记”。", error: errors["code"])
  }

  private var fields: [Shell.Field] {
    guard let register = catalog.entity(VisitRules.entity) else { return [] }
    let controls = FieldControl(
      catalog: catalog,
      errors: Dictionary(
        errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    )
    let input = typed.map { form in
      FormInput(Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 }))
    }
    return VisitPage.asked.compactMap { register.field($0) }.map { field in
      var shown = controls.field(field, typed: input, record: corrected)
      switch field.name {
      case "met_name": shown.help = "见到住户时填，只给民警看"
      case "changes": shown.help = "人员和房屋有变化的，登记后请在扫码页面同时修改"
      case "note": shown.help = "不要写证件号码"
      default: break
      }
      return shown
    }
  }

  private var scene: [Shell.Field] {
    [
      Shell.Field(
        "position", "现场位置", FieldPosition.control(typed, "position", start: address?["location"].point),
        help: "在门前定位；与门牌的距离会一并记录。", error: errors["position"]),
      Shell.Field(
        "photo", "照片",
        .file(
          .init(
            accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true, limit: "最多 \(FieldPhotos.limit) 张")),
        error: errors["photo"]),
    ]
  }
}
