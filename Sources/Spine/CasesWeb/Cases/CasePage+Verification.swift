import Access
import Cases
import Core
import Entities
import HTML
import Shell

/// What is known of the materials from the systems that issued them, and what officers are alerted to.
extension CasePage {
  /// Whether the reader may verify: somebody with a task in the case.
  private var mayVerify: Bool { view.access != .applicant && !view.mine.isEmpty }

  private func isChecked(_ material: Record) -> Bool {
    if material.isFromLicence { return true }
    let requirement = view.item.materials.first { $0.name == material["requirement"].text }
    return requirement?.kinds.first { $0.name == material["material"].text }?.check != nil
  }

  /// The finding on one material, when and whose, and how to verify it again.
  func verification(_ material: Record) -> HTML {
    guard isChecked(material) else { return .empty }
    let result = material["verification"].text.flatMap { MaterialVerification.Result(rawValue: $0) }
    return div(.class("verification")) {
      p {
        if let result {
          Badge(result.label, CasePage.tone(result))
          " "
          material["verification_note"].text ?? ""
        } else {
          Badge("还没有核验", .neutral)
        }
      }
      if let at = material["verified_at"].instant {
        p(.class("field-help")) { "\(material["verified_by"].text ?? "") · \(at.display)" }
      }
      if mayVerify {
        ActionBar([
          Action(
            result == nil ? "核验" : "再次核验", .post("/cases/\(view.id)/materials/\(material.id)/verify", []),
            icon: .refresh),
          Action("人工核验", .dialog("/cases/\(view.id)/materials/\(material.id)/confirm"), style: .quiet),
        ])
      }
    }
  }

  static func tone(_ result: MaterialVerification.Result) -> Tone {
    switch result {
    case .match: .success
    case .mismatch: .danger
    case .unknown: .warning
    }
  }

  /// Alerts that nobody has dealt with yet, before everything else.
  var alerts: HTML {
    let open = view.alerts.filter { $0["state"].text != "handled" }
    let mayHandle = may(Permission("case_alert", "handle"))
    return HTML {
      for alert in open {
        Notice(
          .danger,
          "\(alert["label"].text ?? "比对命中")（\(alert["person"].text ?? "")）：\(alert["message"].text ?? "")。申请人看不到这条提醒。",
          actions: [Action(mayHandle ? "登记处置" : "查看", .link("/r/case_alert/\(alert.id)"))]
            + (mayHandle && alert["label"].text?.hasSuffix(CaseAlert.hit) == true
              ? [Action("查最后登记的地点", .dialog("/cases/\(view.id)/alerts/\(alert.id)/whereabouts"), style: .quiet)] : []))
      }
    }
  }
}
