import Access
import Core
import SQL

extension UserAccount {
  /// Columns of `app_user u` that ``init(row:)`` reads.
  static let columns: SQL = """
    u.id as user_id, u.account, u.name as user_name, u.unit_id as home_unit, u.status, u.separation, u.clearance, \
    u.expires_on, u.allowed_addresses, u.allowed_hours
    """

  init(row: Row) throws {
    id = try row.get("user_id")
    account = try row.get("account")
    name = try row.get("user_name")
    unitID = try row.get("home_unit")
    // An unknown state or rule must never open an account that somebody meant to close.
    status = UserStatus(rawValue: try row.get("status", as: String?.self) ?? "") ?? .disabled
    separation = try row.get("separation", as: String?.self).flatMap { Separation(rawValue: $0) }
    clearance = Classification(name: try row.get("clearance", as: String?.self) ?? "") ?? .open
    expiresOn = try row.get("expires_on")
    rules = try AccessRules(addresses: row.get("allowed_addresses"), hours: row.get("allowed_hours"))
  }
}
