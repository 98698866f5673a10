import SQL

/// Where a search changes from one way of finding to another; all find the same.
package struct SearchBounds: Sendable, Hashable {
  /// Up to so many expected records are read whole.
  let handful: Int
  /// Up to so many expected records are gathered at once: a few milliseconds.
  let few: Int
  /// How much of the order is looked at first: also a few milliseconds.
  let head: Int
  /// Above so many the order is read, in which they must come soon.
  let many: Int

  /// What a million addresses on two cores showed to be good.
  package static let standard = SearchBounds(few: 4000, head: 4000, many: 100_000)

  /// - Parameters: records; see the properties. Tests set them low to try every way on a few records.
  package init(handful: Int = 200, few: Int, head: Int, many: Int) {
    self.handful = min(handful, few)
    self.few = few
    self.head = head
    self.many = many
  }
}

/// The ways to one page of a list in which words are searched for.
///
/// PostgreSQL can read the list's order from its index until the page is full, or gather everything that has the words
/// and sort it. It chooses by how many records it expects, as if they were spread evenly; but the words of a street are
/// all in one place, and the first way may pass a million records before it meets them. So the choice is made here:
/// few records are gathered; for more the head of the order is looked at first; only what nearly every record has is
/// read in order.
struct SearchPlan {
  let source: SQL
  let selection: SQL
  /// What the words and the filters demand.
  let matching: [SQL]
  /// The same, and to lie behind the cursor.
  let conditions: [SQL]
  let scope: SQL
  let orderFields: [String]
  let orderBy: SQL
  /// Limit and offset of the page.
  let limit: SQL
  /// Order, limit and offset of the page.
  private var rest: SQL { "order by \(orderBy) \(limit)" }
  /// How many records of the order the page needs.
  let end: Int
  let bounds: SearchBounds
  /// Whether the order has an index under any scope, and the page begins at its front.
  let hasHead: Bool
  /// Whether the scope is one condition; of several each is better read in its own order.
  let isOneScope: Bool

  /// Asks how many records have the words and pass the filters, under any scope: planned in a third of the time that the
  /// scope takes, and for most searches all that needs to be known.
  var explanation: SQL { "explain (format json) select 1 from \(source)\(ListPlan.whereClause(matching))" }

  /// The statement for the page when so few records are expected that all are read.
  func handful(expecting records: Int) -> SQL? { records <= bounds.handful ? taken : nil }

  /// The statement for the page, and one that may be tried before it: its page is right only when it is full.
  ///
  /// - Parameter ordered: the statement that leaves the choice to PostgreSQL.
  func choice(expecting records: Int, otherwise ordered: SQL) -> (first: SQL?, page: SQL) {
    if records <= bounds.handful { return (nil, taken) }
    if records <= bounds.few { return (nil, gathered) }
    if records > bounds.many || !isOneScope { return (nil, ordered) }
    return (hasHead ? front : nil, gathered)
  }

  /// Reads whole records at once: planned in half the time, which is most of what so few cost.
  private var taken: SQL {
    let all = (conditions + [scope]).filter { $0.text != "true" }
    return """
      select \(selection) from (select * from \(source)\(ListPlan.whereClause(all)) offset 0) t order by \(orderBy) \(limit)
      """
  }

  /// Reads no more of each record than its place in the order; `offset 0` keeps the planner from the order's index.
  private var gathered: SQL {
    let all = (conditions + [scope]).filter { $0.text != "true" }
    let columns = SQL.join((["id"] + orderFields.filter { $0 != "id" }).map { "t.\(identifier: $0)" })
    return """
      select \(selection) from \(source) where t.id in (
        select t.id from (select \(columns) from \(source)\(ListPlan.whereClause(all)) offset 0) t
        order by \(orderBy) limit \(end)) \(rest)
      """
  }

  private var front: SQL {
    let inner = ListPlan.whereClause([scope].filter { $0.text != "true" })
    return """
      select \(selection) from \(source) where t.id in (
        select t.id from (select * from \(source)\(inner) order by \(orderBy) limit \(bounds.head)) t
        \(ListPlan.whereClause(conditions))) \(rest)
      """
  }
}
