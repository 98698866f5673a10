import Core
import Entities
import Foundation
import Testing
import YAML

@Suite struct CheckFindingTests {
  /// An entity with one field, and `more` keys after it; the field stands in line 4.
  static func entity(_ field: String, _ more: String = "") -> String {
    "entity: thing\nlabel: 事物\nfields:\n  - \(field)\n\(more)"
  }

  static let plain = "{name: name, label: 名称, type: text}"

  @Test(arguments: [
    // Keys, names and types.
    (entity("{name: name, lable: 名称, type: text}"), "4:18", "是不是“label”"),
    (entity("{name: Name, label: 名称, type: text}"), "4:12", "小写字母"),
    (entity("{name: id, label: 名称, type: text}"), "4:12", "由系统保留"),
    (entity("{name: valid_from, label: 名称, type: date}"), "4:12", "由系统保留"),
    (entity("{name: a, label: 甲, type: txet}"), "4:31", "是不是“text”"),
    (entity("{name: a, label: 甲}"), "4:5", "缺少 type"),
    (entity("{name: a, label: 甲, type: text, max: long}"), "4:42", "整数"),
    (entity("{name: a, label: 甲, type: text, min: 1}"), "4:42", "没有 min"),
    (entity("{name: a, label: 甲, type: date, max: 3}"), "4:42", "没有 max"),
    (entity("{name: a, label: 甲, type: integer, min: 9, max: 3}"), "4:45", "min 大于 max"),
    (entity("{name: a, label: 甲, type: text, required: yes}"), "4:47", "true 或 false"),
    (entity("{name: a, label: 甲, type: text, dictionary: facility}"), "4:49", "不是 code"),
    (entity("{name: a, label: 甲, type: integer, multiple: true}"), "4:50", "不能有多个值"),
    (entity(plain, "  - {name: name, label: 又名, type: text}\n"), "5:12", "重复"),
    (entity(plain, "  - {name: b, label: 名称, type: text}\n"), "5:22", "同名"),
    ("entity: thing\nlabel: 事物\n", "1:1", "至少要有一个字段"),
    ("thing: x\n", "1:1", "看不出"),
    ("entity: thing\nrole: x\nlabel: 事物\n", "2:1", "一个文件只能"),
    ("- a\n", "1:1", "键值对"),
    // References and codes.
    (entity("{name: a, label: 甲, type: code, dictionary: facilty}"), "4:5", "是不是“facility”"),
    (entity("{name: a, label: 甲, type: ref, entity: dweling}"), "4:5", "是不是“dwelling”"),
    (entity("{name: a, label: 甲, type: code, dictionary: facility, default: \"'sofa'\"}"), "4:69", "没有编码“sofa”"),
    (
      entity(
        "{name: a, label: 甲, type: code, dictionary: facility}",
        "rules: [{check: \"a in ('bed', 'sofa')\", message: x}]"),
      "5:18", "没有编码“sofa”"
    ),
    (
      entity(plain, "detail: {related: [{entity: dwelling, field: manager_id, label: 房源}]}"), "5:20", "不是指向“thing”"
    ),
    (entity(plain, "detail: {related: [{entity: dwelling, field: nobody, label: 房源}]}"), "5:20", "没有字段“nobody”"),
    (entity(plain, "menu: {group: 房源管里}"), "5:7", "是不是“房源管理”"),
    // Plans by the calendar.
    (entity("{name: a, label: 甲, type: text, required: true}", "plannable: {fields: []}"), "5:12", "必填字段“a”"),
    (entity(plain, "plannable: {fields: [name], day: name}"), "5:34", "应是日期字段"),
    (entity(plain, "plannable: {fields: [name], set: {name: \"'x'\"}}"), "5:21", "不能再写进"),
    (entity(plain, "plannable: {fields: [name]}"), "5:12", "周期计划里"),
    (
      entity(
        plain, "actions: [{name: go, label: 办, set: {name: \"'x'\"}}]\nplannable: {fields: [], set: {name: \"'x'\"}}"),
      "6:12", "要用 action 写明"
    ),
    (
      entity(
        plain,
        "actions: [{name: go, label: 办, set: {name: \"'x'\"}}]\nplannable: {fields: [], set: {name: \"'x'\"}, action: gone}"
      ),
      "6:12", "不是 set 所办的操作"
    ),
    // Views.
    (entity(plain, "title: nmae"), "5:8", "是不是“name”"),
    (entity(plain, "list: {columns: [name, nmae]}"), "5:24", "是不是“name”"),
    (entity(plain, "list: {columns: [name, name]}"), "5:17", "重复"),
    (entity(plain, "list: {filters: [nmae]}"), "5:18", "没有名为"),
    (entity(plain, "list: {sort: -nmae}"), "5:14", "没有名为"),
    (entity(plain, "list: {page: 5}"), "5:14", "10 到 500"),
    (entity(plain, "form: {sections: [{label: 一, fields: [nmae]}]}"), "5:39", "是不是“name”"),
    (entity(plain, "form: {sections: [{label: 一, fields: [name]}, {label: 二, fields: [name]}]}"), "5:66", "两次"),
    (entity(plain, "indexes: [[nmae]]"), "5:12", "没有名为"),
    (entity(plain, "indexes: [name]"), "5:11", "字段名的列表"),
    (entity(plain, "numbering: {field: name, pattern: \"A{yaer}{seq:4}\"}"), "5:38", "没有名为“yaer”"),
    (entity(plain, "numbering: {field: name, pattern: \"A{year}\"}"), "5:36", "恰好有一个序号"),
    (entity(plain, "numbering: {field: name, pattern: \"A{seq\"}"), "5:37", "没有对应"),
    (entity(plain, "map: {geometry: name}"), "5:17", "不能用字段“name”"),
    (entity(plain, "statistics: {by: [name], measures: [\"sum(name)\"]}"), "5:37", "不能求 sum"),
    (entity(plain, "statistics: {by: [name], measures: [total]}"), "5:37", "看不懂统计量"),
    (entity(plain, "statistics: {by: [nmae]}"), "5:19", "没有名为"),
    (entity(plain, "statistics: {by: [name], time: name}"), "5:32", "不能作统计时间"),
    (entity(plain, "statistics: {by: [name], views: [{name: a, by: code}]}"), "5:48", "应是 by 里的一个维度"),
    (entity(plain, "statistics: {by: [name], measures: [{label: 甲, count: nmae=1}]}"), "5:55", "没有名为"),
    (entity(plain, "actions: [{name: view, label: 看}]"), "5:18", "每个实体都有"),
    (entity(plain, "actions: [{name: go, label: 去, set: {nmae: 1}}]"), "5:38", "没有名为"),
    (entity(plain, "actions: [{name: go, label: 去, set: {name: 1}}]"), "5:44", "不能存入"),
    (entity(plain, "actions: [{name: go, label: 去, set: {version: 1}}]"), "5:11", "系统字段"),
    (entity(plain, "scope: {division: name, unit: name}"), "5:31", "不能用字段“name”"),
    // Expressions.
    (entity("{name: a, label: 甲, type: integer, visible: \"a >> 1\"}"), "4:53", "这里应有一个值"),
    (entity("{name: a, label: 甲, type: integer, visible: a + 1}"), "4:49", "应是条件"),
    (entity("{name: a, label: 甲, type: integer, computed: \"a + 1\"}"), "4:50", "用到了它自己"),
    (entity("{name: a, label: 甲, type: integer, computed: 1 / 2}"), "4:50", "round"),
    (entity("{name: a, label: 甲, type: integer, computed: 1, required: true}"), "4:63", "不能有 required"),
    (entity("{name: a, label: 甲, type: date, default: 3}"), "4:46", "应是日期"),
    (entity(plain, "rules: [{check: \"nmae != ''\", message: x}]"), "5:18", "是不是“name”"),
    (entity(plain, "rules: [{check: \"name != ''\"}]"), "5:9", "缺少 message"),
    // Protection.
    (entity("{name: a, label: 甲, type: text, classification: sensitive}"), "4:5", "脱敏方式"),
    (entity("{name: a, label: 甲, type: text, mask: hide}"), "4:43", "可用：name"),
    (entity("{name: a, label: 甲, type: date, classification: sensitive, mask: phone}"), "4:70", "只能是 all"),
    (entity("{name: a, label: 甲, type: resident_id}"), "4:5", "分级至少"),
    (
      entity(
        "{name: a, label: 甲, type: text, classification: secret, mask: all, encrypted: true}", "list: {search: [a]}"),
      "5:17", "不能放进 search"
    ),
    (
      entity("{name: a, label: 甲, type: text, classification: secret, mask: all, encrypted: true}", "list: {sort: a}"),
      "5:14", "不能按字段"
    ),
    (
      entity("{name: a, label: 甲, type: text, classification: secret, mask: all}", "list: {search: [a]}"), "5:17",
      "不能放进 search"
    ),
    (
      entity(
        "{name: a, label: 甲, type: date, classification: secret, mask: all}",
        "  - {name: b, label: 乙, type: integer, computed: year(a)}\n"),
      "5:5", "分级不能低于"
    ),
    (
      entity(
        "{name: a, label: 甲, type: text, classification: secret, mask: all, encrypted: true}",
        "  - {name: b, label: 乙, type: integer, computed: length(a)}\n"),
      "5:50", "加密字段"
    ),
    (entity(plain, "personal: true"), "1:1", "必须写明数据范围"),
    (entity("{name: a, label: 甲, type: text, portrait: true}"), "4:47", "不能是人像"),
    (entity(plain, "workbench: [{label: 待审, permission: nothing.approve}]"), "5:13", "nothing"),
  ])
  func everyFaultIsFoundWhereItIs(_ text: String, _ place: String, _ word: String) {
    let findings = Samples.findings(text)
    #expect(
      findings.contains { $0.description.hasPrefix("t.yaml:\(place): 错误") && $0.message.contains(word) },
      "\(findings.map(\.description).joined(separator: "\n"))")
  }

  @Test(arguments: [
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: dweling.view, scope: all}\n", "4:18", "是不是“dwelling”"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: dwelling.vew, scope: all}\n", "4:18", "是不是“view”"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: dwelling, scope: all}\n", "4:18", "实体.操作"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: dwelling.view, scope: every}\n", "4:40", "没有数据范围"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: dwelling.view}\n", "4:5", "缺少 scope"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: tenant.view, scope: unit}\n", "4:18", "没有 scope.unit"),
    ("role: clerk\nlabel: 员\ngrants:\n  - {permission: tenant.view, scope: {rule: mine}}\n", "4:18", "规则“mine”"),
    (
      "role: clerk\nlabel: 员\ngrants:\n  - {permission: tenant.view, scope: {division: [\"510000\"]}}\n", "4:50",
      "去掉末尾零"
    ),
    ("role: clerk\nlabel: 住保窗口\ngrants:\n  - {permission: map.view, scope: all}\n", "1:1", "同名"),
    ("role: clerk\nlabel: 员\nexclusive: [boss]\ngrants: []\n", "1:1", "互斥角色"),
    ("role: clerk\nlabel: 员\nclearance: top\ngrants: []\n", "3:12", "分级不能是"),
    ("menu: m\nlabel: 甲\nparent: 乙\n", "1:1", "上级菜单"),
    ("menu: m\nlabel: 甲\nitems: [{label: x, path: map}]\n", "3:26", "以一个 / 开头"),
    ("menu: m\nlabel: 甲\nitems: [{label: x, path: /map, permission: map.edit}]\n", "3:9", "没有操作“edit”"),
    ("dictionary: d\nlabel: 甲\ncodes: [{code: a, label: 一}, {code: a, label: 二}]\n", "3:30", "重复"),
    ("dictionary: d\nlabel: 甲\ncodes: [{code: a, label: 一}, {code: b, label: 一}]\n", "3:30", "同名"),
    ("dictionary: d\nlabel: 甲\ncodes: [{code: a, label: 一, parent: b}]\n", "3:9", "上级编码“b”不存在"),
    (
      "dictionary: d\nlabel: 甲\ncodes: [{code: a, label: 一, parent: b}, {code: b, label: 二, parent: a}]\n", "3:9",
      "绕了一圈"
    ),
    (
      "parameters: p\nlabel: 甲\nitems: [{name: n, label: 一, type: integer, default: 900, min: 1, max: 9}]\n", "3:53",
      "不能大于 9"
    ),
    (
      "parameters: p\nlabel: 甲\nitems: [{name: n, label: 一, type: code, dictionary: facility, default: sofa}]\n", "3:9",
      "没有编码"
    ),
    ("parameters: p\nlabel: 甲\nitems: [{name: n, label: 一, type: point, default: x}]\n", "3:35", "参数不能是点"),
  ])
  func rolesMenusDictionariesAndParametersAreCheckedToo(_ text: String, _ place: String, _ word: String) {
    let findings = Samples.findings(text)
    #expect(
      findings.contains { $0.description.hasPrefix("t.yaml:\(place): 错误") && $0.message.contains(word) },
      "\(findings.map(\.description).joined(separator: "\n"))")
  }

  @Test func formulasThatReferToEachOtherAreRefused() {
    let text = CheckFindingTests.entity(
      "{name: a, label: 甲, type: integer, computed: b + 1}", "  - {name: b, label: 乙, type: integer, computed: a + 1}\n"
    )
    let findings = Samples.findings(text)
    #expect(findings.count { $0.message.contains("互相引用") } == 1)
    #expect(findings.allSatisfy { $0.message.contains("互相引用") || $0.message.contains("title") })
  }

  @Test func aLongChainOfFormulasIsBounded() {
    var fields = "{name: f0, label: 零, type: integer}\n"
    for index in 1...20 {
      fields += "  - {name: f\(index), label: 第\(index), type: integer, computed: f\(index - 1) + f\(index - 1)}\n"
    }
    let findings = Samples.findings(CheckFindingTests.entity(String(fields.dropLast())))
    #expect(findings.contains { $0.message.contains("太大") })
  }

  @Test func declarationsWhereNobodyReadsThemAreReported() throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "lifang-check-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in [
      ("a/entities/thing.yaml", "entity: thing\nlabel: 事物\nfields: [{name: name, label: 名称, type: text}]\n"),
      ("a/entities/other.yaml", "entity: wrong\nlabel: 别的\nfields: [{name: name, label: 名称, type: text}]\n"),
      ("a/entity/lost.yaml", "# lost\nentity: lost\n"), ("a/dictionaries/d.yml", "dictionary: d\n"),
      ("a/roles/thing.yaml", "menu: thing\nlabel: 甲\n"),
      ("a/rules/business.yaml", "rule: 1\n"), ("a/stray.yaml", "role: stray\n"), ("notes.txt", "x"),
    ] {
      let file = root.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let findings = CatalogReading(resources: root.path(percentEncoded: false)).findings
    let files = findings.map { $0.position.file.split(separator: "/").suffix(2).joined(separator: "/") }
    #expect(
      files == ["dictionaries/d.yml", "entities/other.yaml", "entity/lost.yaml", "roles/thing.yaml", "a/stray.yaml"])
  }

  @Test func aMissingFolderIsReported() {
    let findings = CatalogReading(resources: "/nowhere/Resources").findings
    #expect(findings.map(\.message).first?.contains("文件夹打不开") == true)
  }

  @Test func faultsOfSeveralFilesAreAllReportedInOrder() {
    let reading = CatalogReading(texts: [
      ("b.yaml", "entity: b\nlabel: 乙\nfields: [{name: x, label: 甲, type: nothing}]\n"), ("a.yaml", "entity: [\n"),
    ])
    #expect(reading.findings.map(\.position.file) == ["a.yaml", "b.yaml"])
  }

  @Test func tokensMustAgreeWithDeclarations() throws {
    let reading = CatalogReading(resources: Samples.resources)
    let good = [
      Field<Money>("lease_contract", "rent").token, Field<[String]>("dwelling", "facilities").token,
      Field<Int64>("dwelling", "age").token, Field<String>("tenant", "resident_id").token,
      Field<JSON>("dwelling", "outline").token, Field<Instant>("tenant", "created_at").token,
    ]
    #expect(reading.allFindings(tokens: good).isEmpty)
    let bad = [
      Field<FixedDecimal>("lease_contract", "rent").token, Field<String>("lease_contract", "rnet").token,
      Field<String>("lease", "rent").token,
    ]
    let messages = reading.allFindings(tokens: bad).map(\.message)
    #expect(messages.count == 3)
    #expect(messages.contains { $0.contains("当作 FixedDecimal，声明却是 money") })
    #expect(messages.contains { $0.contains("是不是“rent”") })
  }
}
