import Core

/// Dates as documents write them.
enum ChineseDate {
  private static let digits = Array("〇一二三四五六七八九")

  /// 二〇二六年十一月二十一日.
  static func words(_ date: CivilDate) -> String {
    let year = String(date.description.prefix(4).compactMap { $0.wholeNumberValue.map { digits[$0] } })
    return "\(year)年\(count(date.month))月\(count(date.day))日"
  }

  /// 2026年11月21日.
  static func figures(_ date: CivilDate) -> String { "\(date.year)年\(date.month)月\(date.day)日" }

  /// 一 to 三十一.
  private static func count(_ number: Int) -> String {
    let (tens, ones) = (number / 10, number % 10)
    let high = tens == 0 ? "" : tens == 1 ? "十" : "\(digits[tens])十"
    return high + (ones == 0 ? "" : String(digits[ones]))
  }
}
