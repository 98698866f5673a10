package import Core
package import Entities

/// What a report (报表) is made of: a row for each division, unit or whatever else its registers are counted by, a column
/// for each number (C-452, C-453, C-456).
package struct ReportDefinition: Sendable {
  /// 报表类别.
  package enum Form: String, Sendable, Hashable, CaseIterable {
    /// 业务报表: asked for when it is needed, over any period.
    case business
    /// 制式报表: of one period each, issued as the offices' forms prescribe.
    case fixed
  }

  /// One number of each row.
  package struct Column: Sendable {
    package let label: String
    package let register: String
    /// Which records count, as items of the list's address.
    package let filters: [StatisticsRole.Filter]
    package let measure: StatisticsRole.Measure
    /// The field that says in which period something happened; `nil` for what stands at its end (期末数).
    package let time: String?
  }

  /// The rows that stand in the report also when nothing is counted in them.
  package struct Rows: Sendable {
    package let register: String
    /// What the columns are counted by.
    package let field: String
    package let filters: [StatisticsRole.Filter]
  }

  package let name: String
  package let label: String
  /// The heading on paper.
  package let title: String
  package let form: Form
  package let period: StatisticsRole.Period
  /// The dimension that all its registers are counted by.
  package let dimension: String
  /// How many digits of a division make a row.
  package let digits: Int?
  package let heading: String
  package let rows: Rows?
  package let columns: [Column]
  package let note: String?
}

/// The days that a report is about, both included (统计时段).
package struct ReportSpan: Sendable, Hashable {
  package let since: CivilDate
  package let until: CivilDate

  /// - Throws: ``Refusal`` `report-span` when the last day is before the first.
  package init(since: CivilDate, until: CivilDate) throws(Refusal) {
    guard until >= since else {
      throw Refusal(.invalid, "report-span", "截止日期早于起始日期，没有统计。请改正日期。", field: "until")
    }
    self.since = since
    self.until = until
  }

  private init(_ since: CivilDate, _ until: CivilDate) { (self.since, self.until) = (since, until) }

  /// The day, week, month, quarter or year that a day lies in.
  package init(_ period: StatisticsRole.Period, containing day: CivilDate) {
    func month(_ number: Int) -> CivilDate { CivilDate(year: day.year, month: number, day: 1) ?? day }
    switch period {
    case .day: self.init(day, day)
    case .week:
      let monday = day.adding(days: 1 - day.weekday)
      self.init(monday, monday.adding(days: 6))
    case .month: self.init(month(day.month), month(day.month).adding(months: 1).adding(days: -1))
    case .quarter:
      let first = month((day.month - 1) / 3 * 3 + 1)
      self.init(first, first.adding(months: 3).adding(days: -1))
    case .year: self.init(month(1), month(1).adding(months: 12).adding(days: -1))
    }
  }

  /// The last of these periods that was over before `day`.
  package static func latest(_ period: StatisticsRole.Period, before day: CivilDate) -> ReportSpan {
    ReportSpan(period, containing: ReportSpan(period, containing: day).since.adding(days: -1))
  }

  /// `2026年10月1日至2026年10月31日`, in one word where it is a whole month or year.
  package var text: String {
    for period in [StatisticsRole.Period.year, .quarter, .month] where self == ReportSpan(period, containing: since) {
      switch period {
      case .year: return "\(since.year)年"
      case .quarter: return "\(since.year)年第\((since.month + 2) / 3)季度"
      default: return "\(since.year)年\(since.month)月"
      }
    }
    func words(_ day: CivilDate) -> String { "\(day.year)年\(day.month)月\(day.day)日" }
    return since == until ? words(since) : "\(words(since))至\(words(until))"
  }
}
