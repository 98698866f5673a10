import Core

/// One kind of content of the portal, kept in a register: what of it is shown now, and what of it waits for somebody.
struct PortalPart: Sendable {
  /// Some records of the register, as the address of its list says it.
  struct Mark: Sendable {
    let label: String
    let items: [(name: String, value: String)]
  }

  let register: String
  let shown: Mark
  var due: Mark?
  /// Where citizens see it.
  var page: String?

  /// Days after which a telephone number should have been tried again.
  private static let stale = 180

  /// What citizens see, and what stations read.
  static func sections(today: CivilDate) -> [(label: String, parts: [PortalPart])] {
    let yesterday = today.adding(days: -1).description
    func published(_ register: String) -> PortalPart {
      PortalPart(register: register, shown: Mark(label: "已发布", items: [("state", "published")]))
    }
    return [
      (
        "群众看到的",
        [
          PortalPart(
            register: "portal_banner", shown: Mark(label: "启用", items: [("state", "on")]),
            due: Mark(label: "过期未撤下的公告", items: [("state", "on"), ("shown_until.to", yesterday)]), page: "/"),
          PortalPart(
            register: "desk_policy", shown: Mark(label: "现行", items: [("state", "in_force")]), page: "/policies"),
          PortalPart(
            register: "desk_hotline", shown: Mark(label: "启用", items: [("state", "on")]),
            due: Mark(
              label: "半年没核对的电话",
              items: [("state", "on"), ("verified_on.to", today.adding(days: -stale).description)]),
            page: "/hotlines"),
          PortalPart(
            register: "service_window", shown: Mark(label: "开放", items: [("state", "open")]),
            due: Mark(label: "暂停服务的窗口", items: [("state", "suspended")]), page: "/windows"),
          PortalPart(
            register: "appointment_slot",
            shown: Mark(label: "今后可约", items: [("state", "open"), ("slot_date.from", today.description)]),
            page: "/appointments"),
          PortalPart(
            register: "desk_question", shown: Mark(label: "已公开", items: [("state", "shown")]),
            due: Mark(label: "待答复的提问", items: [("state", "pending")]), page: "/questions"),
          PortalPart(
            register: "desk_identity_report", shown: Mark(label: "核查中", items: [("state", "checking")]),
            due: Mark(label: "待受理的核验异常", items: [("state", "reported")]), page: "/identity-reports"),
        ]
      ),
      (
        "民警看到的",
        [
          published("portal_notice"),
          PortalPart(
            register: "portal_instruction", shown: Mark(label: "在办", items: [("state", "open")])),
          PortalPart(
            register: "portal_receipt", shown: Mark(label: "在办", items: [("state", "open")]),
            due: Mark(label: "没签收的单位", items: [("state", "open"), ("sign_state", "unsigned")])),
          PortalPart(
            register: "portal_news", shown: Mark(label: "已采用", items: [("state", "adopted")]),
            due: Mark(label: "待审阅的动态", items: [("state", "reported")])),
          published("portal_knowledge"), published("portal_material"), published("portal_model_window"),
          PortalPart(
            register: "portal_complaint", shown: Mark(label: "已判定", items: [("state", "decided")]),
            due: Mark(label: "待核查的投诉", items: [("state", "pending")])),
        ]
      ),
    ]
  }
}
