import Access
import YAML

/// A field whose keys are read but whose expressions are not yet checked, since they may use every other field.
struct FieldDraft {
  let name: String
  let label: String
  let type: FieldType
  let multiple: Bool
  let encrypted: Bool
  let reader: MappingReader

  static let keys = [
    "name", "label", "type", "dictionary", "entity", "multiple", "required", "unique", "min", "max", "default",
    "computed", "visible", "required_when", "classification", "mask", "encrypted", "help", "unit", "editable", "list",
    "hidden", "after", "picture", "portrait", "gathered", "raised_from",
  ]

  init?(_ node: YAMLNode, _ collector: FindingCollector) {
    let what = node["name"]?.text.map { "字段“\($0)”" } ?? "字段"
    let reader = MappingReader(node, what, keys: FieldDraft.keys, collector)
    guard let name = reader.name("name") else { return nil }
    if DeclarationName.reservedFields.contains(name) {
      collector.error(reader.place("name"), "字段不能叫“\(name)”：这个名称由系统保留")
      return nil
    }
    self.name = name
    self.reader = reader
    label = reader.label(fallback: name)
    multiple = reader.flag("multiple", default: false)
    encrypted = reader.flag("encrypted", default: false)
    type = FieldType.read(reader) ?? .text
    if multiple, !type.allowsMultiple {
      collector.error(reader.place("multiple"), "\(type.label)字段不能有多个值，只有字典项、文件和图片可以")
    }
  }

  var isComputed: Bool { reader.has("computed") }
  var isGathered: Bool { reader.has("gathered") }

  var symbol: ExpressionSymbol {
    ExpressionSymbol(
      name: name, label: label, type: type, multiple: multiple && type.allowsMultiple, encrypted: encrypted)
  }

  /// The field with its expressions checked in `scope`.
  func declaration(in scope: ExpressionScope) -> FieldDeclaration {
    let collector = reader.collector
    let isText = type.hasLength && !multiple
    let limits = self.limits(isText)
    let classification = classification()
    let field = FieldDeclaration(
      name: name, label: label, type: type, multiple: isGathered || multiple && type.allowsMultiple,
      required: reader.flag("required", default: false), unique: reader.flag("unique", default: false),
      minimum: limits.minimum, maximum: limits.maximum, maximumLength: limits.length,
      defaultValue: reader.node("default").flatMap {
        ExpressionReader.expression($0, "\(reader.what)的默认值", scope, collector)
      },
      computed: scope.formulas[name], gathering: gathering(), visible: condition("visible", scope),
      requiredWhen: condition("required_when", scope), classification: classification,
      raisedFrom: reader.text("raised_from").flatMap(Classification.init(name:)),
      mask: mask(classification), encrypted: encrypted,
      help: reader.text("help"), unit: reader.text("unit", limit: 20),
      editable: reader.flag("editable", default: !isComputed && !isGathered),
      listed: reader.flag("list", default: true),
      hidden: reader.flag("hidden", default: false), picture: reader.flag("picture", default: false),
      portrait: reader.flag("portrait", default: false), position: reader.position)
    check(field)
    return field
  }

  /// `{register: user_role, field: user_id, show: role_id, rule: in_force}`; the names are proved by the catalog's check.
  private func gathering() -> Gathering? {
    guard let source = reader.mapping("gathered", "汇集", keys: ["register", "field", "show", "rule"]),
      let register = source.name("register"), let field = source.name("field"), let shown = source.name("show")
    else { return nil }
    return Gathering(
      register: register, field: field, shown: shown, rule: source.has("rule") ? source.name("rule") : nil,
      position: source.position)
  }

  private func condition(_ key: String, _ scope: ExpressionScope) -> Expression? {
    reader.node(key).flatMap { ExpressionReader.condition($0, "\(reader.what)的 \(key)", scope, reader.collector) }
  }

  private func classification() -> Classification {
    guard let name = reader.text("classification") else { return .inner }
    if let classification = Classification(name: name) { return classification }
    let names = Classification.allCases.map(\.name)
    reader.collector.error(
      reader.place("classification"),
      "分级不能是“\(name)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: name, among: names))")
    // The cautious reading: nobody sees it by mistake while the declaration is wrong.
    return .secret
  }

  /// The declared mask; a classified reference has no part that could be shown, so it is hidden without being told.
  private func mask(_ classification: Classification) -> FieldDeclaration.Mask? {
    let mask = reader.choice("mask", FieldDeclaration.Mask.self)
    if let mask, mask != .all, type.valueKind != .text || multiple {
      reader.collector.error(reader.place("mask"), "\(reader.what)不是文本，脱敏方式只能是 all")
    }
    return mask ?? (type.isReference && classification >= .sensitive ? .all : nil)
  }

  /// `max` counts characters of texts and bounds numbers.
  private func limits(_ isText: Bool) -> (minimum: FixedDecimal?, maximum: FixedDecimal?, length: Int?) {
    if isText {
      if reader.has("min") { reader.collector.error(reader.place("min"), "\(reader.what)是文本，没有 min") }
      return (nil, nil, reader.integer("max", in: 1...1_000_000))
    }
    guard type == .integer || type == .decimal || type == .money else {
      for key in ["min", "max"] where reader.has(key) {
        reader.collector.error(reader.place(key), "\(reader.what)的类型是\(type.label)，没有 \(key)")
      }
      return (nil, nil, nil)
    }
    let minimum = reader.number("min")
    let maximum = reader.number("max")
    if let minimum, let maximum, minimum > maximum {
      reader.collector.error(reader.place("min"), "\(reader.what)的 min 大于 max")
    }
    return (minimum, maximum, nil)
  }

  private func checkGathered() {
    let collector = reader.collector
    if !type.isReference { collector.error(reader.place("type"), "汇集字段“\(name)”的类型应是 ref，并写明汇集的是哪个实体的记录") }
    let forbidden = [
      "computed", "multiple", "required", "unique", "default", "required_when", "encrypted", "min", "max",
    ]
    for key in forbidden where reader.has(key) { collector.error(reader.place(key), "汇集字段“\(name)”不能有 \(key)") }
    if reader.node("editable")?.bool == true { collector.error(reader.place("editable"), "汇集字段“\(name)”不能编辑") }
  }

  private func check(_ field: FieldDeclaration) {
    let collector = reader.collector
    if let value = field.defaultValue {
      if !value.fits(field) {
        collector.error(
          reader.place("default"), "\(reader.what)的默认值是\(value.type.label)，应是\(field.type.label)")
      }
      if !value.fields.isEmpty { collector.error(reader.place("default"), "\(reader.what)的默认值不能引用其他字段") }
    }
    if field.portrait, type != .image || field.multiple {
      collector.error(reader.place("portrait"), "\(reader.what)不能是人像：应是只放一张的图片")
    }
    if field.picture, type != .text || encrypted {
      collector.error(reader.place("picture"), "\(reader.what)不能显示为图片：应是不加密的文本，内容是图片的路径")
    }
    if isComputed {
      for key in ["required", "unique", "default", "required_when", "encrypted", "min", "max"] where reader.has(key) {
        collector.error(reader.place(key), "计算字段“\(name)”不能有 \(key)")
      }
      if reader.node("editable")?.bool == true {
        collector.error(reader.place("editable"), "计算字段“\(name)”不能编辑")
      }
      if let formula = field.computed, !formula.fits(field) {
        let advice = formula.type == .decimal && type == .integer ? "，取整请用 round(…)" : ""
        collector.error(
          reader.place("computed"), "计算字段“\(name)”的结果是\(formula.type.label)，应是\(type.label)\(advice)")
      }
    }
    if isGathered { checkGathered() }
    if encrypted, type.isGeometry || type == .file || type == .image || type == .json || type.isReference {
      collector.error(reader.place("encrypted"), "\(type.label)字段不能加密存储")
    }
    if field.unique, field.multiple || type.isGeometry || type == .json || type == .longtext {
      collector.error(reader.place("unique"), "\(field.multiple ? "多值" : type.label)字段不能要求唯一")
    }
    if field.required, reader.has("required_when") {
      collector.warning(reader.place("required_when"), "\(reader.what)总是必填，required_when 不起作用")
    }
  }
}

extension FieldType {
  /// Reads `type` with `dictionary` or `entity`; reports and returns `nil` when they do not name a type.
  static func read(_ reader: MappingReader) -> FieldType? {
    let collector = reader.collector
    guard let name = reader.text("type") else {
      if !reader.has("type") { collector.error(reader.position, "\(reader.what)缺少 type") }
      return nil
    }
    if name != "code", reader.has("dictionary") {
      collector.error(reader.place("dictionary"), "\(reader.what)的类型不是 code，不能有 dictionary")
    }
    if name != "ref", reader.has("entity") {
      collector.error(reader.place("entity"), "\(reader.what)的类型不是 ref，不能有 entity")
    }
    switch name {
    case "code": return .code(dictionary: reader.name("dictionary") ?? "")
    case "ref": return .ref(entity: reader.name("entity") ?? "")
    default:
      if let type = plain[name] { return type }
      collector.error(
        reader.place("type"),
        "没有类型“\(name)”（可用：\(names.joined(separator: " "))）\(Suggestion.text(for: name, among: names))")
      return nil
    }
  }

  private static let plain: [String: FieldType] = {
    let types: [FieldType] = [
      .text, .longtext, .integer, .decimal, .money, .boolean, .date, .instant, .residentID, .creditCode, .phone,
      .division,
      .point, .line, .polygon, .file, .image, .json,
    ]
    return Dictionary(types.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }()

  /// Whether `max` counts characters.
  var hasLength: Bool { self == .text || self == .longtext }

  var isReference: Bool { if case .ref = self { true } else { false } }
}
