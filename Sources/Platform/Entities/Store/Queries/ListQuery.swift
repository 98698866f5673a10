package import Core
package import Geo

/// What a list, a count, an export or a map asks for; the scope of the principal is added by the store, never here.
package struct ListQuery: Sendable, Hashable {
  /// Where the page begins.
  package enum Start: Sendable, Hashable {
    /// Rows to leave out. The cost grows with the number; use ``after(_:)`` to go on and on.
    case offset(Int)
    /// Behind the last row of the page that gave this cursor.
    case after(ListCursor)
  }

  package var entity: String
  /// All must hold.
  package var filters: [ListFilter]
  /// Free text (检索): every word must occur.
  package var search: String?
  /// Empty: the declared order. The id breaks ties.
  package var sort: [ListView.Sort]
  /// `nil`: the declared list columns.
  package var columns: [String]?
  package var start: Start
  /// Rows on the page, at most ``maximumLimit``; `nil`: the declared page size.
  package var limit: Int?
  /// Reads the records as they stood then.
  package var asOf: Instant?
  /// A record that is left out, such as the one beside which the others are shown.
  package var except: Int64?
  /// Where a search for words changes its way; the answer is the same.
  package var searchBounds = SearchBounds.standard

  package static let maximumLimit = 1000
  /// Rows that may be left out before a page; beyond it ask for a narrower filter.
  package static let maximumOffset = 10_000

  package init(
    _ entity: String, filters: [ListFilter] = [], search: String? = nil, sort: [ListView.Sort] = [],
    columns: [String]? = nil, start: Start = .offset(0), limit: Int? = nil, asOf: Instant? = nil
  ) {
    self.entity = entity
    self.filters = filters
    self.search = search
    self.sort = sort
    self.columns = columns
    self.start = start
    self.limit = limit
    self.asOf = asOf
  }
}

/// One condition on one field.
package struct ListFilter: Sendable, Hashable {
  package enum Test: Sendable, Hashable {
    case equals(Value)
    case oneOf([Value])
    /// Texts, codes and divisions that start with this.
    case prefix(String)
    /// Texts that contain this; only for fields in the declared search.
    case contains(String)
    /// Both ends included; dates, instants and numbers.
    case range(from: Value?, to: Value?)
    case empty(Bool)
    /// Geometry that touches the box.
    case box(BoundingBox)
    /// Geometry that touches the area, a polygon or several.
    case within(Geometry)
    /// Geometry no further than `metres` from the place, at most ``maximumRadius``.
    case near(Coordinate, metres: Double)
  }

  package let field: String
  package let test: Test

  /// In metres.
  package static let maximumRadius = 100_000.0

  package init(_ field: String, _ test: Test) {
    self.field = field
    self.test = test
  }
}

/// The place behind the last row of a page: its value of every sort field, the id last.
package struct ListCursor: Sendable, Hashable {
  let values: [Value]
}

/// How many records a list has.
package struct Count: Sendable, Hashable {
  package let value: Int
  /// Above ``exactLimit`` and ``costLimit`` the number is the planner's estimate, shown with 约.
  package let isEstimate: Bool

  /// Up to here records are counted one by one.
  package static let exactLimit = 10_000
  /// So many are always counted.
  static let shortLimit = 1000
  /// Counting that the planner expects to cost more, in its units, is left: the page would wait for its number.
  static let costLimit = 4000.0

  package init(_ value: Int, isEstimate: Bool = false) {
    self.value = value
    self.isEstimate = isEstimate
  }

  /// `8,512`, `约 1,240,000`.
  package var display: String {
    var digits = String(isEstimate ? Count.rounded(value) : value)
    var groups: [Substring] = []
    while digits.utf8.count > 3 {
      groups.insert(digits.suffix(3)[...], at: 0)
      digits = String(digits.dropLast(3))
    }
    groups.insert(digits[...], at: 0)
    return (isEstimate ? "约 " : "") + groups.joined(separator: ",")
  }

  /// Three digits say all that an estimate knows.
  private static func rounded(_ value: Int) -> Int {
    var unit = 1
    while value / unit >= 1000 { unit *= 10 }
    return (value + unit / 2) / unit * unit
  }
}

/// One page of a list.
package struct Page: Sendable {
  package let records: [Record]
  /// How many records there are in all.
  package let count: Count
  /// Rows before this page; `nil` when it was reached by a cursor.
  package let offset: Int?
  package let limit: Int
  /// Where the next page begins; `nil` on the last one.
  package let next: ListCursor?
  /// The columns that were read, in order.
  package let columns: [FieldDeclaration]
  /// The order that was used.
  package let sort: [ListView.Sort]
}
