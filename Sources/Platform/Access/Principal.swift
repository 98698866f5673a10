package import Core

/// Somebody or something that acts: a signed-in user with one unit and the roles in force, an integrator's key, the
/// system itself, or a stranger.
///
/// A principal is made once a request by Identity and handed down; nothing below re-reads roles.
package struct Principal: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    /// 匿名访客: sees the public face only.
    case stranger
    /// 登录用户.
    case user
    /// 接口密钥 of an integrator.
    case key
    /// Migrations, jobs, the demo; passes every check and is named in the audit.
    case system
  }

  package let kind: Kind
  /// The user's or the key's record id; 0 for a stranger and the system.
  package let id: Int64
  /// Shown in the audit and the top bar.
  package let name: String
  /// The unit (机构) in force; `nil` for a stranger.
  package let unit: UnitMembership?
  package let grants: Grants
  /// The highest classification this principal may read unmasked.
  package let clearance: Classification
  /// How surely the session knows who it is.
  package let assurance: Assurance

  package init(
    kind: Kind, id: Int64, name: String, unit: UnitMembership?, grants: Grants, clearance: Classification,
    assurance: Assurance = .password
  ) {
    self.kind = kind
    self.id = id
    self.name = name
    self.unit = unit
    self.grants = grants
    self.clearance = clearance
    self.assurance = assurance
  }

  package static let stranger = Principal(
    kind: .stranger, id: 0, name: "访客", unit: nil, grants: Grants([]), clearance: .open)

  package static let system = Principal(
    kind: .system, id: 0, name: "系统", unit: nil, grants: Grants([.init(.anything, .all)]), clearance: .secret)

  package func may(_ permission: Permission) -> Bool { grants.scope(for: permission) != nil }

  /// The same person, in the record and in the audit, with all that may be done in some registers: for a service that has
  /// judged itself what they may, and writes or reads on their behalf.
  ///
  /// - Parameters:
  ///   - subjects: the registers.
  ///   - action: one of them only, such as `view`.
  ///   - scope: `.own` reads and writes what is theirs.
  package func entrusted(with subjects: some Sequence<String>, to action: String = "*", scope: DataScope = .all)
    -> Principal
  {
    Principal(
      kind: kind, id: id, name: name, unit: unit,
      grants: Grants(subjects.map { Grants.Grant(Permission($0, action), scope) }), clearance: .secret,
      assurance: assurance)
  }

  /// Throws a refusal that says who can grant it unless the principal holds `permission`.
  package func require(_ permission: Permission, toDo what: String) throws(Refusal) {
    if may(permission) { return }
    if kind == .stranger {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再\(what)。")
    }
    throw Refusal(
      .forbidden, "permission-missing", "您没有“\(what)”的权限（\(permission)）。需要时请向本单位的系统管理员申请。")
  }
}

/// The unit a user acts for, with what data scope needs of it.
package struct UnitMembership: Sendable, Hashable {
  package let id: Int64
  package let name: String
  /// Ids from the root to this unit, each followed by `.`, such as `1.4.17.`; a unit is below another when its path
  /// starts with the other's.
  package let path: String
  /// The division (行政区划) code the unit is responsible for, without trailing zeros: `511702`; empty for none.
  package let division: String

  package init(id: Int64, name: String, path: String, division: String) {
    self.id = id
    self.name = name
    self.path = path
    self.division = division
  }
}

/// How sensitive a field is (数据分级), from what anybody may see to what few may (D2-570).
package enum Classification: Int, Sendable, Hashable, Comparable, CaseIterable {
  /// 公开.
  case open = 1
  /// 内部.
  case inner = 2
  /// 敏感: personal data such as telephone numbers.
  case sensitive = 3
  /// 机密: identity numbers, special groups.
  case secret = 4

  package static func < (a: Classification, b: Classification) -> Bool { a.rawValue < b.rawValue }

  /// The name used in declarations.
  package var name: String {
    switch self {
    case .open: "open"
    case .inner: "inner"
    case .sensitive: "sensitive"
    case .secret: "secret"
    }
  }

  package init?(name: String) {
    guard let match = Classification.allCases.first(where: { $0.name == name }) else { return nil }
    self = match
  }

  package var label: String {
    switch self {
    case .open: "公开"
    case .inner: "内部"
    case .sensitive: "敏感"
    case .secret: "机密"
    }
  }
}
