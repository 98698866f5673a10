import Core
package import YAML

extension WorkCalendar {
  /// Reads a declaration; `file` is named in failures.
  ///
  /// ```yaml
  /// calendar: china_2026
  /// label: 2026 年工作日历
  /// weekdays: ["08:30-12:00", "14:00-17:30"]   # Monday to Friday
  /// hours: {fri: ["08:30-12:00"], sat: []}     # single days, stronger than weekdays
  /// holidays: [2026-01-01, "2026-02-16..2026-02-22"]
  /// workdays:                                  # a date alone has the hours of its weekday, or of the first with any
  ///   - 2026-02-14
  ///   - {date: 2026-02-28, as: mon}
  ///   - {date: 2026-03-01, hours: ["09:00-12:00"]}
  /// ```
  package init(parsing text: String, file: String) throws(YAMLFailure) {
    try self.init(YAMLNode(parsing: text, file: file))
  }

  /// Reads a declaration that may have been laid together from several files.
  ///
  /// A date that is a holiday in one and a workday in the other is what the file that does not name the calendar says;
  /// within one file that is an error.
  package init(_ node: YAMLNode) throws(YAMLFailure) {
    let keys = try WorkCalendarReader.mapping(
      node, "工作日历", keys: ["calendar", "label", "weekdays", "hours", "holidays", "workdays"],
      required: ["calendar", "label"])
    let named = keys["calendar"] ?? node
    let name = try WorkCalendarReader.name(named)
    let label = try WorkCalendarReader.label(keys["label"] ?? node)
    guard keys["weekdays"] != nil || keys["hours"] != nil else {
      throw YAMLFailure(at: node.position, "工作日历缺少 weekdays（周一至周五的办公时间）或 hours（逐日的办公时间）")
    }
    var reader = WorkCalendarReader(
      hours: try WorkCalendarReader.hours(keys["hours"], weekdays: keys["weekdays"]), file: named.position.file)
    try reader.readHolidays(keys["holidays"])
    try reader.readWorkdays(keys["workdays"])
    self.init(
      name: name, label: label, hours: reader.hours, holidays: Set(reader.holidays.keys),
      swaps: reader.workdays.mapValues(\.swap))
  }
}

/// Reads the parts of a calendar; stops at the first thing that is wrong.
private struct WorkCalendarReader {
  let hours: [WorkCalendar.Weekday: [WorkCalendar.Span]]
  /// The one that names the calendar.
  let file: String
  private(set) var holidays: [CivilDate: SourcePosition] = [:]
  private(set) var workdays: [CivilDate: (swap: WorkCalendar.Swap, position: SourcePosition)] = [:]

  /// Dates in a range of holidays, at most; more is a slip of the pen.
  private static let longestRange = 366

  init(hours: [WorkCalendar.Weekday: [WorkCalendar.Span]], file: String) {
    self.hours = hours
    self.file = file
  }

  // MARK: Parts

  static func name(_ node: YAMLNode) throws(YAMLFailure) -> String {
    let name = try text(node, "工作日历的名称")
    guard let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= 50,
      name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 95 })
    else { throw YAMLFailure(at: node.position, "“\(name)”不能作名称：只用小写字母、数字和下划线，以字母开头，最多 50 个字符") }
    return name
  }

  static func label(_ node: YAMLNode) throws(YAMLFailure) -> String {
    let label = try text(node, "工作日历的 label")
    guard label.unicodeScalars.count <= 60, !label.contains(where: \.isNewline), !label.unicodeScalars.contains("\0")
    else { throw YAMLFailure(at: node.position, "工作日历的 label 只能有一行，最多 60 字") }
    return label
  }

  static func hours(_ node: YAMLNode?, weekdays: YAMLNode?) throws(YAMLFailure)
    -> [WorkCalendar.Weekday: [WorkCalendar.Span]]
  {
    let shared = try spans(weekdays, "weekdays")
    var hours: [WorkCalendar.Weekday: [WorkCalendar.Span]] = [:]
    for day in [WorkCalendar.Weekday.mon, .tue, .wed, .thu, .fri] { hours[day] = shared }
    guard let node, !node.isNull else { return hours }
    let keys = try mapping(node, "工作日历的 hours", keys: WorkCalendar.Weekday.allCases.map(\.rawValue))
    for day in WorkCalendar.Weekday.allCases {
      if let own = keys[day.rawValue] { hours[day] = try spans(own, day.rawValue) }
    }
    return hours
  }

  mutating func readHolidays(_ node: YAMLNode?) throws(YAMLFailure) {
    for item in try WorkCalendarReader.list(node, "holidays") {
      for date in try WorkCalendarReader.dates(item) {
        try refuseTwice(date, item.position, after: holidays[date])
        holidays[date] = item.position
      }
    }
  }

  mutating func readWorkdays(_ node: YAMLNode?) throws(YAMLFailure) {
    for item in try WorkCalendarReader.list(node, "workdays") {
      let (date, swap) = try workday(item)
      try refuseTwice(date, item.position, after: workdays[date]?.position)
      if let holiday = holidays[date] {
        if holiday.file == item.position.file {
          throw YAMLFailure(at: item.position, "\(date) 在 holidays 里（第 \(holiday.line) 行）又在 workdays 里，请删去一处")
        }
        if item.position.file == file { continue }
        holidays[date] = nil
      }
      workdays[date] = (swap, item.position)
    }
  }

  private func refuseTwice(_ date: CivilDate, _ position: SourcePosition, after first: SourcePosition?)
    throws(YAMLFailure)
  {
    guard let first, first.file == position.file else { return }
    throw YAMLFailure(at: position, "日期 \(date) 写了两次，第一次在第 \(first.line) 行，请删去一处")
  }

  private func workday(_ node: YAMLNode) throws(YAMLFailure) -> (CivilDate, WorkCalendar.Swap) {
    guard node.mapping != nil else {
      let date = try WorkCalendarReader.date(node)
      let own = WorkCalendar.Weekday.allCases[date.weekday - 1]
      guard let model = ([own] + WorkCalendar.Weekday.allCases).first(where: { hours[$0]?.isEmpty == false }) else {
        let example = "{date: \(date), hours: [\"09:00-12:00\"]}"
        throw YAMLFailure(at: node.position, "weekdays 和 hours 里都没有办公时间，\(date) 不知按几点上班。请写成 \(example)")
      }
      return (date, .asWeekday(model))
    }
    let keys = try WorkCalendarReader.mapping(node, "上班日", keys: ["date", "as", "hours"], required: ["date"])
    let date = try WorkCalendarReader.date(keys["date"] ?? node)
    switch (keys["as"], keys["hours"]) {
    case (let model?, nil): return (date, .asWeekday(try weekday(model)))
    case (nil, let list?):
      let spans = try WorkCalendarReader.spans(list, "hours")
      if spans.isEmpty { throw YAMLFailure(at: list.position, "上班日 \(date) 没有办公时间。不上班的日子请写进 holidays") }
      return (date, .spans(spans))
    default: throw YAMLFailure(at: node.position, "上班日 \(date) 要写 as（按星期几的时间）或 hours（几点到几点）之一")
    }
  }

  /// A weekday that has hours.
  private func weekday(_ node: YAMLNode) throws(YAMLFailure) -> WorkCalendar.Weekday {
    let text = try WorkCalendarReader.text(node, "as")
    guard let weekday = WorkCalendar.Weekday(rawValue: text) else {
      let names = WorkCalendar.Weekday.allCases.map(\.rawValue).joined(separator: "、")
      throw YAMLFailure(at: node.position, "as 不能是“\(text)”（可用：\(names)）")
    }
    if hours[weekday]?.isEmpty ?? true { throw YAMLFailure(at: node.position, "\(text) 没有办公时间，不能照它上班") }
    return weekday
  }

  // MARK: Values

  /// A date or, in one text, the first and last of several: `2026-02-16..2026-02-22`.
  private static func dates(_ node: YAMLNode) throws(YAMLFailure) -> [CivilDate] {
    guard let text = node.text, text.utf8.count == 22, text.dropFirst(10).hasPrefix("..") else {
      return [try date(node)]
    }
    guard let first = date(String(text.prefix(10))), let last = date(String(text.suffix(10))) else {
      throw YAMLFailure(at: node.position, "读不懂日期“\(text)”，一段日期请写成 2026-02-16..2026-02-22")
    }
    let count = last.daysSinceEpoch - first.daysSinceEpoch + 1
    guard count > 0 else { throw YAMLFailure(at: node.position, "“\(text)”的最后一天早于第一天，请对调") }
    guard count <= longestRange else {
      throw YAMLFailure(at: node.position, "“\(text)”有 \(count) 天，一段最多 \(longestRange) 天，请检查年份")
    }
    return (0..<count).map { first.adding(days: $0) }
  }

  private static func date(_ node: YAMLNode) throws(YAMLFailure) -> CivilDate {
    let text = try text(node, "日期")
    guard let date = date(text) else { throw YAMLFailure(at: node.position, "读不懂日期“\(text)”，请写成 2026-02-14 这样真实的日期") }
    return date
  }

  /// In the one form of declarations.
  private static func date(_ text: String) -> CivilDate? {
    CivilDate(text).flatMap { $0.description == text ? $0 : nil }
  }

  private static func spans(_ node: YAMLNode?, _ key: String) throws(YAMLFailure) -> [WorkCalendar.Span] {
    var spans: [WorkCalendar.Span] = []
    for item in try list(node, key) {
      let text = try text(item, "办公时间")
      guard let span = WorkCalendar.Span(text) else {
        throw YAMLFailure(at: item.position, "读不懂办公时间“\(text)”，请写成 08:30-12:00，先早后晚，最晚到 24:00")
      }
      if let other = spans.first(where: { $0.start < span.end && span.start < $0.end }) {
        throw YAMLFailure(at: item.position, "办公时间 \(span) 与 \(other) 重叠")
      }
      spans.append(span)
    }
    return spans
  }

  // MARK: Nodes

  private static func text(_ node: YAMLNode, _ what: String) throws(YAMLFailure) -> String {
    guard let text = node.text, !text.isEmpty else {
      throw YAMLFailure(at: node.position, "\(what)应是文字，却是\(node.text == nil ? node.kindLabel : "空的")")
    }
    return text
  }

  private static func list(_ node: YAMLNode?, _ what: String) throws(YAMLFailure) -> [YAMLNode] {
    guard let node, !node.isNull else { return [] }
    guard let list = node.sequence else { throw YAMLFailure(at: node.position, "\(what)应是列表，却是\(node.kindLabel)") }
    return list
  }

  /// The values of a mapping with no keys but these.
  static func mapping(_ node: YAMLNode, _ what: String, keys: [String], required: [String] = []) throws(YAMLFailure)
    -> [String: YAMLNode]
  {
    guard let entries = node.mapping else {
      throw YAMLFailure(at: node.position, "\(what)应写成键值对，却是\(node.kindLabel)")
    }
    var values: [String: YAMLNode] = [:]
    for entry in entries {
      guard keys.contains(entry.key) else {
        throw YAMLFailure(at: entry.keyPosition, "\(what)不认识键“\(entry.key)”（可用：\(keys.joined(separator: "、"))）")
      }
      values[entry.key] = entry.value
    }
    for key in required where values[key] == nil { throw YAMLFailure(at: node.position, "\(what)缺少 \(key)") }
    return values
  }
}

extension WorkCalendar.Span {
  /// Reads `08:30-12:00`; `24:00` is the end of the day. `nil` for anything else.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    func minute(_ at: Int) -> Int? {
      let digits = [bytes[at], bytes[at + 1], bytes[at + 3], bytes[at + 4]].map { Int($0) - 48 }
      guard digits.allSatisfy({ (0...9).contains($0) }), bytes[at + 2] == UInt8(ascii: ":") else { return nil }
      let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
      return minute < 60 && hour * 60 + minute <= 1440 ? hour * 60 + minute : nil
    }
    guard bytes.count == 11, bytes[5] == UInt8(ascii: "-"), let start = minute(0), let end = minute(6), start < end
    else { return nil }
    self.init(from: start, to: end)
  }
}
