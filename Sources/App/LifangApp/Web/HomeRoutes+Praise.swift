import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The best windows and officers of the last month or quarter (示范窗口), side by side on the workbench; `js/marquee.js` moves
/// the row on (跑马灯, C-302) until it is stopped, and not at all for who wants no motion.
extension HomeRoutes {
  private static let praised = "portal_model_window"

  /// Those of the last period there are; `nil` for who may not see them, and when nobody was praised.
  func praise(_ visit: Visit, _ records: Records) async throws -> HTML? {
    guard visit.principal.may(Permission(HomeRoutes.praised, "view")) else { return nil }
    let found = try await records.list(
      ListQuery(
        HomeRoutes.praised, filters: [ListFilter("state", .equals(.text("published")))],
        sort: [.init(field: "period_to", descending: true), .init(field: "place", descending: false)],
        columns: ["name", "kind", "unit_id", "photo", "figures", "place", "period_from", "period_to"], limit: 24)
    ).records
    let shown = found.filter { $0["period_to"] == found[0]["period_to"] }
    guard let first = shown.first else { return nil }
    let period = [first["period_from"], first["period_to"]].compactMap { $0.date?.description }.joined(separator: " 至 ")
    return section(.class("marquee"), .aria(.labelledby, "praise"), .data("data-marquee")) {
      div(.class("marquee-head")) {
        h2(.id("praise")) { "示范窗口与优秀民警" }
        p { period }
      }
      ul(.class("marquee-row"), .tabindex(0), .role("list"), .aria(.label, "示范窗口与优秀民警，可左右滚动")) {
        for record in shown {
          li {
            a(.href("/r/\(HomeRoutes.praised)/\(record.id)")) {
              if let photo = record["photo"].text {
                img(.src("/files/\(photo)"), .alt(""), .loading("lazy"))
              }
              strong { record["name"].text ?? "" }
              small { [record.titles["kind"], record.titles["unit_id"]].compactMap(\.self).joined(separator: " · ") }
              if let figures = record["figures"].text { small { figures } }
            }
          }
        }
      }
    }
  }
}
