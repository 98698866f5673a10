import Core
import HTTP

extension QueryItems {
  /// A day that was asked for; `nil` for none.
  ///
  /// - Throws: ``Refusal`` `query-value` for what is no date.
  func day(_ name: String) throws(Refusal) -> CivilDate? {
    guard let text = first(name), !text.isEmpty else { return nil }
    guard let day = CivilDate(text) else {
      throw Refusal(.invalid, "query-value", "日期“\(text.prefix(20))”读不懂，没有统计。请写成 2026-11-21。", field: name)
    }
    return day
  }
}
