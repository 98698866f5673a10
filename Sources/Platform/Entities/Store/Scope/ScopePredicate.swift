package import Access
package import SQL

/// The one place where a data scope becomes a condition: lists, counts, exports, search, tiles, totals and interfaces
/// all go through it, and row-level security repeats it (see ``ScopePolicy``).
package enum ScopePredicate {
  /// The condition under which `principal` may do `permission` on a record of `entity` that a query calls `alias`:
  /// `true`, `false`, or alternatives joined by `or`.
  package static func compile(
    _ principal: Principal, _ permission: Permission, _ entity: EntityDeclaration, alias: String
  ) -> SQL {
    any(of: alternatives(ScopeTerms(principal, permission), entity, alias: alias).map(\.sql))
  }

  /// `false` for none, without parentheses for one.
  static func any(of alternatives: [SQL]) -> SQL {
    switch alternatives.count {
    case 0: "false"
    case 1: alternatives[0]
    default: "(\(SQL.join(alternatives, separator: " or ")))"
    }
  }

  /// One condition a term. A term that reads a field which the entity does not declare gives none: a scope is never
  /// widened because it does not fit.
  static func alternatives(
    _ terms: ScopeTerms, _ entity: EntityDeclaration, alias: String
  ) -> [ScopeAlternative] {
    if terms.all { return [ScopeAlternative(.all, "true")] }
    let scope = entity.scope
    var alternatives: [ScopeAlternative] = []
    func add(_ reason: ScopeAlternative.Reason, _ sql: SQL) { alternatives.append(ScopeAlternative(reason, sql)) }
    func column(_ name: String) -> SQL { "\(identifier: alias).\(identifier: name)" }
    if let own = terms.own {
      add(.maker, "\(column("created_by")) = \(own)")
      if let owner = scope.owner, owner != "created_by" { add(.named(owner), "\(column(owner)) = \(own)") }
    }
    if let unit = scope.unit {
      if terms.units.count == 1 {
        add(.unit(unit), "\(column(unit)) = \(terms.units[0])")
      } else if !terms.units.isEmpty {
        add(.unit(unit), "\(column(unit)) = any(\(terms.units))")
      }
      for path in terms.below {
        let end = TextRange.end(of: path)
        add(
          .below(unit),
          "\(column(unit)) in (select u.id from \(identifier: UnitTree.table) u where u.path >= \(path) and u.path < \(end))"
        )
      }
    }
    if let division = scope.division {
      for code in terms.divisions {
        add(.division(division, code), TextRange.division(column(division), startsWith: code))
      }
    }
    if let point = scope.point {
      let isPoint = entity.field(point)?.type == .point
      for area in terms.areas {
        let place: SQL = isPoint ? column(point) : "st_pointonsurface(\(column(point)))"
        add(.area(area), "st_covers((select a.area from scope_area a where a.id = \(area)), \(place))")
      }
    }
    for name in terms.rules {
      if let rule = scope.rules[name] { add(.rule(name), "(\(rule.sql(in: terms.surroundings, alias: alias)))") }
    }
    return alternatives
  }
}

/// One way in which a record can be in scope.
struct ScopeAlternative: Sendable {
  enum Reason: Sendable, Hashable {
    case all
    /// The principal made the record.
    case maker
    /// This field names the principal.
    case named(String)
    /// This field is the principal's unit, or one below it.
    case unit(String), below(String)
    /// This field begins with the code.
    case division(String, String)
    case area(Int64)
    case rule(String)
  }

  let reason: Reason
  let sql: SQL

  init(_ reason: Reason, _ sql: SQL) {
    self.reason = reason
    self.sql = sql
  }
}

/// Where the tree of units is kept, for scopes that reach below a unit.
enum UnitTree {
  /// An entity with a text field `path`; see `UnitMembership.path`.
  static let table = "unit"
}

/// Conditions on the beginning of a text, written so that an index over code points serves them.
enum TextRange {
  /// The first text that does not start with `prefix` any more; `nil` when there is none.
  static func end(of prefix: String) -> String? {
    var scalars = Array(prefix.unicodeScalars)
    while let last = scalars.popLast() {
      // The gap of the surrogates is stepped over.
      let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
      guard let scalar = Unicode.Scalar(next) else { continue }
      scalars.append(scalar)
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      return String(text)
    }
    return nil
  }

  static func starts(_ column: SQL, with prefix: String) -> SQL {
    guard !prefix.isEmpty else { return "\(column) is not null" }
    guard let end = end(of: prefix) else { return "\(column) >= \(prefix)" }
    return "(\(column) >= \(prefix) and \(column) < \(end))"
  }

  /// Codes of an indexed level compare with the index expression of that level, so that the order behind it can be used.
  static func division(_ column: SQL, startsWith code: String) -> SQL {
    switch code.utf8.count {
    case 12: "\(column) = \(code)"
    case let digits where DivisionLevel.indexed.contains(digits):
      "left(\(column), \(unsafe: String(digits))) = \(code)"
    default: starts(column, with: code)
    }
  }
}
