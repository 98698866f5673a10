package import Access
import Core
import SQL

/// A data scope taken apart for one principal: what the predicate of a query and row-level security are both made
/// from, so that they cannot disagree.
///
/// A record is visible when any one term holds; without terms nothing is.
package struct ScopeTerms: Sendable, Hashable {
  /// 全部.
  package var all = false
  /// 仅本人: the actor who made the record; see ``Access/Principal/actor``.
  package var own: Int64?
  /// 本单位: ids of units.
  package var units: [Int64] = []
  /// 本单位及下级: beginnings of unit paths.
  package var below: [String] = []
  /// 本辖区: beginnings of division codes, the shorter ones only.
  package var divisions: [String] = []
  /// 地图划定: ids of areas.
  package var areas: [Int64] = []
  /// 自定义: names of the entity's declared rules.
  package var rules: [String] = []
  /// What `me()`, `my_unit()` and `my_division()` are in those rules.
  private var user: Int64?
  private var unit: Int64?
  private var division: String?

  package static let everything: ScopeTerms = {
    var terms = ScopeTerms()
    terms.all = true
    return terms
  }()

  private init() {}

  /// What `principal` reaches by `permission`.
  package init(_ principal: Principal, _ permission: Permission) {
    if let scope = principal.grants.scope(for: permission) { add(scope, principal) }
    if all { self = .everything }
    divisions = ScopeTerms.shortest(divisions)
    below = ScopeTerms.shortest(below)
  }

  /// The terms of one scope alone, to explain it.
  init(_ scope: DataScope, _ principal: Principal) { add(scope, principal) }

  private mutating func add(_ scope: DataScope, _ principal: Principal) {
    switch scope {
    case .all: all = true
    case .own: if principal.actor != 0 { own = principal.actor }
    case .unit: if let unit = principal.unit { ScopeTerms.insert(unit.id, into: &units) }
    case .unitAndBelow:
      if let unit = principal.unit, !unit.path.isEmpty { ScopeTerms.insert(unit.path, into: &below) }
    case .division(let codes):
      let codes = codes.isEmpty ? [principal.unit?.division ?? ""] : codes
      for code in codes.compactMap(DivisionLevel.prefix) { ScopeTerms.insert(code, into: &divisions) }
    case .area(let id): ScopeTerms.insert(id, into: &areas)
    case .rule(let name):
      ScopeTerms.insert(name, into: &rules)
      user = principal.kind == .user ? principal.id : nil
      unit = principal.unit?.id
      division = principal.unit?.division
    case .anyOf(let scopes): for scope in scopes { add(scope, principal) }
    }
  }

  private static func insert<T: Equatable>(_ element: T, into list: inout [T]) {
    if !list.contains(element) { list.append(element) }
  }

  /// Without those that another one already covers.
  private static func shortest(_ prefixes: [String]) -> [String] {
    prefixes.filter { long in !prefixes.contains { $0 != long && long.hasPrefix($0) } }
  }

  /// What the rules may ask; time is the database's, in queries and in row-level security alike.
  var surroundings: ExpressionSurroundings {
    ExpressionSurroundings(me: "\(user)::bigint", unit: "\(unit)::bigint", division: "\(division)::text")
  }

  /// What row-level security reads; see `lifang_scope_…` in the store's migration.
  var setting: String {
    var members: [(key: String, value: JSON)] = []
    if all { members.append(("all", true)) }
    if let own { members.append(("own", .int(own))) }
    if !units.isEmpty { members.append(("units", .array(units.map { .int($0) }))) }
    if !below.isEmpty { members.append(("below", .array(below.map { .string($0) }))) }
    if !divisions.isEmpty { members.append(("divisions", .array(divisions.map { .string($0) }))) }
    if !areas.isEmpty { members.append(("areas", .array(areas.map { .int($0) }))) }
    if !rules.isEmpty {
      members.append(("rules", .array(rules.map { .string($0) })))
      if let user { members.append(("me", .int(user))) }
      if let unit { members.append(("unit", .int(unit))) }
      if let division { members.append(("division", .string(division))) }
    }
    return JSON.object(members).text
  }
}
