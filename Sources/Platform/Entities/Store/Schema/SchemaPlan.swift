package import Core

/// What must be done so that the database holds everything that is declared.
///
/// A plan only ever adds. A difference that would lose or rewrite data is not planned but explained, for somebody to
/// decide and to write a migration by hand.
package struct SchemaPlan: Sendable {
  package struct Step: Sendable, Hashable {
    package enum Kind: String, Sendable {
      case table, column, relaxation, index, reference, check, trigger, security, privilege
    }

    package let kind: Kind
    package let entity: String
    /// Why, for the person who reviews it.
    package let reason: String
    /// One statement, without a semicolon.
    package let statement: String
  }

  /// A difference that is refused, with what to do about it.
  package struct Obstacle: Sendable, Hashable {
    package let entity: String
    package let column: String
    package let explanation: String
  }

  package let steps: [Step]
  package let obstacles: [Obstacle]
  /// What the database has beyond the declarations; it is kept.
  package let remarks: [String]

  package var isEmpty: Bool { steps.isEmpty && obstacles.isEmpty }

  /// Compares all entities of `catalog` with `live`.
  package init(_ catalog: Catalog, live: LiveSchema) {
    var planner = SchemaPlanner(catalog: catalog, live: live)
    for entity in catalog.entities { planner.tables(of: entity) }
    for entity in catalog.entities { planner.columns(of: entity) }
    for entity in catalog.entities { planner.indexes(of: entity) }
    for entity in catalog.entities { planner.references(of: entity) }
    for entity in catalog.entities { planner.triggers(of: entity) }
    for entity in catalog.entities { planner.security(of: entity) }
    steps = planner.steps
    obstacles = planner.obstacles
    remarks = planner.remarks
  }

  /// The plan as `lifang migrate --plan` prints it: SQL with comments that can be read and run as it stands.
  package var text: String {
    var lines: [String] = []
    if obstacles.isEmpty && steps.isEmpty { lines.append("-- 数据库与声明一致，无需变更。") }
    for obstacle in obstacles {
      lines.append("-- 拒绝：\(obstacle.entity).\(obstacle.column)：\(obstacle.explanation)")
    }
    var entity = ""
    for step in steps {
      if step.entity != entity {
        entity = step.entity
        lines.append("\n-- \(entity)")
      }
      lines.append("-- \(step.reason)")
      lines.append(step.statement + ";")
    }
    lines += remarks.map { "-- 保留：\($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// All obstacles as one refusal; `nil` when there is none.
  package var refusal: Refusal? {
    Refusal(
      all: obstacles.map {
        Refusal(
          .conflict, "schema-destructive", "\($0.entity).\($0.column)：\($0.explanation)数据库未做任何变更。",
          field: $0.column)
      })
  }
}
