package import Access
package import YAML

/// The list page (列表): what it shows, filters, sorts and searches.
package struct ListView: Sendable {
  package struct Sort: Sendable, Hashable {
    package let field: String
    package let descending: Bool

    package init(field: String, descending: Bool) {
      self.field = field
      self.descending = descending
    }
  }

  /// A prepared query (查询) of the register, with a place of its own in the menu: what it always asks, what it shows and
  /// what it can be narrowed by.
  package struct Query: Sendable {
    package let name: String
    package let label: String
    /// Conditions that always hold, as items of the list's address.
    package let conditions: [StatisticsRole.Filter]
    /// `nil` for those of the list.
    package let columns: [String]?
    package let filters: [String]?
    package let help: String?
    /// The place in the menu; `nil` for the register's own.
    package let order: Int?
    package let position: SourcePosition
  }

  package let columns: [String]
  package let filters: [String]
  /// Applied in order; the id breaks ties.
  package let sort: [Sort]
  /// Further fields by which long lists are often sorted: each is kept in order below the counties too.
  package let orders: [String]
  /// The text fields the search box looks into.
  package let search: [String]
  /// The text of ids from the root, each followed by a dot, by which the list is ordered and shown as a tree (树形); `nil`
  /// for a list without levels.
  package let tree: String?
  /// Rows on a page.
  package let page: Int
  package let queries: [Query]

  package init(
    columns: [String], filters: [String], sort: [Sort], orders: [String] = [], search: [String], tree: String? = nil,
    page: Int, queries: [Query] = []
  ) {
    self.queries = queries
    self.tree = tree
    self.columns = columns
    self.filters = filters
    self.sort = sort
    self.orders = orders
    self.search = search
    self.page = page
  }

  /// The prepared query of this name.
  package func query(_ name: String) -> Query? { queries.first { $0.name == name } }
}

/// A titled group of fields in the form and on the detail page.
package struct FormSection: Sendable {
  package let label: String
  package let fields: [String]
  /// The section is shown only while this holds.
  package let visible: Expression?
  package let position: SourcePosition

  package init(label: String, fields: [String], visible: Expression? = nil, position: SourcePosition) {
    self.label = label
    self.fields = fields
    self.visible = visible
    self.position = position
  }
}

/// A list of the records that refer to this one, on its detail page.
package struct RelatedList: Sendable {
  package let entity: String
  /// The reference field of `entity` that points here; with ``by``, the field that says the same as that one.
  package let field: String
  /// The field of this record by which others know it, such as the identity number; `nil` for references.
  package let by: String?
  /// What is shown of them; `nil` for the columns of their list.
  package let columns: [String]?
  package let label: String
  package let position: SourcePosition

  /// What addresses call it: names of declarations, never what they hold.
  package var name: String { ([entity, field] + (by.map { [$0] } ?? [])).joined(separator: ".") }

  package init(
    entity: String, field: String, by: String? = nil, columns: [String]? = nil, label: String, position: SourcePosition
  ) {
    self.entity = entity
    self.field = field
    self.by = by
    self.columns = columns
    self.label = label
    self.position = position
  }
}

/// A way from a record to a page that is no register's, such as the QR code of an address.
package struct DetailLink: Sendable {
  package let label: String
  /// A path with `{id}` or `{field}` in it; offered only for records whose fields in it are filled.
  package let path: String
  /// The fields that stand in the path, `id` among them.
  package let fields: [String]
  /// `nil` for whoever sees the record.
  package let permission: Permission?
  package let when: Expression?
  /// Whether it asks for something before it does it, in a dialog over the record.
  package let isDialog: Bool
  package let position: SourcePosition

  package init(
    label: String, path: String, fields: [String], permission: Permission?, when: Expression?, isDialog: Bool,
    position: SourcePosition
  ) {
    self.label = label
    self.path = path
    self.fields = fields
    self.permission = permission
    self.when = when
    self.isDialog = isDialog
    self.position = position
  }

  /// The path with the values of a record; `nil` when one of them is empty.
  package func path(_ value: (String) -> String) -> String? {
    var path = path
    for field in fields {
      let text = value(field)
      if text.isEmpty { return nil }
      path = path.split(separator: "{\(field)}", omittingEmptySubsequences: false).joined(separator: text)
    }
    return path
  }
}

/// A button besides the standard ones: sets fields of one record, under its own permission `<entity>.<name>`.
package struct ActionDeclaration: Sendable {
  package struct Assignment: Sendable {
    package let field: String
    package let value: Expression

    package init(field: String, value: Expression) {
      self.field = field
      self.value = value
    }
  }

  package let name: String
  package let label: String
  /// The button is offered only while this holds, and refused otherwise.
  package let when: Expression?
  /// Fields the person fills in before it runs. Where nothing is set besides, one that is asked for alone is all there is
  /// to it, and a blank answer is refused.
  package let ask: [String]
  package let set: [Assignment]
  /// What is asked before it runs.
  package let confirm: String?
  /// A page of its own that does it, in place of the form that `ask` makes; with `{id}` for the record's, or `{ids}` for
  /// those of all that were ticked.
  package let page: String?
  package let position: SourcePosition

  package init(
    name: String, label: String, when: Expression?, ask: [String], set: [Assignment], confirm: String?,
    page: String? = nil, position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.when = when
    self.ask = ask
    self.set = set
    self.confirm = confirm
    self.page = page
    self.position = position
  }

  /// The field whose answer is all that it does; `nil` when it does something besides.
  package var onlyAnswer: String? { self.set.isEmpty && ask.count == 1 ? ask.first : nil }

  /// Where the page of its own is for this record.
  package func page(of record: Int64) -> String? {
    page?.replacing("{id}", with: String(record)).replacing("{ids}", with: String(record))
  }

  /// Where the page of its own is for the ticked records; `nil` when it takes one only.
  package func page(of records: [Int64]) -> String? {
    guard let page, page.contains("{ids}") else { return nil }
    return page.replacing("{ids}", with: records.map(String.init).joined(separator: ","))
  }
}

/// How the entity appears on the map.
package struct MapRole: Sendable {
  package let geometry: String
  /// The field written beside the shape.
  package let label: String?
  package let minimumZoom: Int
  package let maximumZoom: Int
  /// The code field by which the records are apart: each of its codes is a layer of its own.
  package let layers: String?
  package let position: SourcePosition

  package init(
    geometry: String, label: String?, minimumZoom: Int, maximumZoom: Int, layers: String? = nil,
    position: SourcePosition
  ) {
    self.geometry = geometry
    self.label = label
    self.layers = layers
    self.minimumZoom = minimumZoom
    self.maximumZoom = maximumZoom
    self.position = position
  }
}

/// The entity's place in the menu.
package struct MenuPlacement: Sendable {
  /// The label of a declared menu.
  package let group: String
  package let order: Int
  /// The entry's own label; the entity's when `nil`.
  package let label: String?
  package let position: SourcePosition

  package init(group: String, order: Int, label: String?, position: SourcePosition) {
    self.group = group
    self.order = order
    self.label = label
    self.position = position
  }
}

/// How a field gets its number when a record is created (编号规则).
package struct NumberingRule: Sendable {
  package enum Part: Sendable, Hashable {
    case literal(String)
    /// The first `width` characters of a field's value, or all of it.
    case field(String, width: Int?)
    /// The year, of 4 or 2 digits, and the two-digit month and day of creation.
    case year(digits: Int), month, day
    /// A sequence that restarts for each different text of the other parts, padded to `digits`.
    case sequence(digits: Int)
  }

  package let field: String
  package let parts: [Part]
  package let position: SourcePosition

  package init(field: String, parts: [Part], position: SourcePosition) {
    self.field = field
    self.parts = parts
    self.position = position
  }
}
