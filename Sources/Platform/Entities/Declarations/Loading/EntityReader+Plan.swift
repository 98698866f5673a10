import Access
import YAML

extension EntityReader {
  /// `plannable: {fields: […], assignee: user_id, day: on_date, from: starts_at, until: ends_at, set: {…}, action: dispatch}`.
  func plannable() -> PlanRole? {
    let keys = ["fields", "assignee", "day", "from", "until", "set", "action"]
    guard let own = reader.mapping("plannable", "plannable", keys: keys) else { return nil }
    if reader.flag("personal", default: false) || reader.has("attached_to") {
      collector.error(own.position, "含个人信息的和附属的登记表不能按计划生成（plannable）")
    }
    let role = PlanRole(
      fields: fields.names(own, "fields", stored: true), assignee: fields.name(own, "assignee", stored: true),
      day: fields.name(own, "day", stored: true), from: fields.name(own, "from", stored: true),
      until: fields.name(own, "until", stored: true), set: assignments(own),
      action: own.text("action"), position: own.position)
    for name in role.fields { checkFilled(name, role, own) }
    wanted("assignee", role.assignee, own, "指向 app_user 的关联字段") { $0.target == "app_user" }
    wanted("day", role.day, own, "日期字段") { $0.type == .date }
    wanted("from", role.from, own, "时间字段") { $0.type == .instant }
    wanted("until", role.until, own, "时间字段") { $0.type == .instant }
    let known = role.given.union(role.fields).union([reader.node("scope")?["unit"]?.text].compactMap(\.self))
    for field in fields.fields
    where field.required && field.isStored && field.defaultValue == nil && !known.contains(field.name) {
      collector.error(own.position, "plannable 没有说必填字段“\(field.name)”从哪里来，计划生成的记录将无法保存")
    }
    return role
  }

  /// What a plan fills in stands in the plan as text, for everybody who sees the plan.
  private func checkFilled(_ name: String, _ role: PlanRole, _ own: MappingReader) {
    guard let field = fields.fields.first(where: { $0.name == name }) else { return }
    if role.given.contains(name) {
      collector.error(own.place("fields"), "字段“\(name)”由计划自己填，不能再写进 plannable 的 fields")
    }
    if field.encrypted || field.classification >= .sensitive {
      collector.error(own.place("fields"), "字段“\(name)”是\(field.classification.label)数据，不能写在计划里")
    }
    switch field.type {
    case .file, .image, .json, .point, .line, .polygon:
      collector.error(own.place("fields"), "字段“\(name)”是\(field.type.label)，不能写在计划里")
    default: break
    }
  }

  private func wanted(
    _ key: String, _ name: String?, _ own: MappingReader, _ kind: String, _ fits: (FieldDeclaration) -> Bool
  ) {
    guard let name, let field = fields.fields.first(where: { $0.name == name }), !fits(field) else { return }
    collector.error(own.place(key), "plannable 的 \(key) 应是\(kind)，“\(name)”不是")
  }
}
