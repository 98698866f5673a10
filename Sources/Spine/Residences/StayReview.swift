import Access
import Core
package import Entities
import Identity
package import Messaging
import SQL

/// Reminds those who look after an area of stays that nobody has confirmed for long (居住核实, A-023): of floating and
/// foreign residents, once a week, with a number and no names.
package struct StayReview: Sendable {
  let store: RecordStore
  let messages: MessageCenter

  package init(store: RecordStore, messages: MessageCenter) {
    self.store = store
    self.messages = messages
  }

  /// - Parameter days: how long a stay may go unconfirmed.
  /// - Returns: how many people were told.
  package func remind(after days: Int) async throws -> Int {
    let today = store.clock.today()
    let (before, monday) = (today.adding(days: -days), today.adding(days: 1 - today.weekday))
    let register = try store.entity(ResidenceRules.entity)
    return try await store.database.transaction { transaction in
      try await TransactionSettings.apply(
        .system, [(entity: register, permission: Permission(register.name, "view"))], in: transaction)
      let users = try await Responsibility(clock: store.clock).everyone(
        with: Permission("residence", "confirm_stay"), in: transaction)
      let rows = try await transaction.query(
        """
        select u.id, count(*) as stays
        from app_user u join unit n on n.id = u.unit_id
          join residence r on starts_with(r.division_code, n.division_code)
        where u.id = any(\(users)) and n.division_code <> '' and r.until is null and r.state = 'confirmed'
          and r.kind in ('floating', 'foreign') and r.confirmed_on <= \(before)
        group by u.id order by u.id
        """)
      for row in rows {
        let user = try row.get("id", as: Int64.self)
        try await messages.send(
          "residence_review", to: [.user(user)],
          ["count": "\(try row.get("stays", as: Int64.self))", "days": "\(days)"], link: before.description,
          key: "residence-review \(user) \(monday)", in: transaction)
      }
      return rows.count
    }
  }
}
