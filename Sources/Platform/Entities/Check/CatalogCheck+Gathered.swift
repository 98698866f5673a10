import Access

extension CatalogCheck {
  /// A gathered field names a register, two references of it that fit, and one of its rules. Registers with personal data
  /// are not gathered from: each look at them is audited, which a column of a list is not.
  func check(_ gathering: Gathering, as field: FieldDeclaration, of entity: EntityDeclaration) {
    guard let register = catalog.entity(gathering.register) else {
      let advice = Suggestion.text(for: gathering.register, among: catalog.entities.map(\.name))
      collector.error(gathering.position, "汇集字段“\(field.name)”的登记表“\(gathering.register)”不存在\(advice)")
      return
    }
    if register.personal {
      collector.error(gathering.position, "汇集字段“\(field.name)”不能取自含个人信息的登记表“\(register.name)”")
    }
    check(gathering.field, of: register, refersTo: entity.name, gathering, field)
    check(gathering.shown, of: register, refersTo: field.target ?? "", gathering, field)
    if let rule = gathering.rule, register.scope.rules[rule] == nil {
      let advice = Suggestion.text(for: rule, among: register.scope.rules.keys)
      collector.error(gathering.position, "登记表“\(register.name)”的 scope 里没有规则“\(rule)”\(advice)")
    }
  }

  private func check(
    _ name: String, of register: EntityDeclaration, refersTo target: String, _ gathering: Gathering,
    _ gathered: FieldDeclaration
  ) {
    guard let field = register.field(name) else {
      let advice = Suggestion.text(for: name, among: register.fields.map(\.name))
      return collector.error(gathering.position, "登记表“\(register.name)”没有字段“\(name)”\(advice)")
    }
    if field.target != target || !field.isStored || field.encrypted {
      collector.error(
        gathering.position, "汇集字段“\(gathered.name)”要用“\(register.name).\(name)”，但它不是指向“\(target)”的关联字段")
    }
    if field.classification > gathered.classification {
      collector.error(
        gathered.position,
        "汇集字段“\(gathered.name)”取自\(field.classification.label)字段“\(register.name).\(name)”，分级不能低于它")
    }
  }
}
