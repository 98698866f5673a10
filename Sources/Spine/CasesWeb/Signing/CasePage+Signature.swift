import Cases
import Core
import Entities
import EntitiesWeb
import HTML
import HTTP
import Papers
import Shell
import Site

extension CasePage {
  /// The place of the applicant's signature on the application form.
  static let signaturePlace = "申请人签名"

  /// What was filled in, as it stands on the application form.
  static func sheet(of view: CaseView, _ cases: CaseStore, _ visit: Visit) async throws -> CasePage {
    let store = cases.store
    let divisions = try await store.records(as: visit.principal, origin: visit.request.origin).divisionNames()
    return CasePage(
      view: view, catalog: store.catalog, calendar: cases.calendar, divisions: divisions,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal), typed: nil, errors: [],
      files: [:], orders: [])
  }

  /// The ways to a signature that the reader has.
  var signatureActions: [Action] {
    guard view.isSignable else { return [] }
    let last = view.signatures.first
    let holds = last?.verdict.holds == true || view.signedInside == true
    if view.access == .applicant {
      return holds
        ? [] : [Action("核对并签名", .link("/cases/\(view.id)/sign"), style: view.awaitsSignature ? .primary : .normal)]
    }
    return mayWitness && !holds ? [Action("登记申请人签名", .link("/cases/\(view.id)/sign"), style: .quiet)] : []
  }

  /// What has to be said of a signature that is missing or does not hold.
  var signatureNotice: Notice? {
    let last = view.signatures.first?.verdict
    let isOwn = view.access == .applicant
    if last == .broken, view.isSignable {
      return Notice(.danger, isOwn ? CasePage.ownBrokenSignature : CaseStore.brokenSignature.message)
    }
    guard view.awaitsSignature else { return nil }
    if isOwn, last?.holds == true {
      return Notice(.warning, "受理单位更正了申请内容，网上的签名不再有效。请到受理单位在纸上签名，或联系受理单位。没有签名不能批准。")
    }
    if isOwn {
      return Notice(
        .warning,
        last == nil ? "还差一步：申请表还没有签名，请核对后签名。没有签名不能批准。" : "还差一步：签名后申请内容有改动，请核对后重新签名。没有签名不能批准。")
    }
    return Notice(
      .warning, "\(last == nil ? "申请人还没有签名" : "申请人签名后申请内容有改动")，不能批准。\(CaseStore.howToSign)")
  }

  static let ownBrokenSignature = "保存的签名与签名值不符，不能采用。请核对后重新签名，并告诉受理单位。"

  var signatureCard: HTML {
    guard let last = view.signatures.first else { return .empty }
    return Card("电子签名", count: .exact(view.signatures.count)) {
      signature(last)
      if view.signatures.count > 1 {
        details {
          summary { "以前的签名" }
          for earlier in view.signatures.dropFirst() { signature(earlier) }
        }
      }
    }.html
  }

  private func signature(_ signature: CaseSignature) -> HTML {
    div(.class("request signed")) {
      p(.class("material-name")) {
        strong { signature.method.label }
        " "
        if signature.verdict.holds, view.signedInside == false {
          Badge("不再对应现在的内容", .warning)
        } else {
          CasePage.badge(signature.verdict)
        }
      }
      if let picture = signature.picture {
        ul(.class("material-thumbs")) {
          li {
            a(.class("material-thumb"), .href("/cases/\(view.id)/pages/\(picture)/1"), .title("看大图")) {
              img(
                .src("/cases/\(view.id)/pages/\(picture)/1?size=thumb"), .alt("\(signature.signer)的签名"),
                .loading("lazy"))
            }
          }
        }
      }
      if let why = words(signature.verdict) { p(.class("moment-opinion")) { why } }
      DetailList(facts(of: signature), isCompact: true)
      if signature.hidesFiles { p(.class("field-help")) { "笔迹和签名的申请表登记调阅事由后可以查看。" } }
      ActionBar(files(of: signature))
    }
  }

  private func facts(of signature: CaseSignature) -> [DetailItem] {
    var items = [
      DetailItem("签名人", text: signature.signer),
      DetailItem("签名时间", text: signature.signedAt.display, isCode: true),
      DetailItem("身份核对", text: catalog.signatureIdentity(signature.identity)),
    ]
    if let account = signature.account { items.append(DetailItem("登录账号", text: account)) }
    if let witness = signature.witness {
      items.append(DetailItem(signature.isFaceToFace ? "在场人员" : "登记人员", text: witness))
    }
    if let reference = signature.reference { items.append(DetailItem("云签流水号", text: reference, isCode: true)) }
    items.append(DetailItem("验真码", text: DocumentOffice.spaced(signature.code), isCode: true))
    return items
  }

  private func files(of signature: CaseSignature) -> [Action] {
    var actions: [Action] = []
    if signature.awaitsScan, signature.id == view.signatures.first?.id, mayWitness, view.isSignable {
      actions.append(Action("补登扫描件", .link("/cases/\(view.id)/sign"), style: .quiet))
    }
    if let sheet = signature.sheet {
      actions.append(
        view.access == .applicant
          ? Action("下载签名的申请表", .download("/cases/\(view.id)/files/\(sheet)"), style: .quiet)
          : Action("看签名的申请表", .link("/cases/\(view.id)/view?file=\(sheet)"), style: .quiet))
    }
    actions.append(Action("验真", .link("/verify/\(signature.code)"), style: .quiet))
    if !signature.hidesFiles {
      actions.append(
        Action("签名证据", .download("/cases/\(view.id)/signatures/\(signature.id)/evidence.json"), style: .quiet))
    }
    return actions
  }

  static func badge(_ verdict: CaseSignature.Verdict) -> Badge {
    switch verdict {
    case .whole: Badge("有效，未改动", .success)
    case .extended: Badge("有效，之后有补充", .info)
    case .incomparable: Badge("有效，部分不能比对", .info)
    case .altered: Badge("签名后有改动", .warning)
    case .broken: Badge("不能确认", .danger)
    }
  }

  private func words(_ verdict: CaseSignature.Verdict) -> String? {
    verdict == .broken && view.access == .applicant ? CasePage.ownBrokenSignature : CasePage.words(verdict)
  }

  static func words(_ verdict: CaseSignature.Verdict) -> String? {
    switch verdict {
    case .whole: nil
    case .extended(let labels): "签名后补充，不在签名之内：\(labels.joined(separator: "、"))。"
    case .incomparable(let gone, let added):
      "系统升级后已没有这些项目，不能比对：\(gone.joined(separator: "、"))；其余签名内容没有改动。"
        + (words(.extended(added)).flatMap { added.isEmpty ? nil : $0 } ?? "")
    case .altered(let labels): "签名后改动，不再受这次签名约束：\(labels.joined(separator: "、"))。"
    case .broken: CaseStore.brokenSignature.message
    }
  }
}
