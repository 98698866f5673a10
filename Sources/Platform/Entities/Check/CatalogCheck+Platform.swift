import Access
import YAML

extension CatalogCheck {
  func uniqueLabels() {
    var labels: [String: String] = [:]
    for entity in catalog.entities {
      if let other = labels.updateValue(entity.name, forKey: entity.label) {
        collector.error(entity.position, "实体“\(entity.name)”与“\(other)”同名：\(entity.label)")
      }
    }
    labels = [:]
    for role in catalog.roles {
      if let other = labels.updateValue(role.name, forKey: role.label) {
        collector.error(role.position, "角色“\(role.name)”与“\(other)”同名：\(role.label)")
      }
    }
    labels = [:]
    for parameter in catalog.parameters {
      if let other = labels.updateValue(parameter.name, forKey: "\(parameter.group)\u{1F}\(parameter.label)") {
        collector.error(parameter.position, "参数“\(parameter.name)”与“\(other)”同名：\(parameter.label)")
      }
    }
  }

  func check(_ parameter: ParameterDeclaration) {
    guard case .code(let name) = parameter.type else { return }
    guard let dictionary = catalog.dictionary(name) else {
      let advice = Suggestion.text(for: name, among: catalog.dictionaries.map(\.name))
      collector.error(parameter.position, "参数“\(parameter.name)”的字典“\(name)”不存在\(advice)")
      return
    }
    if let code = parameter.defaultValue.text, dictionary.code(code) == nil {
      let advice = Suggestion.text(for: code, among: dictionary.codes.map(\.code))
      collector.error(parameter.position, "字典“\(name)”没有编码“\(code)”\(advice)")
    }
  }

  // MARK: Roles

  func roles() {
    for role in catalog.roles {
      for name in role.exclusive where catalog.role(name) == nil {
        let advice = Suggestion.text(for: name, among: catalog.roles.map(\.name))
        collector.error(role.position, "角色“\(role.name)”的互斥角色“\(name)”不存在\(advice)")
      }
      if role.exclusive.contains(role.name) {
        collector.error(role.position, "角色“\(role.name)”不能与自己互斥")
      }
      for grant in role.grants {
        check(grant.permission, at: grant.position)
        check(grant.scope, of: grant.permission, at: grant.position)
      }
    }
  }

  func check(_ permission: Permission, at position: SourcePosition) {
    let subjects = catalog.entities.map(\.name) + catalog.permissions.map(\.subject)
    if permission.subject == "*" {
      let known = EntityDeclaration.standardActions + catalog.permissions.flatMap { $0.actions.map(\.name) }
      if permission.action != "*", !known.contains(permission.action) {
        let advice = Suggestion.text(for: permission.action, among: known)
        collector.error(position, "没有操作“\(permission.action)”\(advice)")
      }
      return
    }
    guard let actions = catalog.actions(of: permission.subject) else {
      let advice = Suggestion.text(for: permission.subject, among: subjects)
      collector.error(position, "权限“\(permission)”里的“\(permission.subject)”不是实体，也没有权限声明\(advice)")
      return
    }
    if permission.action != "*", !actions.contains(permission.action) {
      let advice = Suggestion.text(for: permission.action, among: actions)
      collector.error(position, "“\(permission.subject)”没有操作“\(permission.action)”\(advice)")
    }
  }

  /// A scope that the entity's columns cannot answer would show nothing; that is never what was meant.
  private func check(_ scope: DataScope, of permission: Permission, at position: SourcePosition) {
    guard let entity = catalog.entity(permission.subject) else { return }
    func missing(_ key: String, _ label: String) {
      collector.error(position, "实体“\(entity.name)”没有 scope.\(key)，不能按\(label)授权")
    }
    switch scope {
    case .own, .all: break
    case .unit, .unitAndBelow: if entity.scope.unit == nil { missing("unit", "单位") }
    case .division: if entity.scope.division == nil { missing("division", "辖区") }
    case .area: if entity.scope.point == nil { missing("point", "地图范围") }
    case .rule(let name):
      if entity.scope.rules[name] == nil {
        let advice = Suggestion.text(for: name, among: entity.scope.rules.keys)
        collector.error(position, "实体“\(entity.name)”没有数据范围规则“\(name)”\(advice)")
      }
    case .anyOf(let scopes): for scope in scopes { check(scope, of: permission, at: position) }
    }
  }

  // MARK: Menus

  func menus() {
    var labels: [String: String] = [:]
    let parents = Dictionary(catalog.menus.map { ($0.label, $0.parent) }, uniquingKeysWith: { first, _ in first })
    for menu in catalog.menus {
      if let other = labels.updateValue(menu.name, forKey: menu.label) {
        collector.error(menu.position, "菜单“\(menu.name)”与“\(other)”同名：\(menu.label)")
      }
      if let parent = menu.parent {
        if parents[parent] == nil {
          let advice = Suggestion.text(for: parent, among: catalog.menus.map(\.label))
          collector.error(menu.position, "没有名为“\(parent)”的上级菜单\(advice)")
        }
        var seen: Set = [menu.label]
        var above: String? = parent
        while let current = above {
          if !seen.insert(current).inserted {
            collector.error(menu.position, "菜单“\(menu.label)”的上级绕了一圈")
            break
          }
          above = parents[current] ?? nil
        }
      }
      for item in menu.items { if let permission = item.permission { check(permission, at: item.position) } }
    }
  }

  // MARK: Tokens

  /// A token that names no field, or reads it as another type, is a fault of the program: the message is for developers.
  func check(_ token: FieldToken) {
    let place = SourcePosition(file: "Field(\(token.entity), \(token.name))", line: 1, column: 1)
    guard let entity = catalog.entity(token.entity) else {
      let advice = Suggestion.text(for: token.entity, among: catalog.entities.map(\.name))
      collector.error(place, "程序用到的实体“\(token.entity)”没有声明\(advice)")
      return
    }
    guard let field = entity.field(token.name) else {
      let advice = Suggestion.text(for: token.name, among: entity.fields.map(\.name))
      collector.error(place, "程序用到的字段“\(token.entity).\(token.name)”没有声明\(advice)")
      return
    }
    if !token.valueKinds.contains(field.valueKind) {
      collector.error(
        field.position,
        "程序把字段“\(token.entity).\(token.name)”当作 \(token.type)，声明却是 \(field.multiple ? "多值" : "")\(field.type.name)")
    }
  }
}

extension Expression {
  /// The text literals the expression can result in.
  var literalResults: [String] {
    func results(_ node: ExpressionNode) -> [String] {
      switch node {
      case .literal(.text(let text), _): [text]
      case .call(.if, let arguments, _): results(arguments[1]) + results(arguments[2])
      case .call(.coalesce, let arguments, _): arguments.flatMap(results)
      default: []
      }
    }
    return results(node)
  }
}
