/// An index that a declaration asks for, directly or by what its lists need.
package struct PlannedIndex: Sendable, Hashable {
  package let name: String
  let table: String
  package let unique: Bool
  /// Such as `using gin (…)` or `("code")`.
  package let body: String
  /// Why it is there, shown in the plan.
  let reason: String
  /// The columns or expressions in order, bare names for plain columns; empty for GiST and GIN.
  package let keys: [String]

  var statement: String {
    "create \(unique ? "unique " : "")index \(quoted(name)) on \(quoted(table)) \(body)"
  }
}

func quoted(_ name: String) -> String {
  "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}

extension EntityDeclaration {
  /// The indexes of the table, each once.
  ///
  /// Lists of a million rows stay fast because the declared order is kept in an index of its own, and again below each
  /// level of the division code (county, sub-district, community): a page of one district is read from its end of the
  /// index and not picked out of the whole city. References are indexed for joins and for the check on deleting.
  package var plannedIndexes: [PlannedIndex] {
    var plan = IndexPlanner(entity: self)
    plan.uniqueness()
    plan.references()
    plan.declared()
    plan.filters()
    plan.order()
    plan.furtherOrders()
    plan.geometry()
    if isSearchable {
      plan.add(
        // Every search reads the list of what has not been sorted in yet: 4 MB of it by default, 3 ms each time.
        [SchemaName.searchColumn],
        body: "using gin (\(quoted(SchemaName.searchColumn))) with (gin_pending_list_limit = 256)", reason: "全文检索")
    }
    return plan.needed
  }

  /// ``sortableFields``, worked out anew.
  var indexedOrders: Set<String> {
    var names = Set(plannedIndexes.compactMap(\.keys.first)).union(list.sort.map(\.field))
    names.insert("id")
    return names.filter { name in
      guard let field = field(name) else { return false }
      return field.isStored && !field.encrypted && !field.multiple && !field.type.isGeometry && field.type != .json
    }
  }
}

private struct IndexPlanner {
  let entity: EntityDeclaration
  var indexes: [PlannedIndex] = []
  private var bodies: Set<String> = []

  init(entity: EntityDeclaration) { self.entity = entity }

  mutating func add(_ parts: [String], unique: Bool = false, body: String, reason: String, keys: [String] = []) {
    guard bodies.insert((unique ? "unique " : "") + body).inserted else { return }
    indexes.append(
      PlannedIndex(
        name: SchemaName.index(entity.name, parts, unique: unique), table: entity.name, unique: unique, body: body,
        reason: reason, keys: keys))
  }

  /// Without those of one column that another index begins with: it serves the same look-ups and the same order, and each
  /// index is paid for with every row that is written.
  var needed: [PlannedIndex] {
    func isPlain(_ index: PlannedIndex) -> Bool { index.keys.first.map { index.body == "(\(quoted($0)))" } ?? false }
    let begun = Set(indexes.filter { !isPlain($0) && !$0.body.contains(" where ") }.compactMap(\.keys.first))
    return indexes.filter { $0.unique || !isPlain($0) || !begun.contains($0.keys[0]) }
  }

  /// The column that equality is tested on: the blind index of an encrypted field.
  func keyColumn(_ name: String) -> String { entity.field(name)?.indexColumn ?? name }

  mutating func uniqueness() {
    for field in entity.storedFields where field.unique {
      let column = field.indexColumn ?? field.name
      add(
        [column], unique: true, body: "(\(quoted(column))) where \(quoted(column)) is not null",
        reason: "\(field.label)不得重复", keys: [column])
    }
    for index in entity.indexes where index.unique {
      let columns = index.fields.map(keyColumn)
      add(
        columns, unique: true, body: "(\(columns.map(quoted).joined(separator: ", ")))",
        reason: index.fields.compactMap { entity.field($0)?.label }.joined(separator: "、") + "不得同时重复",
        keys: columns)
    }
    for field in entity.storedFields where field.encrypted && !field.unique {
      guard let column = field.indexColumn else { continue }
      add([column], body: "(\(quoted(column)))", reason: "\(field.label)精确检索", keys: [column])
    }
  }

  mutating func references() {
    for field in entity.storedFields where field.target != nil && !field.unique {
      add([field.name], body: "(\(quoted(field.name)))", reason: "关联\(field.label)", keys: [field.name])
    }
    let owners = entity.scope.isEmpty ? [] : ["created_by", entity.scope.owner].compactMap(\.self)
    for owner in owners { add([owner], body: "(\(quoted(owner)))", reason: "数据范围：本人", keys: [owner]) }
  }

  mutating func declared() {
    for index in entity.indexes where !index.unique {
      let columns = index.fields.map(keyColumn)
      if columns.count == 1, entity.field(index.fields[0])?.type.isGeometry == true { continue }
      if columns.count == 1, entity.field(index.fields[0])?.multiple == true {
        add(columns, body: "using gin (\(quoted(columns[0])))", reason: "多值检索")
        continue
      }
      add(columns, body: "(\(columns.map(quoted).joined(separator: ", ")))", reason: "声明的索引", keys: columns)
    }
  }

  /// A filter that leaves few records must not search the whole order for them. Filters of two values, and those that
  /// begin an index already, need none.
  mutating func filters() {
    let begun = Set(indexes.compactMap(\.keys.first))
    for field in entity.list.filters.compactMap({ entity.field($0) }) {
      guard field.isStored, !field.encrypted, !field.type.isGeometry, field.type != .boolean, field.type != .json,
        field.type != .longtext, !begun.contains(field.name), field.name != entity.scope.division
      else { continue }
      if field.multiple {
        add([field.name], body: "using gin (\(quoted(field.name)))", reason: "按\(field.label)筛选")
      } else {
        add([field.name], body: "(\(quoted(field.name)))", reason: "按\(field.label)筛选", keys: [field.name])
      }
    }
  }

  mutating func order() {
    let sorts = entity.list.sort.filter { entity.field($0.field).map { $0.isStored && !$0.encrypted } ?? false }
    guard sorts.count == entity.list.sort.count else { return }
    var order = sorts.map { quoted($0.field) + ($0.descending ? " desc" : "") }
    if sorts.last?.field != "id" { order.append(quoted("id") + (sorts.last?.descending == true ? " desc" : "")) }
    let tail = order.joined(separator: ", ")
    let names = sorts.map(\.field)
    if names != ["id"] && !names.isEmpty {
      add(names + ["order"], body: "(\(tail))", reason: "列表默认排序", keys: names)
    }
    guard let division = entity.scope.division, entity.field(division)?.encrypted == false else { return }
    for level in DivisionLevel.indexed {
      add(
        [division, "\(level)", "order"], body: "(left(\(quoted(division)), \(level)), \(tail))",
        reason: "\(level) 位区划内的列表", keys: ["left(\(division),\(level))"] + names)
    }
    // An order that begins with the division serves its lists by itself.
    guard names.first != division else { return }
    add(
      [division, "order"], body: "(\(quoted(division)), \(tail))", reason: "区划内的列表", keys: [division] + names)
  }

  /// A county is the largest area within which people sort: its rows in another order are too many to be picked out of
  /// the whole city's, those of a smaller area few enough to be sorted.
  mutating func furtherOrders() {
    for name in entity.list.orders {
      if !indexes.contains(where: { $0.keys.first == name }) {
        add([name], body: "(\(quoted(name)))", reason: "常用排序", keys: [name])
      }
      guard let division = entity.scope.division, entity.field(division)?.encrypted == false else { continue }
      let level = DivisionLevel.county
      add(
        [division, "\(level)", name], body: "(left(\(quoted(division)), \(level)), \(quoted(name)), \(quoted("id")))",
        reason: "\(level) 位区划内的常用排序", keys: ["left(\(division),\(level))", name])
    }
  }

  mutating func geometry() {
    for field in entity.storedFields where field.type.isGeometry {
      add([field.name], body: "using gist (\(quoted(field.name)))", reason: "\(field.label)空间检索")
    }
  }
}
