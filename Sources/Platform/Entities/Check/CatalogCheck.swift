import Access
import YAML

/// What a single declaration cannot know: whether everything it names exists, agrees and is safe (`lifang check`).
struct CatalogCheck {
  let catalog: Catalog
  let collector: FindingCollector

  init(_ catalog: Catalog, _ collector: FindingCollector) {
    self.catalog = catalog
    self.collector = collector
  }

  func run(tokens: [FieldToken]) {
    for entity in catalog.entities {
      fields(of: entity)
      references(of: entity)
      protection(of: entity)
      views(of: entity)
      statistics(of: entity)
      codes(in: entity)
    }
    plannable()
    uniqueLabels()
    for parameter in catalog.parameters { check(parameter) }
    roles()
    menus()
    for token in tokens { check(token) }
  }

  // MARK: Entities

  private func fields(of entity: EntityDeclaration) {
    let indexColumns = Set(entity.fields.compactMap(\.indexColumn))
    for field in entity.fields where indexColumns.contains(field.name) {
      collector.error(field.position, "字段“\(field.name)”与加密字段的检索列同名，请换一个名称")
    }
    for field in entity.fields where field.hidden {
      if field.required && field.defaultValue == nil && field.editable {
        collector.error(field.position, "字段“\(field.name)”被隐藏，但它必填又没有默认值，新记录将无法保存")
      }
      if field.name == entity.title {
        collector.error(field.position, "字段“\(field.name)”被隐藏，但它是实体“\(entity.name)”的 title")
      }
    }
    if catalog.permission(entity.name) != nil {
      collector.error(entity.position, "实体“\(entity.name)”与权限声明同名")
    }
    if let other = catalog.entities.first(where: { $0.historyTable == entity.name }) {
      collector.error(entity.position, "实体“\(entity.name)”与“\(other.name)”的历史表同名")
    }
  }

  private func references(of entity: EntityDeclaration) {
    for field in entity.fields {
      switch field.type {
      case .code(let name) where catalog.dictionary(name) == nil && !name.isEmpty:
        let advice = Suggestion.text(for: name, among: catalog.dictionaries.map(\.name))
        collector.error(field.position, "字段“\(field.name)”的字典“\(name)”不存在\(advice)")
      case .ref(let name) where !isTable(name) && !name.isEmpty:
        let advice = Suggestion.text(for: name, among: tables)
        collector.error(field.position, "字段“\(field.name)”关联的实体“\(name)”不存在\(advice)")
      default: break
      }
      if let gathering = field.gathering { check(gathering, as: field, of: entity) }
    }
    for tile in entity.workbench { if let permission = tile.permission { check(permission, at: tile.position) } }
    for link in entity.links { if let permission = link.permission { check(permission, at: link.position) } }
    for related in entity.related {
      guard let other = catalog.entity(related.entity) else {
        let advice = Suggestion.text(for: related.entity, among: catalog.entities.map(\.name))
        collector.error(related.position, "关联列表的实体“\(related.entity)”不存在\(advice)")
        continue
      }
      guard let field = other.field(related.field) else {
        let advice = Suggestion.text(for: related.field, among: other.fields.map(\.name))
        collector.error(related.position, "实体“\(other.name)”没有字段“\(related.field)”\(advice)")
        continue
      }
      for name in related.columns ?? [] where other.field(name)?.hidden != false {
        collector.error(related.position, "实体“\(other.name)”没有可以显示的字段“\(name)”")
      }
      if let by = related.by {
        let known = entity.field(by)
        if known?.isStored != true || known?.multiple == true || !field.isStored || field.multiple {
          collector.error(related.position, "关联列表用“\(by)”和“\(other.name).\(field.name)”对应，两边都要是存放单个值的字段")
        }
      } else if field.target != entity.name {
        collector.error(related.position, "“\(other.name).\(field.name)”不是指向“\(entity.name)”的关联字段")
      }
    }
    if let menu = entity.menu, !catalog.menus.contains(where: { $0.label == menu.group }) {
      let advice = Suggestion.text(for: menu.group, among: catalog.menus.map(\.label))
      collector.error(menu.position, "没有名为“\(menu.group)”的菜单\(advice)")
    }
  }

  private var tables: [String] {
    catalog.entities.map(\.name) + catalog.permissions.filter { $0.title != nil }.map(\.subject)
  }

  private func isTable(_ name: String) -> Bool {
    catalog.entity(name) != nil || catalog.permission(name)?.title != nil
  }

  // MARK: Protection

  /// Personal and classified data are masked, encrypted fields are not compared by content, personal entities have a
  /// scope (D2-570).
  private func protection(of entity: EntityDeclaration) {
    for field in entity.fields {
      if field.classification >= .sensitive, field.mask == nil, field.isStored || field.computed != nil {
        collector.error(
          field.position, "字段“\(field.name)”的分级是\(field.classification.label)，必须写明脱敏方式 mask")
      }
      if field.mask != nil, field.classification < .sensitive {
        collector.warning(
          field.position, "字段“\(field.name)”有 mask，但分级只是\(field.classification.label)，不会脱敏")
      }
      if field.encrypted, field.classification < .sensitive {
        collector.warning(field.position, "字段“\(field.name)”加密存储，但分级只是\(field.classification.label)")
      }
      if field.type == .residentID, field.classification < .sensitive {
        collector.error(field.position, "字段“\(field.name)”是居民身份证号，分级至少应是\(Classification.sensitive.label)")
      }
      if let formula = field.computed {
        let sources = formula.fields.compactMap { entity.field($0) }
        if let source = sources.max(by: { $0.classification < $1.classification }),
          source.classification >= .sensitive, source.classification > field.classification
        {
          collector.error(
            field.position,
            "计算字段“\(field.name)”由\(source.classification.label)字段“\(source.name)”算出，分级不能低于它")
        }
      }
    }
    if entity.personal, entity.scope.isEmpty {
      collector.error(entity.position, "实体“\(entity.name)”含个人信息，必须写明数据范围 scope")
    }
    if !entity.personal, let field = entity.fields.first(where: { $0.type == .residentID && !$0.encrypted }) {
      collector.warning(
        field.position, "实体“\(entity.name)”存有未加密的居民身份证号，请考虑 personal: true 或 encrypted: true")
    }
  }

  // MARK: Views

  private func views(of entity: EntityDeclaration) {
    for index in entity.indexes {
      for name in index.fields {
        guard let field = entity.field(name) else { continue }
        if field.encrypted && index.fields.count > 1 || field.type == .json || field.type == .longtext {
          let reason = field.encrypted ? "它是加密的" : "它是\(field.type.label)"
          collector.error(index.position, "字段“\(name)”不能放进索引：\(reason)")
        }
        if field.type.isGeometry, index.fields.count > 1 || index.unique {
          collector.error(index.position, "图形字段“\(name)”只能单独建索引")
        }
      }
      if entity.indexes.contains(where: { $0.fields == index.fields && $0.position < index.position }) {
        collector.warning(index.position, "索引（\(index.fields.joined(separator: "、"))）重复")
      }
    }
    if let map = entity.map, let label = map.label, let field = entity.field(label), field.classification >= .sensitive
    {
      collector.error(map.position, "地图标注用了\(field.classification.label)字段“\(label)”")
    }
    for action in entity.actions {
      for name in action.ask + action.set.map(\.field) where FieldDeclaration.systemNames.contains(name) {
        collector.error(action.position, "操作“\(action.name)”不能写系统字段“\(name)”")
      }
      if let name = Set(action.ask).intersection(action.set.map(\.field)).min() {
        collector.error(action.position, "操作“\(action.name)”又让人填写又自动设置字段“\(name)”")
      }
      if action.ask.isEmpty, action.set.isEmpty, action.page == nil {
        collector.warning(action.position, "操作“\(action.name)”什么也不改")
      }
    }
    if let title = entity.field(entity.title), title.classification > .sensitive {
      collector.error(entity.position, "title 字段“\(title.name)”的分级是\(title.classification.label)，会随引用到处显示")
    }
  }

  // MARK: Codes in expressions

  private func codes(in entity: EntityDeclaration) {
    var expressions: [Expression] = entity.rules.map(\.check)
    expressions += entity.scope.rules.values
    expressions += entity.form.compactMap(\.visible)
    for field in entity.fields {
      expressions += [field.computed, field.visible, field.requiredWhen].compactMap(\.self)
      if let value = field.defaultValue { assigned(value, to: field) }
    }
    for assignment in entity.plannable?.set ?? [] {
      expressions.append(assignment.value)
      if let field = entity.field(assignment.field) { assigned(assignment.value, to: field) }
    }
    for action in entity.actions {
      if let when = action.when { expressions.append(when) }
      for assignment in action.set {
        expressions.append(assignment.value)
        if let field = entity.field(assignment.field) { assigned(assignment.value, to: field) }
      }
    }
    for expression in expressions {
      for use in expression.codes { check(use.code, of: use.dictionary, at: expression.position) }
    }
  }

  private func assigned(_ expression: Expression, to field: FieldDeclaration) {
    guard let dictionary = field.dictionary else { return }
    for code in expression.literalResults { check(code, of: dictionary, at: expression.position) }
  }

  private func check(_ code: String, of dictionary: String, at position: SourcePosition) {
    guard let declared = catalog.dictionary(dictionary), declared.code(code) == nil else { return }
    let advice = Suggestion.text(for: code, among: declared.codes.map(\.code))
    collector.error(position, "字典“\(dictionary)”没有编码“\(code)”\(advice)")
  }
}
