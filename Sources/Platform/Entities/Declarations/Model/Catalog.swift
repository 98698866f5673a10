/// Everything that is declared, loaded and checked together; immutable.
///
/// A change of declarations at run time makes a new catalog.
package struct Catalog: Sendable {
  package let entities: [EntityDeclaration]
  package let dictionaries: [DictionaryDeclaration]
  package let parameters: [ParameterDeclaration]
  package let roles: [RoleDeclaration]
  package let menus: [MenuDeclaration]
  package let permissions: [PermissionDeclaration]
  /// Declarations of kinds that modules above read: service items, materials, calendars; overlays are laid over them.
  package let others: [DeclarationDocument]

  /// What it was read from, for ``adding(yaml:origin:)``.
  let documents: [DeclarationDocument]
  /// Errors that sensitive labels have with the declarations of today, which nobody is kept from working by (``labelled(_:)``).
  var accepted: Set<Finding> = []

  private let entityIndex: [String: Int]
  private let dictionaryIndex: [String: Int]
  private let parameterIndex: [String: Int]
  private let roleIndex: [String: Int]
  private let permissionIndex: [String: Int]

  /// Lists are kept in the given order; of two declarations with one name the first counts.
  package init(
    entities: [EntityDeclaration] = [], dictionaries: [DictionaryDeclaration] = [],
    parameters: [ParameterDeclaration] = [], roles: [RoleDeclaration] = [], menus: [MenuDeclaration] = [],
    permissions: [PermissionDeclaration] = []
  ) {
    self.init(
      entities: entities, dictionaries: dictionaries, parameters: parameters, roles: roles, menus: menus,
      permissions: permissions, others: [], documents: [])
  }

  init(
    entities: [EntityDeclaration], dictionaries: [DictionaryDeclaration], parameters: [ParameterDeclaration],
    roles: [RoleDeclaration], menus: [MenuDeclaration], permissions: [PermissionDeclaration],
    others: [DeclarationDocument], documents: [DeclarationDocument]
  ) {
    self.documents = documents
    self.others = others
    self.entities = entities
    self.dictionaries = dictionaries
    self.parameters = parameters
    self.roles = roles
    self.menus = menus
    self.permissions = permissions
    entityIndex = Catalog.index(entities.map(\.name))
    dictionaryIndex = Catalog.index(dictionaries.map(\.name))
    parameterIndex = Catalog.index(parameters.map(\.name))
    roleIndex = Catalog.index(roles.map(\.name))
    permissionIndex = Catalog.index(permissions.map(\.subject))
  }

  /// - Complexity: O(1), as all look-ups by name.
  /// The register that names division codes; `nil` when none declares `divisions`.
  package var divisionRegister: EntityDeclaration? { entities.first { $0.divisions != nil } }

  package func entity(_ name: String) -> EntityDeclaration? { entityIndex[name].map { entities[$0] } }
  package func dictionary(_ name: String) -> DictionaryDeclaration? { dictionaryIndex[name].map { dictionaries[$0] } }
  package func parameter(_ name: String) -> ParameterDeclaration? { parameterIndex[name].map { parameters[$0] } }
  package func role(_ name: String) -> RoleDeclaration? { roleIndex[name].map { roles[$0] } }
  package func permission(_ subject: String) -> PermissionDeclaration? {
    permissionIndex[subject].map { permissions[$0] }
  }

  private static func index(_ names: [String]) -> [String: Int] {
    Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
