import Access
import Core
import Entities
import HTTP
import YAML

/// A field as it stands in the form that designs registers, typed and not yet checked.
struct FieldSketch: Sendable, Hashable {
  var name = ""
  var label = ""
  var type = "text"
  var dictionary = ""
  var entity = ""
  var minimum = ""
  var maximum = ""
  var unit = ""
  var help = ""
  var classification = Classification.inner.name
  var mask = ""
  /// The ticked ones of ``flags``.
  var flags: Set<String> = []

  /// What can be ticked, in the order of the form.
  static let flags: [(name: String, label: String, detail: String)] = [
    ("required", "必填", "没有它就不能保存"), ("unique", "不得重复", "全表唯一，如编号"), ("multiple", "可多选", "只用于字典项、文件和图片"),
    ("encrypted", "加密存储", "数据库里只有密文，只能按完整内容查找"),
  ]

  /// The lists a field can stand in, as `list` and `into` name them.
  static let views: [(name: String, label: String, detail: String)] = [
    ("columns", "列表显示", "作为列表的一列"), ("filters", "可筛选", "放进列表的筛选条件"), ("search", "可搜索", "搜索框能按内容找到，只用于文本"),
  ]

  init() {}

  /// A first field, which is what records are called.
  static var title: FieldSketch {
    var sketch = FieldSketch()
    sketch.name = "name"
    sketch.label = "名称"
    sketch.flags = ["required", "columns", "search"]
    sketch.maximum = "100"
    return sketch
  }

  /// - Parameter prefix: what stands before the names of this field's inputs, such as `f0.`.
  init(_ form: FormData, prefix: String) {
    func text(_ name: String) -> String { TextForms.trimmed(form.first(prefix + name) ?? "") }
    name = text("name")
    label = text("label")
    type = text("type")
    dictionary = text("dictionary")
    entity = text("entity")
    minimum = text("min")
    maximum = text("max")
    unit = text("unit")
    help = text("help")
    classification = text("classification")
    mask = text("mask")
    flags = Set(form.all(prefix + "flags"))
  }

  /// Every input of the form with its value, to be carried through the preview.
  func inputs(prefix: String) -> [(name: String, value: String)] {
    let texts = [
      ("name", name), ("label", label), ("type", type), ("dictionary", dictionary), ("entity", entity),
      ("min", minimum), ("max", maximum), ("unit", unit), ("help", help), ("classification", classification),
      ("mask", mask),
    ]
    return texts.map { (prefix + $0.0, $0.1) } + flags.sorted().map { (prefix + "flags", $0) }
  }

  var isGeometry: Bool { ["point", "line", "polygon"].contains(type) }

  /// The field as a declaration says it.
  ///
  /// - Parameter isAddition: states the lists it stands in (`into`), since the entity's own `list` cannot.
  func yaml(isAddition: Bool) -> YAMLNode {
    var entries: [(String, YAMLNode)] = [("name", .string(name)), ("label", .string(label)), ("type", .plain(type))]
    func add(_ key: String, _ text: String) { if !text.isEmpty { entries.append((key, .string(text))) } }
    func addNumber(_ key: String, _ text: String) {
      if !text.isEmpty { entries.append((key, FixedDecimal(text) == nil ? .string(text) : .plain(text))) }
    }
    // What the type has no use for is written all the same when it was filled in, so that the check says so.
    add("dictionary", dictionary)
    add("entity", entity)
    for (flag, _, _) in FieldSketch.flags where flags.contains(flag) { entries.append((flag, .plain("true"))) }
    addNumber("min", minimum)
    addNumber("max", maximum)
    add("unit", unit)
    if classification != Classification.inner.name { add("classification", classification) }
    add("mask", mask)
    add("help", help)
    if !flags.contains("columns") { entries.append(("list", .plain("false"))) }
    let views = FieldSketch.views.map(\.name).filter(flags.contains)
    if isAddition, !views.isEmpty { entries.append(("into", .sequence(views.map { .plain($0) }))) }
    return .mapping(entries)
  }

  /// The input that holds what a key of the declaration says.
  static func input(of key: String) -> String {
    switch key {
    case "name", "label", "type", "dictionary", "entity", "min", "max", "unit", "help", "classification", "mask": key
    default: "flags"
    }
  }
}
