import YAML

extension CatalogCheck {
  /// The dictionary of registers that plans can be made for names all that say `plannable`, and no others.
  func plannable() {
    for entity in catalog.entities { if let role = entity.plannable { done(by: role, entity) } }
    let name = EntityDeclaration.planDictionary
    guard let dictionary = catalog.dictionary(name) else {
      for entity in catalog.entities {
        guard let role = entity.plannable else { continue }
        collector.error(role.position, "没有字典“\(name)”，“\(entity.name)”不能在周期计划里选到")
      }
      return
    }
    for entity in catalog.entities {
      guard let role = entity.plannable, dictionary.code(entity.name) == nil else { continue }
      collector.error(role.position, "字典“\(name)”里没有“\(entity.name)”，周期计划里选不到它")
    }
    for code in dictionary.codes where !code.retired && catalog.entity(code.code)?.plannable == nil {
      collector.error(code.position, "字典“\(name)”的“\(code.code)”不是可以按计划生成的登记表（plannable）")
    }
  }

  /// A plan that enters what an action enters otherwise says which, so that it asks for the right to that action too.
  private func done(by role: PlanRole, _ entity: EntityDeclaration) {
    let alike = entity.actions.filter { action in
      action.set.contains { own in role.set.contains { $0.field == own.field && $0.value.text == own.value.text } }
    }
    guard let name = role.action else {
      guard let first = alike.first else { return }
      collector.error(
        role.position, "plannable 的 set 同时办了操作“\(first.name)”，要用 action 写明，制定计划的人才须有它的权限")
      return
    }
    guard !alike.contains(where: { $0.name == name }) else { return }
    let advice = Suggestion.text(for: name, among: alike.map(\.name))
    collector.error(role.position, "plannable 的 action“\(name)”不是 set 所办的操作\(advice)")
  }
}
