/// The right to do one action on one kind of thing, written `address.export`.
///
/// `*` stands for every subject or every action.
package struct Permission: Sendable, Hashable, CustomStringConvertible {
  package let subject: String
  package let action: String

  package init(_ subject: String, _ action: String) {
    self.subject = subject
    self.action = action
  }

  /// Reads `subject.action`; `nil` when the text has another shape.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    self.init(String(parts[0]), String(parts[1]))
  }

  package static let anything = Permission("*", "*")

  package var description: String { "\(subject).\(action)" }

  func covers(_ other: Permission) -> Bool {
    (subject == "*" || subject == other.subject) && (action == "*" || action == other.action)
  }
}

/// Which records a permission reaches (数据范围).
package indirect enum DataScope: Sendable, Hashable {
  /// 仅本人: records the principal made or is named in.
  case own
  /// 本单位.
  case unit
  /// 本单位及下级.
  case unitAndBelow
  /// 本辖区: records whose division code starts with one of these codes; empty means the unit's own division.
  case division([String])
  /// 地图划定: records whose point lies inside the area with this id.
  case area(Int64)
  /// 全部.
  case all
  /// A declared rule of the entity, by name (自定义).
  case rule(String)
  /// Either of several: roles combine by union.
  case anyOf([DataScope])
}

/// What a principal may do and on which records; several roles combine by union per action.
package struct Grants: Sendable, Hashable {
  package struct Grant: Sendable, Hashable {
    package let permission: Permission
    package let scope: DataScope

    package init(_ permission: Permission, _ scope: DataScope) {
      self.permission = permission
      self.scope = scope
    }
  }

  package let all: [Grant]
  /// The grants that reach a subject, in their order; pages ask for hundreds of permissions.
  private let named: [String: [Grant]]
  /// Those that reach every subject.
  private let wide: [Grant]

  package init(_ grants: [Grant]) {
    var named: [String: [Grant]] = [:]
    var wide: [Grant] = []
    for grant in grants {
      if grant.permission.subject == "*" {
        wide.append(grant)
        for subject in named.keys { named[subject]?.append(grant) }
      } else {
        named[grant.permission.subject, default: wide].append(grant)
      }
    }
    all = grants
    self.named = named
    self.wide = wide
  }

  package static func == (a: Grants, b: Grants) -> Bool { a.all == b.all }

  package func hash(into hasher: inout Hasher) { hasher.combine(all) }

  /// The records `permission` reaches, or `nil` when it is not held at all.
  ///
  /// One grant of `all` makes the union `all`; otherwise each role's scope stays a separate alternative, so a wide role
  /// for one action never widens another.
  package func scope(for permission: Permission) -> DataScope? {
    var scopes: [DataScope] = []
    for grant in named[permission.subject] ?? wide where grant.permission.covers(permission) {
      if grant.scope == .all { return .all }
      if !scopes.contains(grant.scope) { scopes.append(grant.scope) }
    }
    return scopes.count > 1 ? .anyOf(scopes) : scopes.first
  }
}
