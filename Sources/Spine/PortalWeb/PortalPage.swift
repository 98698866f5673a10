import Access
import Core
import HTML
import HTTP
import Shell
import Site

extension Visit {
  /// A page of the portal: plain and in one column for strangers, in the frame for those who are signed in.
  func portalPage(
    _ title: String, note: String? = nil, status: Int = 200, crumbs: [Crumb] = [], actions: [Action] = [],
    scripts: [PageScript] = [], @HTMLBuilder content: () -> HTML
  ) async throws -> Response {
    let body = content()
    guard principal.kind == .stranger else {
      return try await page(
        title, status: status, crumbs: crumbs, subtitle: note, actions: actions, scripts: scripts
      ) { body }
    }
    return try await formPage(status: status) { frame in
      PublicPage(title: title, visit: frame, scripts: scripts) {
        PublicHeading(title, note: note)
        nav(.class("portal-way"), .aria(.label, "位置")) {
          a(.href("/")) { "首页" }
          for crumb in crumbs { a(.href(crumb.path ?? "/")) { crumb.label } }
        }
        if !actions.isEmpty { ActionBar(actions) }
        body
      }.render()
    }
  }

  /// - Throws: ``Refusal`` that leads to signing in and back.
  func requirePerson(toDo what: String) throws(Refusal) {
    guard principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再\(what)。")
    }
  }
}

/// Weekdays as people name them.
func weekday(_ date: CivilDate) -> String {
  "周" + ["一", "二", "三", "四", "五", "六", "日"][date.weekday - 1]
}

/// `11月23日 周一`.
func dayLabel(_ date: CivilDate) -> String { "\(date.month)月\(date.day)日 \(weekday(date))" }
