package import Core
package import HTML
import HTTP
package import Shell
package import Site

/// The days that a page of statistics is asked for; the last thirty without anything, never more than a year.
package struct AskedDays: Sendable {
  package let since: CivilDate
  package let until: CivilDate

  /// The longest time shown at once, in days.
  static let longest = 366

  /// - Throws: ``Refusal`` `query-value` for what is no date, and for dates that are no period.
  package init(_ visit: Visit) throws(Refusal) {
    let query = visit.request.query
    func day(_ name: String, _ standard: CivilDate) throws(Refusal) -> CivilDate {
      guard let text = query.first(name), !text.isEmpty else { return standard }
      guard let day = CivilDate(text) else {
        throw Refusal(.invalid, "query-value", "日期“\(text.prefix(20))”读不懂，没有统计。请写成 2026-11-21。", field: name)
      }
      return day
    }
    until = try day("until", visit.site.clock.today())
    since = try day("since", until.adding(days: -29))
    guard since <= until, until.daysSinceEpoch - since.daysSinceEpoch < AskedDays.longest else {
      throw Refusal(.invalid, "query-value", "起止日期应先后相接、不超过一年，没有统计。请改正日期。", field: "since")
    }
  }

  /// `since=2026-11-01&until=2026-11-30`.
  package var query: String { "since=\(since)&until=\(until)" }

  /// The form that asks for other days.
  ///
  /// - Parameters:
  ///   - path: the page.
  ///   - fields: what else is asked for.
  ///   - kept: what else was asked for, and a way to leave it.
  package func search(
    _ path: String, @HTMLBuilder fields: () -> HTML = { .empty }, @HTMLBuilder kept: () -> HTML = { .empty }
  ) -> HTML {
    form(.class("portal-search"), .role("search"), .action(path)) {
      Shell.Field("since", "从", .date(since.description))
      Shell.Field("until", "到", .date(until.description))
      fields()
      Action("统计", .submit(name: nil, value: nil), style: .primary)
      kept()
    }.html
  }

  /// Printing, and for those who may the table.
  ///
  /// - Parameters:
  ///   - export: where the table is; `nil` for those who may not have it.
  package func actions(export: String?) -> [Action] {
    let print = Action("打印", .print, icon: .print)
    return export.map { [Action("导出", .download($0), icon: .download), print] } ?? [print]
  }
}
