package import YAML

/// What can be counted and by what (统计).
package struct StatisticsRole: Sendable {
  /// What is counted or worked out of a group (统计指标).
  package struct Measure: Sendable, Hashable {
    /// 计数、合计、平均、最小、最大.
    package enum Function: String, Sendable, Hashable, CaseIterable { case count, sum, avg, min, max }

    package let function: Function
    /// `nil` only for `count`.
    package let field: String?
    /// What the column is called; `nil` calls it after function and field.
    package let label: String?
    /// Only records of the list with these filters are counted: items of its address.
    package let filters: [Filter]

    package init(function: Function, field: String?, label: String? = nil, filters: [Filter] = []) {
      self.function = function
      self.field = field
      self.label = label
      self.filters = filters
    }

    /// `count`, `sum(area)`; with filters also these: `count?state=completed`.
    package var name: String {
      let plain = field.map { "\(function.rawValue)(\($0))" } ?? function.rawValue
      return filters.isEmpty ? plain : "\(plain)?\(filters.map { "\($0.name)=\($0.value)" }.joined(separator: "&"))"
    }
  }

  /// One item of the address of a list, such as `state=completed` or `submitted_at.from=2026-01-01`.
  package struct Filter: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// How finely time is cut (统计周期).
  package enum Period: String, Sendable, Hashable, CaseIterable {
    case day, week, month, quarter, year

    package var label: String {
      switch self {
      case .day: "日"
      case .week: "周"
      case .month: "月"
      case .quarter: "季"
      case .year: "年"
      }
    }
  }

  /// A prepared table (统计表): what a page of statistics begins with.
  package struct View: Sendable {
    package let name: String
    package let label: String
    package let by: String?
    package let across: String?
    package let period: Period?
    package let filters: [Filter]
    package let position: SourcePosition

    package init(
      name: String, label: String, by: String?, across: String?, period: Period?, filters: [Filter],
      position: SourcePosition
    ) {
      self.name = name
      self.label = label
      self.by = by
      self.across = across
      self.period = period
      self.filters = filters
      self.position = position
    }
  }

  /// Records of another register counted beside (并列统计), grouped by the dimension of the same name.
  package struct Beside: Sendable {
    package let register: String
    package let label: String
    package let filters: [Filter]
    package let position: SourcePosition

    package init(register: String, label: String, filters: [Filter], position: SourcePosition) {
      self.register = register
      self.label = label
      self.filters = filters
      self.position = position
    }
  }

  /// Dimensions: codes, divisions, references, booleans, dates (by month), texts.
  package let dimensions: [String]
  package let measures: [Measure]
  /// The date or instant that periods and ranges are counted by; `nil` when the register has none of its own.
  package let time: String?
  package let views: [View]
  package let beside: [Beside]
  package let position: SourcePosition

  package init(
    dimensions: [String], measures: [Measure], time: String? = nil, views: [View] = [], beside: [Beside] = [],
    position: SourcePosition
  ) {
    self.dimensions = dimensions
    self.measures = measures
    self.time = time
    self.views = views
    self.beside = beside
    self.position = position
  }
}
