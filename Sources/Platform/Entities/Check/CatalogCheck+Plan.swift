import YAML

extension CatalogCheck {
  /// The dictionary of registers that plans can be made for names all that say `plannable`, and no others.
  func plannable() {
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
}
