import Access
package import HTTP
package import Portal
package import SQL
import Shell
package import Site

/// The pages of the portal whose visits are counted (访问统计, C-258): its menu, the first page, and the way to an application.
package enum PortalPages {
  private static let guide = "/services/{item}"
  private static let form = "/services/{item}/apply"

  /// What each page is called, by its path.
  static let labels: [String: String] = {
    var labels = [
      "/": "首页", "/services": "事项目录", guide: "办事指南", form: "填写申请", "/notices": "公告", "/inbox": "我的办件",
    ]
    for item in PortalHome.services(false) { labels[root(of: item.path)] = item.label }
    return labels
  }()

  private static func root(of path: String) -> String {
    "/" + (path.split(separator: "/").first.map(String.init) ?? "")
  }

  /// The page that an address belongs to; `nil` for what is no part of the portal.
  static func page(of path: String) -> String? {
    let parts = path.split(separator: "/")
    if parts.first == "services", parts.count > 1 {
      return parts.count == 2 ? guide : parts.count == 3 && parts[2] == "apply" ? form : nil
    }
    let root = root(of: path)
    return labels[root] == nil ? nil : root
  }

  /// Counts a page that a stranger or a resident was shown; staff and programs do not count.
  package static func count(_ visit: Visit, _ response: Response, in counts: DailyCounts<PageVisits.Key>) {
    guard visit.request.method == .get, response.status == 200, let page = page(of: visit.request.path),
      response.headers["Content-Type"]?.hasPrefix("text/html") == true
    else { return }
    switch visit.principal.kind {
    case .stranger: counts.count(.init(page: page, isResident: false))
    case .user where visit.session?.roles.isEmpty == true: counts.count(.init(page: page, isResident: true))
    default: break
    }
  }
}
