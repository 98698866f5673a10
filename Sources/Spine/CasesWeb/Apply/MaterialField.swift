import Cases
import Core
import Entities
import EntitiesWeb
import HTML
import Shell

/// How one required material is handed in: which of several, in which way, and its files.
struct MaterialField: HTMLConvertible {
  let requirement: MaterialRequirement
  let typed: FormInput
  let files: [Control.PresentFile]
  let error: String?
  var issuedError: String?
  let channel: CaseChannel
  var licences = Licences.Offer.none

  private var name: String { "material.\(requirement.name)" }
  private var anchor: String { "material-\(requirement.name)" }

  var html: HTML {
    div(.class("material"), .class(error == nil ? nil : "has-error"), .id(anchor)) {
      h3(.class("material-name")) {
        requirement.label
        " "
        Badge(requirement.need.label, requirement.need == .required ? .info : .neutral)
        if requirement.medium == .original { Badge("核验原件", .warning) }
      }
      if let help = requirement.kinds.first?.help, !requirement.isChoice { p(.class("field-help")) { help } }
      if let error {
        p(.class("field-error")) {
          Icon.error
          error
        }
      }
      if requirement.isChoice { kindField }
      if ways.count > 1 { wayField }
      licence
      if ways.contains(where: { $0.way == .files }) { fileField }
      if let validity = requirement.kinds.compactMap(\.validity).min() { issuedField(validity) }
      for file in files { HiddenField("\(name).keep", file.id) }
    }
  }

  /// Fetching the applicant's own electronic licence, and what was fetched.
  private var licence: HTML {
    guard licences != .none, let kind = requirement.licensed.first else { return .empty }
    let kept = Licences.kept(of: requirement, typed).flatMap { kept in
      files.contains { $0.id == kept.key } ? kept.licence : nil
    }
    return HTML {
      if let kept {
        p(.class("material-licence")) {
          Icon.success
          "已调用电子证照\(kept.described)，签名有效。下面可以查看。"
        }
        Licences.field(requirement, typed)
      }
      switch licences {
      case .open:
        ActionBar([
          Action(
            kept == nil ? "调用电子证照" : "重新调用", .submit(name: "_fill", value: Licences.button(requirement)),
            icon: .download, takesIncomplete: true, anchor: anchor)
        ])
      case .needFace:
        p(.class("field-help")) { "从统一身份认证平台刷脸登录后，可以直接调用本人的\(kind.label)电子证照，不用拍照。" }
      case .unnamed:
        p(.class("field-help")) { "如果是您本人的\(kind.label)，填好上面的身份证号后可以直接调用电子证照，不用拍照。" }
      case .none: HTML.empty
      }
    }
  }

  private var kindField: Shell.Field {
    Shell.Field(
      "\(name).kind", "任选一种",
      .select(
        typed.first("\(name).kind"), requirement.kinds.map { Choice($0.name, $0.label, detail: $0.help) },
        blank: nil))
  }

  /// The ways that are open, the most convenient first.
  var ways: [(way: HandedMaterial.Way, label: String, detail: String)] {
    var ways: [(way: HandedMaterial.Way, label: String, detail: String)] = []
    if requirement.kinds.contains(where: \.isHeld) {
      ways.append((.held, "免提交", "由受理单位内部核查"))
    }
    let fetches = licences == .open && !requirement.licensed.isEmpty
    ways.append(
      (
        .files, channel == .window ? "扫描或上传" : fetches ? "拍照、上传或调用电子证照" : "拍照或上传", "图片或 PDF，可多张"
      ))
    if requirement.medium != .electronic {
      ways.append(
        (.promised, channel == .window ? "收取原件" : "交原件", channel == .window ? "已核对原件，不留电子件" : "寄送或带到窗口"))
    }
    return ways
  }

  var chosen: HandedMaterial.Way {
    HandedMaterial.Way(rawValue: typed.first("\(name).way")) ?? (files.isEmpty ? ways[0].way : .files)
  }

  private var wayField: Shell.Field {
    Shell.Field(
      "\(name).way", "提交方式", .radio(chosen.rawValue, ways.map { Choice($0.way.rawValue, $0.label, detail: $0.detail) }))
  }

  /// Asked for where a material stays valid for some months only.
  private func issuedField(_ validity: Int) -> Shell.Field {
    Shell.Field(
      "\(name).issued", "签发日期", .date(typed.first("\(name).issued")), isRequired: requirement.need == .required,
      help: "自签发之日起 \(validity) 个月内有效", error: issuedError)
  }

  private var fileField: Shell.Field {
    Shell.Field(
      name, "文件",
      .file(
        Control.FileField(
          accept: "image/*,.pdf", allowsSeveral: true, limit: "图片或 PDF，每个不超过 20 MB，可多选", shrinks: channel == .online,
          present: files)))
  }
}
