import Cases
import Core
import EntitiesWeb
import Entities
import HTML
import Papers
import Shell

/// The application as it will stand in the file, and the ways to sign it.
struct SigningPage: HTMLConvertible {
  let offer: SignatureOffer
  let application: CasePage
  /// The telephone that a code may go to.
  let phone: PhoneNumber?
  let hasCloud: Bool
  let codeSent: Bool
  let errors: [FieldError]

  private var path: String { "/cases/\(offer.id)/sign" }
  private var isOwn: Bool { offer.witness == nil }

  var html: HTML {
    div(.class("stack")) {
      ErrorSummary(errors)
      Notice(.info) {
        if isOwn {
          p { "请先核对申请内容，再签名。有误的先不要签，撤销后重新申请，或请受理单位退回修改。签名后内容再有改动，需要重新签。" }
          p { "手写签名和短信验证码确认由平台固定内容和时间，作为您对这份申请的电子签名；云签用您本人的数字证书签署。" }
        } else if offer.awaitsScan, let last = offer.earlier.first {
          p { "\(last.signedAt.display) 已登记纸质签名，还没有扫描件。请扫描或拍下签好的申请表，在下面上传。" }
        } else {
          p { "请申请人看过下面的内容，在手写屏上签名；已经在纸上签好的，登记纸质签名。" }
        }
      }
      if let last = offer.earlier.first {
        switch last.verdict {
        case .altered: Notice(.warning, "上次签名（\(last.signedAt.display)）之后申请内容有改动，需要重新签名。")
        case .broken:
          Notice(.danger, isOwn ? CasePage.ownBrokenSignature : CaseStore.brokenSignature.message)
        case .whole, .extended, .incomparable: HTML.empty
        }
      }
      contents
      if !offer.awaitsScan { pad }
      if isOwn {
        code
        if hasCloud { cloud }
        Card("不在网上签") {
          div(.class("stack")) {
            p { "可以打印申请表，本人签名后交到或寄到受理单位，由工作人员登记。" }
            ActionBar([Action("打印申请表", .link("/cases/\(offer.id)/form.pdf"), icon: .print)])
          }
        }
      } else {
        paper
      }
    }
  }

  /// The form as it is printed, for whom it has no masks.
  private var printed: [Action] {
    guard isOwn || !offer.view.mine.isEmpty else { return [] }
    return [Action("看打印的样子", .link("/cases/\(offer.id)/form.pdf"), style: .quiet, icon: .print)]
  }

  private var contents: HTML {
    Card("申请表", actions: printed) {
      application.answers
      h3(.class("detail-group")) { "申请材料" }
      if application.view.materials.isEmpty { p(.class("blank")) { "没有提交材料。" } }
      ul {
        for group in application.formSlots["materials"] ?? [] { for item in group.items { li { item.text } } }
      }
      h3(.class("detail-group")) { "承诺" }
      p { strong { "本人承诺：以上填写的内容真实，提交的材料与原件一致；如有虚假，愿承担相应的法律责任。" } }
    }.html
  }

  private func start(_ method: SignatureMethod) -> HTML {
    HTML {
      formTokenField()
      HiddenField("way", method.rawValue)
      HiddenField("digest", offer.digest)
    }
  }

  private var pad: HTML {
    Card("手写签名", id: "by-hand") {
      form(
        .class("form stack"), .method(.post), .action(path), .multipart(), .novalidate(), .data("data-signature-form")
      ) {
        Shell.Field(
          "signature", isOwn ? "签名" : "申请人签名",
          .file(.init(accept: "image/png,image/jpeg", opensCamera: true, limit: "用手指、笔或鼠标在方框里写姓名；也可以拍下写在白纸上的签名")),
          error: errors["signature"])
        if !isOwn { sawDocument("saw_signer", "没有核对证件的不勾选，签名上会写明") }
        p(.class("field-help")) { "笔迹加密保存。\(isOwn ? "您" : "申请人")、办理这件事的人员和登记了调阅事由的人员能看，每次查看都有记录。" }
        Action(isOwn ? "确认签名" : "登记申请人签名", .submit(name: nil, value: nil), style: .primary, icon: .check)
        start(.handwriting)
      }
    }.html
  }

  private var code: HTML {
    Card("短信验证码确认", id: "by-code") {
      if let phone {
        form(.class("form stack"), .method(.post), .action(path), .multipart()) {
          p { "验证码发到您账号绑定的手机（尾号 \(phone.text.suffix(4))），输入后即表示您确认以上内容并签名。" }
          Action(codeSent ? "重新发送验证码" : "发送验证码", .submit(name: "do", value: "send"), icon: .send)
          start(.phoneCode)
        }
        // Of its own, so that the Enter key in it signs and sends no second code.
        form(.class("form stack"), .method(.post), .action(path), .multipart(), .novalidate()) {
          Shell.Field(
            "code", "验证码", .text("", .init(maximum: 8, inputMode: "numeric")), help: "六位数字，只对现在核对的内容有效",
            error: errors["code"])
          Action("用验证码签名", .submit(name: nil, value: nil), style: codeSent ? .primary : .normal, icon: .check)
          start(.phoneCode)
        }
      } else {
        div(.class("stack")) {
          p { "您的账号没有绑定手机，不能用验证码确认。" }
          ActionBar([Action("绑定手机", .link("/account/profile"))])
        }
      }
    }.html
  }

  private var cloud: HTML {
    Card("云签", id: "by-cloud") {
      form(.class("form stack"), .method(.post), .action(path), .multipart()) {
        p { "用您本人的数字证书签署。点下面的按钮后，到云签 App 里核对并确认，再回到这里查看结果。送去的是您的姓名、证件号码，申请的受理编号、名称和内容摘要；填写的内容和材料不送。" }
        if let error = errors["cloud"] {
          p(.class("field-error")) {
            Icon.error
            error
          }
        }
        Action("发起云签，或查看结果", .submit(name: nil, value: nil))
        start(.cloud)
      }
    }.html
  }

  /// What the officer saw of who signs; on both of their forms, and never taken for granted.
  private func sawDocument(_ name: String, _ help: String) -> HTML {
    Shell.Field(name, "身份核对", .checkboxes([], [Choice("true", "已当面核对本人证件")]), help: help).html
  }

  private var paper: HTML {
    Card(offer.awaitsScan ? "补登扫描件" : "登记纸质签名", id: "on-paper") {
      form(.class("form stack"), .method(.post), .action(path), .multipart(), .novalidate()) {
        Shell.Field(
          "seen_paper", "核对", .checkboxes([], [Choice("true", "已收到本人签名的纸质申请表，内容与这里一致")]), isRequired: true,
          error: errors["seen_paper"])
        if !offer.awaitsScan { sawDocument("saw_document", "寄来的、由别人交来的或没有核对证件的，不勾选，签名上会写明") }
        Shell.Field(
          "scan", "扫描件",
          .file(
            .init(
              accept: "image/png,image/jpeg,application/pdf",
              limit: offer.awaitsScan ? "PNG、JPEG 图片或 PDF，20 MB 以内" : "可以以后补登；PNG、JPEG 图片或 PDF，20 MB 以内")),
          isRequired: offer.awaitsScan, error: errors["scan"])
        Action(offer.awaitsScan ? "登记扫描件" : "登记纸质签名", .submit(name: nil, value: nil), icon: .check)
        start(.paper)
      }
    }.html
  }
}
