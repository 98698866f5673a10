import Synchronization
package import YAML

/// A kind of record declared once (实体): the source of its table, forms, lists, API, permissions and menus.
///
/// It never changes and is handed about by every request, so it is an object: a copy counts one reference and not thirty.
package final class EntityDeclaration: Sendable {
  /// Also the table's name in schema `public`; replaced and deleted versions live in `<name>_history`.
  package let name: String
  package let label: String
  /// The suite's folder under `Resources`, or `runtime` for registers made in the browser.
  package let area: String
  /// Ids of the requirement rows it answers.
  package let source: [String]
  package let help: String?
  /// The field shown when a record is referred to.
  package let title: String
  /// Personal data: row-level security and reading with a purpose.
  package let personal: Bool
  /// Whether committed changes are noted for subscribers and the ferry (see ``RecordChanges``).
  package let notesChanges: Bool
  package let scope: ScopeColumns
  /// The field with the division codes that this register names, when it is the register of divisions.
  package let divisions: String?
  /// In declared order, hidden fields included.
  package let fields: [FieldDeclaration]
  package let rules: [RuleDeclaration]
  package let indexes: [IndexDeclaration]
  package let list: ListView
  package let form: [FormSection]
  package let related: [RelatedList]
  package let links: [DetailLink]
  package let numbering: NumberingRule?
  package let actions: [ActionDeclaration]
  package let map: MapRole?
  package let statistics: StatisticsRole?
  package let menu: MenuPlacement?
  /// What the workbench counts of it.
  package let workbench: [WorkbenchTile]
  package let imports: ImportRule
  /// What plans by the calendar may make of it; `nil` when they may not.
  package let plannable: PlanRole?
  /// The register whose records these belong to and are written with (`attached_to`), such as the case of a form.
  package let attachedTo: String?
  package let origin: DeclarationOrigin
  package let position: SourcePosition

  private let index: [String: FieldDeclaration]
  private let sortable = Mutex<Set<String>?>(nil)

  package init(
    name: String, label: String, area: String, source: [String] = [], help: String? = nil, title: String,
    personal: Bool = false, notesChanges: Bool = false, scope: ScopeColumns = ScopeColumns(), divisions: String? = nil,
    fields: [FieldDeclaration],
    rules: [RuleDeclaration] = [], indexes: [IndexDeclaration] = [], list: ListView, form: [FormSection],
    related: [RelatedList] = [], links: [DetailLink] = [], numbering: NumberingRule? = nil,
    actions: [ActionDeclaration] = [],
    map: MapRole? = nil, statistics: StatisticsRole? = nil, menu: MenuPlacement? = nil,
    workbench: [WorkbenchTile] = [],
    imports: ImportRule = .standard, plannable: PlanRole? = nil, attachedTo: String? = nil,
    origin: DeclarationOrigin = .shipped,
    position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.area = area
    self.source = source
    self.help = help
    self.title = title
    self.personal = personal
    self.notesChanges = notesChanges
    self.scope = scope
    self.divisions = divisions
    self.fields = fields
    self.rules = rules
    self.indexes = indexes
    self.list = list
    self.form = form
    self.related = related
    self.links = links
    self.numbering = numbering
    self.actions = actions
    self.map = map
    self.statistics = statistics
    self.menu = menu
    self.workbench = workbench
    self.imports = imports
    self.plannable = plannable
    self.attachedTo = attachedTo
    self.origin = origin
    self.position = position
    index = Dictionary(
      (fields + FieldDeclaration.system).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The declared or system field of this name.
  ///
  /// - Complexity: O(1).
  package func field(_ name: String) -> FieldDeclaration? { index[name] }

  /// The fields a list may be sorted by: those that begin an index, and the ones of the declared order.
  package var sortableFields: Set<String> {
    sortable.withLock { sortable in
      if let sortable { return sortable }
      let fields = indexedOrders
      sortable = fields
      return fields
    }
  }

  package func action(_ name: String) -> ActionDeclaration? { actions.first { $0.name == name } }

  /// The actions every entity has besides the declared ones, as permissions name them.
  package static let standardActions = [
    "view", "create", "update", "delete", "import", "export", "history", "reveal",
  ]

  /// The table of replaced and deleted versions.
  package var historyTable: String { "\(name)_history" }
}

/// How tables of records come into a register (批量导入), from the key `import`.
package enum ImportRule: Sendable, Hashable {
  /// By the import that every register has.
  case standard
  /// On a page of its own, `import: /import/addresses`.
  case page(String)
  /// Not at all, `import: false`.
  case closed
}

/// Where a declaration came from; the last one that touched it counts.
package enum DeclarationOrigin: Sendable, Hashable {
  /// Shipped with the product, under `Resources`.
  case shipped
  /// Added or changed by the overlay of this city.
  case city(String)
  /// Made in the browser and kept in the database, under this name.
  case runtime(String)
}

/// Which fields data scope reads (数据权限); each is the name of a declared or system field.
package struct ScopeColumns: Sendable {
  /// A division code, matched by prefix (本辖区).
  package let division: String?
  /// A reference to a unit (本单位, 本单位及下级).
  package let unit: String?
  /// The user who made the record or is named in it (仅本人).
  package let owner: String?
  /// A geometry, tested against the area drawn on the map (地图划定).
  package let point: String?
  /// Declared rules by name (自定义), for `DataScope.rule`.
  package let rules: [String: Expression]

  package init(
    division: String? = nil, unit: String? = nil, owner: String? = nil, point: String? = nil,
    rules: [String: Expression] = [:]
  ) {
    self.division = division
    self.unit = unit
    self.owner = owner
    self.point = point
    self.rules = rules
  }

  package var isEmpty: Bool { division == nil && unit == nil && owner == nil && point == nil && rules.isEmpty }
}

/// A condition every record must meet (校验规则). As in an SQL check, a result of null passes.
package struct RuleDeclaration: Sendable {
  package let check: Expression
  package let message: String
  /// The field the message stands beside.
  package let field: String?
  package let position: SourcePosition

  package init(check: Expression, message: String, field: String?, position: SourcePosition) {
    self.check = check
    self.message = message
    self.field = field
    self.position = position
  }
}

/// An index over stored columns; `unique` ones are whole-record uniqueness rules.
package struct IndexDeclaration: Sendable {
  package let fields: [String]
  package let unique: Bool
  package let position: SourcePosition

  package init(fields: [String], unique: Bool, position: SourcePosition) {
    self.fields = fields
    self.unique = unique
    self.position = position
  }
}
