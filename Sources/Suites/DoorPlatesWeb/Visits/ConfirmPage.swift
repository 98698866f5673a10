import Core
import DoorPlates
import Entities
import HTML
import HTTP
import Shell

/// How a household confirms a visit while the officer is there: a code to its telephone, or a signature.
struct ConfirmPage: HTMLConvertible {
  let visit: Record
  let telephones: [(person: Int64, name: String, tail: String)]
  let chosen: String?
  let typed: FormData?
  let errors: [FieldError]

  private var path: String { "/visits/\(visit.id)" }

  var html: HTML {
    div(.class("stack")) {
      Notice(.info, "住户也可以登录自己的账号，在“走访确认”里确认或提出异议。确认后会通知这家的其他人；签字时没有人可以通知的，会单独标明，不计入确认率。")
      if telephones.isEmpty {
        Notice(.warning, "这里的住户没有登记手机，请当面签字，或先在人口登记里补上手机。")
      } else {
        Card("短信验证码") {
          form(.class("form stack"), .method(.post), .action("\(path)/confirm")) {
            formTokenField()
            HiddenField("way", Visits.Way.code.rawValue)
            Shell.Field("person", "发给", .select(person, choices), isRequired: true, error: errors["person"])
            Action("发送验证码", .submit(name: "do", value: "send"), icon: .send)
            Shell.Field(
              "code", "住户告诉的验证码", .text("", .init(maximum: 8, inputMode: "numeric")), help: "发出后十分钟内有效",
              error: errors["code"])
            Action("核对并确认", .submit(name: nil, value: nil), style: .primary, icon: .check)
          }
        }
      }
      Card("当面签字") {
        form(
          .class("form stack"), .method(.post), .action("\(path)/confirm"), .multipart(), .novalidate(),
          .data("data-signature-form")
        ) {
          formTokenField()
          HiddenField("way", Visits.Way.signature.rawValue)
          Shell.Field(
            "signer", "签字人", .text(typed?.first("signer") ?? "", .init(maximum: 60)),
            isRequired: true, error: errors["signer"])
          Shell.Field(
            "signature", "签字",
            .file(.init(accept: "image/png,image/jpeg", opensCamera: true, limit: "请住户在方框里签；也可以拍下手写的签字")),
            error: errors["signature"])
          Action("登记签字", .submit(name: nil, value: nil), style: .primary, icon: .check)
        }
      }
    }
  }

  private var person: String {
    chosen ?? (telephones.count == 1 ? String(telephones[0].person) : "")
  }

  private var choices: [Choice] {
    telephones.map { Choice(String($0.person), "\($0.name)（尾号 \($0.tail)）") }
  }
}

/// What residents see of visits to their home, and may say of them.
struct HouseholdVisits: HTMLConvertible {
  let visits: [Record]
  let errors: [FieldError]

  var html: HTML {
    div(.class("stack")) {
      ErrorSummary(errors)
      if visits.isEmpty {
        StateView.empty("没有要您确认的走访", "民警到您登记的住址走访、请您确认的，会显示在这里。", icon: .check)
      }
      for visit in visits { card(visit) }
    }
  }

  private func card(_ visit: Record) -> HTML {
    let state = visit["confirmation"].text ?? ""
    return Card(visit["visited_at"].instant?.display ?? "走访") {
      DetailList(
        [
          DetailItem(
            "走访人",
            text: [visit.titles["unit_id"], visit.titles["officer_id"]].compactMap(\.self).joined(separator: " ")),
          DetailItem("地址", text: visit["full_name"].text), DetailItem("走访结果", text: visit.titles["result"]),
          DetailItem("确认情况", text: visit.titles["confirmation"]),
          DetailItem("更正", text: visit["is_corrected"].boolean == true ? "民警已另记一条更正" : nil),
        ], isCompact: true)
      if state == "waiting" { answer(visit, [Choice("confirmed", "属实，确认"), HouseholdVisits.dispute]) }
      if state == "confirmed" {
        details {
          summary { "提出异议" }
          answer(visit, [HouseholdVisits.dispute])
        }
      }
    }.html
  }

  private static let dispute = Choice("disputed", "有异议", detail: "没有这次走访，或情况不符")

  private func answer(_ visit: Record, _ choices: [Choice]) -> HTML {
    form(.class("form stack"), .method(.post), .action("/visits/\(visit.id)/answer")) {
      formTokenField()
      Shell.Field("answer", "是否属实", .radio(choices.count == 1 ? choices[0].value : "", choices), isRequired: true)
      Shell.Field("note", "异议说明", .longText("", rows: 2, maximum: 500), help: "有异议的请写明")
      Action("提交", .submit(name: nil, value: nil), style: .primary)
    }
  }
}
