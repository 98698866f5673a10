import Core
import YAML

extension CatalogCheck {
  /// The lists that statistics count can be asked for, and their codes exist.
  func statistics(of entity: EntityDeclaration) {
    for tile in entity.workbench {
      check(tile.filters, "工作台数字“\(tile.label)”", tile.position, entity)
      if let by = tile.by, entity.statistics?.dimensions.contains(by) != true {
        collector.error(tile.position, "工作台数字“\(tile.label)”的 by 应是 statistics 的 by 里的一个维度")
      }
    }
    var queries: Set<String> = []
    for query in entity.list.queries {
      check(query.conditions, "查询“\(query.label)”", query.position, entity)
      if !queries.insert(query.name).inserted { collector.error(query.position, "查询“\(query.name)”写了两次") }
    }
    guard let role = entity.statistics else { return }
    for measure in role.measures {
      check(measure.filters, "统计量“\(measure.label ?? measure.name)”", role.position, entity)
    }
    for view in role.views { check(view.filters, "统计表“\(view.label)”", role.position, entity) }
    for beside in role.beside {
      guard let other = catalog.entity(beside.register) else {
        let advice = Suggestion.text(for: beside.register, among: catalog.entities.map(\.name))
        collector.error(beside.position, "并列统计“\(beside.label)”：没有名为“\(beside.register)”的登记表\(advice)")
        continue
      }
      check(beside.filters, "并列统计“\(beside.label)”", beside.position, other)
      if !role.dimensions.contains(where: { entity.shares($0, with: other) }) {
        collector.error(beside.position, "并列统计“\(beside.label)”：\(other.label)没有同名同类型的统计维度，两边对不上")
      }
    }
    var seen: Set<String> = []
    for view in role.views where !seen.insert(view.name).inserted {
      collector.error(view.position, "统计表“\(view.name)”写了两次")
    }
  }

  private func check(
    _ filters: [StatisticsRole.Filter], _ what: String, _ position: SourcePosition, _ entity: EntityDeclaration
  ) {
    guard !filters.isEmpty else { return }
    do throws(Refusal) {
      _ = try ListQuery(entity, items: filters.map { ($0.name, $0.value) })
    } catch {
      collector.error(position, "\(what)的条件不能用：\(error.message)")
    }
    for filter in filters {
      guard case .code(let name) = entity.field(filter.name)?.type, let dictionary = catalog.dictionary(name),
        dictionary.label(of: filter.value) == nil
      else { continue }
      let advice = Suggestion.text(for: filter.value, among: dictionary.codes.map(\.code))
      collector.error(position, "\(what)的条件里，字典“\(name)”没有代码“\(filter.value)”\(advice)")
    }
  }
}

extension EntityDeclaration {
  /// Whether both registers are counted by this dimension, so that their numbers can stand in one row.
  package func shares(_ dimension: String, with other: EntityDeclaration) -> Bool {
    guard let field = field(dimension), let counterpart = other.field(dimension) else { return false }
    return field.type == counterpart.type && statistics?.dimensions.contains(dimension) == true
      && other.statistics?.dimensions.contains(dimension) == true
  }
}
