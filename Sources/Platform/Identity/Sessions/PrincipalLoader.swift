package import Access
import Core
import SQL

/// Assembles what a user or a key may do from the roles in force.
enum PrincipalLoader {
  /// A JSON array of the grants of user `user` acting for `unit`:
  /// `[subject, action, scope, scope value, clearance, role, external]`.
  ///
  /// A role is in force when it is active, has begun and not ended, is assigned within its dates, and is assigned for
  /// every unit or for the one the user acts for.
  static func userGrants(user: SQL, unit: SQL, today: CivilDate, now: Instant) -> SQL {
    """
    (select coalesce(json_agg(json_build_array(g.subject, g.action, g.scope, g.scope_value, r.clearance, r.name,
      r.external)), '[]')
      from user_role h join role r on r.id = h.role_id left join role_grant g on g.role_id = r.id
      where h.user_id = \(user) and (h.unit_id is null or h.unit_id = \(unit))
        and (h.effective_on is null or h.effective_on <= \(today)) and (h.expires_on is null or h.expires_on >= \(today))
        and \(inForce(today: today, now: now)))
    """
  }

  /// The same for the one role of an API key.
  static func roleGrants(role: SQL, today: CivilDate, now: Instant) -> SQL {
    """
    (select coalesce(json_agg(json_build_array(g.subject, g.action, g.scope, g.scope_value, r.clearance, r.name,
      r.external)), '[]')
      from role r left join role_grant g on g.role_id = r.id where r.id = \(role) and \(inForce(today: today, now: now)))
    """
  }

  private static func inForce(today: CivilDate, now: Instant) -> SQL {
    """
    r.active and (r.effective_from is null or r.effective_from <= \(now)) \
    and (r.expires_on is null or r.expires_on >= \(today))
    """
  }

  /// What the roles in force come to together.
  struct Roles {
    var grants: Grants
    /// The highest of theirs.
    var clearance: Classification
    var names: [String]
    /// One of them is for people from outside (外部人员).
    var isExternal: Bool
  }

  /// Reads what the two queries above give.
  static func read(_ json: JSON) -> Roles {
    var grants: [Grants.Grant] = []
    var clearance = Classification.open
    var names: [String] = []
    var isExternal = false
    for item in json.array ?? [] {
      guard let parts = item.array, parts.count == 7 else { continue }
      if let level = parts[4].string.flatMap({ Classification(name: $0) }) { clearance = max(clearance, level) }
      if let name = parts[5].string, !names.contains(name) { names.append(name) }
      if parts[6].bool == true { isExternal = true }
      guard let subject = parts[0].string, let action = parts[1].string,
        let scope = DataScope(code: parts[2].string ?? "", value: parts[3].string)
      else { continue }
      let grant = Grants.Grant(Permission(subject, action), scope)
      if !grants.contains(grant) { grants.append(grant) }
    }
    return Roles(grants: Grants(grants), clearance: clearance, names: names, isExternal: isExternal)
  }

  /// Columns of the unit `n` in force.
  static let unitColumns: SQL = "n.id as unit_id, n.name as unit_name, n.path as unit_path, n.division_code as division"

  static func unit(_ row: Row) throws -> UnitMembership? {
    guard let id = try row.get("unit_id", as: Int64?.self) else { return nil }
    return UnitMembership(
      id: id, name: try row.get("unit_name"), path: try row.get("unit_path"),
      division: try row.get("division", as: String?.self) ?? "")
  }
}

extension DataScope {
  /// Reads the two columns of a grant; `nil` for what it does not know, which then grants nothing.
  ///
  /// - Parameter value: division codes with commas between, the id of an area, or the name of a rule.
  package init?(code: String, value: String?) {
    let value = value ?? ""
    switch code {
    case "own": self = .own
    case "unit": self = .unit
    case "unit_and_below": self = .unitAndBelow
    case "division": self = .division(value.split(whereSeparator: { ",，、 ".contains($0) }).map(String.init))
    case "area":
      guard let id = Int64(value) else { return nil }
      self = .area(id)
    case "all": self = .all
    case "rule":
      guard !value.isEmpty else { return nil }
      self = .rule(value)
    default: return nil
    }
  }

  /// The scopes a union is made of, each of which is a grant of its own; otherwise the scope alone.
  package var alternatives: [DataScope] {
    if case .anyOf(let scopes) = self { scopes.flatMap(\.alternatives) } else { [self] }
  }

  /// The two columns of a grant; `nil` for a union, see ``alternatives``.
  package var columns: (code: String, value: String?)? {
    switch self {
    case .own: ("own", nil)
    case .unit: ("unit", nil)
    case .unitAndBelow: ("unit_and_below", nil)
    case .division(let codes): ("division", codes.isEmpty ? nil : codes.joined(separator: ","))
    case .area(let id): ("area", String(id))
    case .all: ("all", nil)
    case .rule(let name): ("rule", name)
    case .anyOf: nil
    }
  }
}
