import Cases
import Entities
import HTML
import Processes
import Shell
import YAML

/// The form of a service item (事项设计): guide, conditions, materials, flow, limit, result, golden cases.
struct ItemForm {
  let routes: DefinitionRoutes
  let key: String
  let inputs: ItemInputs
  let node: YAMLNode
  let errors: [FieldError]

  private func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }

  var sections: [Shell.FormSection] { [basics, conditions, materials, flows, result, golden] }

  private var classes: [Choice] {
    routes.catalog.dictionaries.filter { $0.name.hasSuffix("_class") }.flatMap { dictionary in
      dictionary.codes.filter { !$0.retired || $0.code == inputs.category }.map { code in
        Choice(
          code.code, code.label,
          group: code.parent.flatMap { dictionary.code($0)?.label } ?? dictionary.label)
      }
    }
  }

  private var basics: Shell.FormSection {
    Shell.FormSection(
      id: "basics", "事项",
      fields: [
        Shell.Field("label", "名称", .text(inputs.label, .init(maximum: 100)), isRequired: true, error: error("label")),
        Shell.Field(
          "class", "业务类别", .select(inputs.category, classes), isRequired: true, help: "大类和子类在数据字典里维护。",
          error: error("class")),
        Shell.Field(
          "limit", "承诺时限", .number(inputs.limit, unit: "个工作日", minimum: "1", maximum: "400"), isRequired: true,
          error: error("limit")),
        Shell.Field(
          "channels", "受理渠道",
          .checkboxes(inputs.channels, CaseChannel.allCases.map { Choice($0.rawValue, $0.label) }),
          error: error("channels")),
        Shell.Field("guide", "办事指南", .longText(inputs.guide, rows: 6, maximum: 4000), error: error("guide")),
      ])
  }

  // MARK: Rows

  private func section(
    _ id: String, _ label: String, _ help: String, rows: [[Shell.Field]], noun: String, step: String
  ) -> Shell.FormSection {
    Shell.FormSection(id: id, label, help: help, hasErrors: rows.contains { row in row.contains { $0.error != nil } }) {
      for (index, row) in rows.enumerated() {
        fieldset(.class("design-row")) {
          legend { "\(noun) \(index + 1)" }
          row
        }
      }
      HiddenField(id, String(rows.count))
      Action("再加一个\(noun)", .submit(name: "step", value: step), icon: .plus, takesIncomplete: true)
    }
  }

  private var conditions: Shell.FormSection {
    section(
      "conditions", "受理条件",
      "提交时必须成立；可用表单的字段和 channel（申请渠道）、accepted_by（受理人员）、own_station（户籍地受理）、relation（与被申请人关系）。清空条件和说明即删除。",
      rows: inputs.conditions.enumerated().map { index, one in
        [
          Shell.Field(
            "c\(index).check", "条件", .longText(one.check, rows: 2, maximum: 1000), error: error("c\(index).check")),
          Shell.Field(
            "c\(index).message", "不符合时告诉申请人", .longText(one.message, rows: 2, maximum: 300),
            error: error("c\(index).message")),
          Shell.Field(
            "c\(index).field", "显示在哪一项", .text(one.field, .init(maximum: 50)), help: "表单字段的代号；不填显示在表单上方。",
            error: error("c\(index).field")),
        ]
      }, noun: "条件", step: "condition")
  }

  private var materials: Shell.FormSection {
    let kinds = routes.cases.services.materials.values.sorted { $0.name < $1.name }.map { kind in
      Choice(kind.name, kind.label, detail: kind.name)
    }
    let media = [MaterialMedium.electronic, .original, .either].map { Choice($0.rawValue, $0.label) }
    return section(
      "materials", "申请材料", "每份材料可以是电子件、核验原件，或由申请人选择。不选材料即删除。",
      rows: inputs.materials.enumerated().map { index, one in
        [
          Shell.Field("m\(index).kind", "材料", .select(one.kind, kinds), error: error("m\(index).kind")),
          Shell.Field("m\(index).label", "名称", .text(one.label, .init(maximum: 100)), help: "不填用材料目录里的名称。"),
          Shell.Field(
            "m\(index).need", "要求", .radio(one.need, [Choice("required", "必须"), Choice("optional", "可选")])),
          Shell.Field("m\(index).medium", "形式", .select(one.medium, media, blank: "随材料目录")),
          Shell.Field(
            "m\(index).when", "什么时候要", .text(one.when, .init(maximum: 500)), help: "不填为总是要。",
            error: error("m\(index).when")),
          Shell.Field(
            "m\(index).more", "也可以用", .text(one.more, .init(maximum: 300, isCode: true)), help: "多选一时写其余材料的代号，用逗号分开。"),
          Shell.Field(
            "m\(index).name", "本事项里的代号", .text(one.name, .init(maximum: 50, width: 20, isCode: true)),
            help: "同一材料要两份或多选一时必填。"),
        ]
      }, noun: "材料", step: "material")
  }

  private var flows: Shell.FormSection {
    let processes = routes.cases.services.processes.values.sorted { $0.definition.id < $1.definition.id }.map {
      Choice($0.definition.id, $0.definition.name, detail: $0.definition.id)
    }
    return section(
      "flows", "审批流程", "从上往下，走第一个条件成立的；最后一个不写条件。",
      rows: inputs.flows.enumerated().map { index, one in
        [
          Shell.Field("f\(index).process", "流程", .select(one.process, processes), error: error("f\(index).process")),
          Shell.Field("f\(index).when", "当", .text(one.when, .init(maximum: 1000)), error: error("f\(index).when")),
        ]
      }, noun: "流程", step: "flow")
  }

  private var result: Shell.FormSection {
    Shell.FormSection(
      id: "result", "办理结果",
      fields: [
        Shell.Field(
          "document", "结果证件或文书", .text(inputs.document, .init(maximum: 60)), help: "没有要发的不填。", error: error("document")),
        Shell.Field(
          "delivery", "取件方式",
          .checkboxes(inputs.delivery, CaseDelivery.allCases.map { Choice($0.rawValue, $0.label) })),
      ])
  }

  private var golden: Shell.FormSection {
    let cases = node["golden"]?.sequence ?? []
    return Shell.FormSection(
      id: "golden", "标准用例", help: "改动后都要走得通；在“试填”里填一份即可存为新的用例。"
    ) {
      if cases.isEmpty { p(.class("blank")) { "还没有标准用例，至少要有一个。" } }
      if !cases.isEmpty {
        Shell.Field(
          "golden.drop", "删去的用例",
          .checkboxes(
            inputs.dropped, cases.enumerated().map { Choice(String($0), $1["name"]?.text ?? "用例 \($0 + 1)") }))
      }
    }
  }
}
