import Core

extension CatalogCheck {
  /// The lists that statistics count can be asked for, and their codes exist.
  func statistics(of entity: EntityDeclaration) {
    guard let role = entity.statistics else { return }
    for measure in role.measures { check(measure.filters, "统计量“\(measure.label ?? measure.name)”", role, entity) }
    for view in role.views { check(view.filters, "统计表“\(view.label)”", role, entity) }
    var seen: Set<String> = []
    for view in role.views where !seen.insert(view.name).inserted {
      collector.error(view.position, "统计表“\(view.name)”写了两次")
    }
  }

  private func check(
    _ filters: [StatisticsRole.Filter], _ what: String, _ role: StatisticsRole, _ entity: EntityDeclaration
  ) {
    guard !filters.isEmpty else { return }
    do throws(Refusal) {
      _ = try ListQuery(entity, items: filters.map { ($0.name, $0.value) })
    } catch {
      collector.error(role.position, "\(what)的条件不能用：\(error.message)")
    }
    for filter in filters {
      guard case .code(let name) = entity.field(filter.name)?.type, let dictionary = catalog.dictionary(name),
        dictionary.label(of: filter.value) == nil
      else { continue }
      let advice = Suggestion.text(for: filter.value, among: dictionary.codes.map(\.code))
      collector.error(role.position, "\(what)的条件里，字典“\(name)”没有代码“\(filter.value)”\(advice)")
    }
  }
}
