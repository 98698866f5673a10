import Access
import Core
import Entities
import HTML
import Shell

/// The form that designs a register or a field, made of typed controls.
struct RegisterForm {
  let sketch: RegisterSketch
  let catalog: Catalog
  let errors: [FieldError]
  /// Where it is sent.
  let path: String
  let cancelPath: String

  var html: HTML {
    var sections: [Shell.FormSection] = []
    if sketch.extended == nil { sections.append(basics) }
    for index in sketch.fields.indices { sections.append(section(index)) }
    var others: [Action] = []
    if sketch.extended == nil, sketch.fields.count < RegisterSketch.maximumFields {
      others.append(Action("再加一个字段", .submit(name: "step", value: "field"), icon: .plus, takesIncomplete: true))
    }
    return FormView(
      path: path, sections: sections, errors: errors,
      submit: Action("检查并预览", .submit(name: "step", value: "check"), style: .primary), others: others,
      cancelPath: cancelPath, hidden: [HiddenField("fields", String(sketch.fields.count))],
      draftKey: path, note: "预览时能看到声明、检查结果和将对数据库做的事，确认后才生效。"
    ).html
  }

  private func error(_ name: String) -> String? { errors.first { $0.field == name }?.message }

  private func text(
    _ name: String, _ label: String, _ value: String, _ traits: Control.TextTraits, isRequired: Bool = false,
    help: String? = nil
  ) -> Shell.Field {
    Shell.Field(name, label, .text(value, traits), isRequired: isRequired, help: help, error: error(name))
  }

  // MARK: The register

  private var basics: Shell.FormSection {
    let menus = catalog.menus.map { Choice($0.label, $0.label) }
    let fields = [
      text("label", "名称", sketch.label, .init(maximum: 60), isRequired: true, help: "人看到的叫法，如“便民服务点”。"),
      text(
        "name", "代号", sketch.name, .init(maximum: 50, width: 20, isCode: true), isRequired: true,
        help: "小写字母、数字和下划线，以字母开头，如 service_point；也是数据表和接口的名称，以后不能改。"),
      text("help", "说明", sketch.help, .init(maximum: 200), help: "显示在列表标题下。"),
      Shell.Field("menu", "放进菜单", .select(sketch.menu, menus, blank: "不放进菜单"), error: error("menu")),
      Shell.Field(
        "personal", "个人信息", .checkbox(sketch.isPersonal, caption: "含个人信息：数据库逐行限制可见范围，每次查看都记入审计"),
        error: error("personal")),
    ]
    return Shell.FormSection(id: "basics", "登记表", hasErrors: fields.contains { $0.error != nil }) {
      firstButton
      fields
    }
  }

  /// Enter in a text field presses a form's first button; this keeps it from being the one that drops a field.
  private var firstButton: HTML {
    button(
      .class("visually-hidden"), .type("submit"), .name("step"), .value("check"), .tabindex(-1), .aria(.hidden, true)
    ) { "检查并预览" }
  }

  // MARK: One field

  private func section(_ index: Int) -> Shell.FormSection {
    let field = sketch.fields[index]
    let rows = controls(field, "f\(index).")
    let title = sketch.extended == nil ? "字段 \(index + 1)\(field.label.isEmpty ? "" : "：\(field.label)")" : "新字段"
    return Shell.FormSection(id: "field-\(index)", title, hasErrors: rows.contains { $0.error != nil }) {
      if sketch.extended != nil { firstButton }
      rows
      if sketch.fields.count > 1 {
        Action(
          "去掉字段 \(index + 1)", .submit(name: "step", value: "drop.\(index)"), style: .quiet, icon: .trash,
          takesIncomplete: true)
      }
    }
  }

  private func controls(_ field: FieldSketch, _ prefix: String) -> [Shell.Field] {
    func named(_ name: String) -> String { prefix + name }
    let types = FieldSketch.types.map { Choice($0.name, $0.label) }
    let dictionaries = catalog.dictionaries.map { Choice($0.name, $0.label) }
    let entities = catalog.entities.map { Choice($0.name, $0.label) }
    let classifications = Classification.allCases.map { Choice($0.name, $0.label) }
    return [
      text(named("label"), "名称", field.label, .init(maximum: 60), isRequired: true),
      text(
        named("name"), "字段名", field.name, .init(maximum: 50, width: 20, isCode: true), isRequired: true,
        help: "小写字母、数字和下划线，以字母开头；以后不能改。"),
      Shell.Field(
        named("type"), "类型", .select(field.type, types, blank: nil), isRequired: true, help: "以后不能改。",
        error: error(named("type"))),
      Shell.Field(
        named("dictionary"), "字典", .select(field.dictionary, dictionaries, blank: "不用字典"), help: "类型为字典项时选。",
        error: error(named("dictionary"))),
      Shell.Field(
        named("entity"), "关联登记表", .select(field.entity, entities, blank: "不关联"), help: "类型为关联记录时选。",
        error: error(named("entity"))),
      Shell.Field(
        named("flags"), "要求和显示",
        .checkboxes(
          field.flags, (FieldSketch.flags + FieldSketch.views).map { Choice($0.name, $0.label, detail: $0.detail) }),
        error: error(named("flags"))),
      text(named("min"), "最小值", field.minimum, .init(maximum: 20, inputMode: "decimal", width: 10), help: "只用于数和金额。"),
      text(
        named("max"), "最大值或最多字数", field.maximum, .init(maximum: 20, inputMode: "decimal", width: 10),
        help: "数和金额的上限；文本最多几个字。"),
      text(named("unit"), "单位", field.unit, .init(maximum: 20, width: 8), help: "如 ㎡、层、元。"),
      Shell.Field(
        named("classification"), "数据级别", .select(field.classification, classifications, blank: nil),
        help: "敏感和机密要写明脱敏方式；身份证号至少敏感。", error: error(named("classification"))),
      Shell.Field(
        named("mask"), "脱敏方式", .select(field.mask, FieldSketch.masks, blank: "不脱敏"), error: error(named("mask"))),
      text(named("help"), "填写说明", field.help, .init(maximum: 200)),
    ]
  }
}

extension FieldSketch {
  /// The types to choose from.
  static let types: [(name: String, label: String)] = {
    let types: [FieldType] = [
      .text, .longtext, .integer, .decimal, .money, .boolean, .date, .instant, .code(dictionary: ""), .ref(entity: ""),
      .residentID, .creditCode, .phone, .division, .point, .line, .polygon, .file, .image, .json,
    ]
    return types.map { ($0.name, $0.label) }
  }()

  static let masks: [Choice] = FieldDeclaration.Mask.allCases.map { mask in
    switch mask {
    case .name: Choice(mask.rawValue, "姓名", detail: "张*")
    case .phone: Choice(mask.rawValue, "电话 138****5678")
    case .id: Choice(mask.rawValue, "证件号 511702********1234")
    case .address: Choice(mask.rawValue, "地址，门牌以后不显示")
    case .all: Choice(mask.rawValue, "全部不显示")
    }
  }
}
