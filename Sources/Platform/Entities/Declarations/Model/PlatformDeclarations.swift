package import Access
package import YAML

/// A setting that administrators change without a release (参数).
package struct ParameterDeclaration: Sendable {
  /// Such as `identity.lockout_minutes`.
  package let name: String
  /// The label of the page that shows it together with related ones.
  package let group: String
  package let label: String
  package let type: FieldType
  package let defaultValue: Value
  /// Limits of a number, both inclusive.
  package let minimum: FixedDecimal?
  package let maximum: FixedDecimal?
  package let maximumLength: Int?
  package let help: String?
  package let unit: String?
  package let position: SourcePosition

  package init(
    name: String, group: String, label: String, type: FieldType, defaultValue: Value, minimum: FixedDecimal? = nil,
    maximum: FixedDecimal? = nil, maximumLength: Int? = nil, help: String? = nil, unit: String? = nil,
    position: SourcePosition
  ) {
    self.name = name
    self.group = group
    self.label = label
    self.type = type
    self.defaultValue = defaultValue
    self.minimum = minimum
    self.maximum = maximum
    self.maximumLength = maximumLength
    self.help = help
    self.unit = unit
    self.position = position
  }

  /// The parameter as a field, so that values are read and checked as everywhere else; always required.
  package var field: FieldDeclaration {
    FieldDeclaration(
      name: name, label: label, type: type, required: true, minimum: minimum, maximum: maximum,
      maximumLength: maximumLength, help: help, unit: unit, position: position)
  }

  func with(defaultValue: Value) -> ParameterDeclaration {
    ParameterDeclaration(
      name: name, group: group, label: label, type: type, defaultValue: defaultValue, minimum: minimum,
      maximum: maximum, maximumLength: maximumLength, help: help, unit: unit, position: position)
  }
}

/// A role that ships with the product (角色): what it may do and on which records.
package struct RoleDeclaration: Sendable {
  package struct Grant: Sendable {
    package let permission: Permission
    package let scope: DataScope
    package let position: SourcePosition

    package init(permission: Permission, scope: DataScope, position: SourcePosition) {
      self.permission = permission
      self.scope = scope
      self.position = position
    }
  }

  package let name: String
  package let label: String
  package let help: String?
  /// The highest classification the role reads unmasked.
  package let clearance: Classification
  /// For people who are none of the administration's own (外部人员): enterprises, tenants, suppliers, visitors (B5-018).
  package let isExternal: Bool
  /// Roles that the same person may not hold as well (三员分立).
  package let exclusive: [String]
  package let grants: [Grant]
  package let origin: DeclarationOrigin
  package let position: SourcePosition

  package init(
    name: String, label: String, help: String? = nil, clearance: Classification = .inner, isExternal: Bool = false,
    exclusive: [String] = [], grants: [Grant], origin: DeclarationOrigin = .shipped, position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.help = help
    self.clearance = clearance
    self.isExternal = isExternal
    self.exclusive = exclusive
    self.grants = grants
    self.origin = origin
    self.position = position
  }

  /// The grants as Access combines them.
  package var access: [Grants.Grant] { grants.map { Grants.Grant($0.permission, $0.scope) } }
}

/// A group in the left menu with its hand-written entries; entities join it by ``MenuPlacement``.
package struct MenuDeclaration: Sendable {
  package struct Item: Sendable {
    package let label: String
    /// The page's path, such as `/map`.
    package let path: String
    /// Shown only to those who hold it; `nil` for everybody who is signed in.
    package let permission: Permission?
    package let order: Int
    package let position: SourcePosition

    package init(label: String, path: String, permission: Permission?, order: Int, position: SourcePosition) {
      self.label = label
      self.path = path
      self.permission = permission
      self.order = order
      self.position = position
    }
  }

  package let name: String
  package let label: String
  /// The label of the group one level up.
  package let parent: String?
  package let order: Int
  package let icon: String?
  package let items: [Item]
  package let position: SourcePosition

  package init(
    name: String, label: String, parent: String? = nil, order: Int, icon: String? = nil, items: [Item],
    position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.parent = parent
    self.order = order
    self.icon = icon
    self.items = items
    self.position = position
  }
}

/// What may be permitted on a hand-written page, which no entity declares.
package struct PermissionDeclaration: Sendable {
  package struct Action: Sendable {
    package let name: String
    package let label: String

    package init(name: String, label: String) {
      self.name = name
      self.label = label
    }
  }

  package let subject: String
  package let label: String
  /// Set when the subject is also a hand-made table with an `id` that references may point to: the column that is shown
  /// for a record.
  package let title: String?
  package let actions: [Action]
  package let position: SourcePosition

  package init(
    subject: String, label: String, title: String? = nil, actions: [Action], position: SourcePosition
  ) {
    self.subject = subject
    self.label = label
    self.title = title
    self.actions = actions
    self.position = position
  }
}
