package import Core

/// Totals of records by declared dimensions, under the principal's scope (统计).
package struct AggregateQuery: Sendable, Hashable {
  /// A dimension, and how finely it is cut.
  package struct Group: Sendable, Hashable {
    package enum Cut: Sendable, Hashable {
      case value
      /// Dates and instants by calendar year, quarter, month, week (ISO 8601) or day in China Standard Time.
      case year, quarter, month, week, day
      /// Division codes by their first digits: 4 a city, 6 a county, 9 a sub-district, 12 a community.
      case digits(Int)
    }

    package let field: String
    package let cut: Cut

    /// - Parameter cut: `nil` cuts dates by month and takes everything else as it is.
    package init(_ field: String, _ cut: Cut? = nil) {
      self.field = field
      self.cut = cut ?? .value
      self.isDefault = cut == nil
    }

    let isDefault: Bool
  }

  package var entity: String
  package var filters: [ListFilter]
  package var search: String?
  /// Empty: one row of totals.
  package var groups: [Group]
  package var measures: [StatisticsRole.Measure]
  /// The greatest groups by the first measure are returned, this many.
  package var limit: Int
  /// Groups come in the order of their keys, as time does, and not the greatest first.
  package var ordersByKey = false
  package var asOf: Instant?

  package init(
    _ entity: String, filters: [ListFilter] = [], search: String? = nil, groups: [Group],
    measures: [StatisticsRole.Measure] = [.init(function: .count, field: nil)], limit: Int = 1000,
    asOf: Instant? = nil
  ) {
    self.entity = entity
    self.filters = filters
    self.search = search
    self.groups = groups
    self.measures = measures
    self.limit = limit
    self.asOf = asOf
  }
}

/// One group with its totals.
package struct AggregateRow: Sendable, Hashable {
  /// One value a group, in the order asked for; `.null` stands for records without one.
  package let keys: [Value]
  /// The keys as people read them: labels of codes, titles of references, `2026-11`; `未填写` for none.
  package let labels: [String]
  /// One number a measure, in the order asked for; `.null` when there was nothing to add up.
  package let measures: [Value]
}
