import Cases
import Definitions
import Entities
import HTML
import Processes
import Shell

/// The form of a step: who, how several sign, how long, what on overdue, what is asked and what may be changed.
struct StepForm {
  let definition: ProcessDefinition
  let catalog: Catalog
  let posts: [(code: String, label: String)]
  /// The forms of items that take the process.
  let forms: [EntityDeclaration]
  let typed: StepInputs
  /// The step itself; `nil` for a new one.
  let own: String?
  var errors: [FieldError] = []

  private func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }

  var sections: [Shell.FormSection] { [who, time, content] + (forms.isEmpty ? [] : [rights]) }

  // MARK: Who

  private var roles: [Choice] {
    catalog.roles.map { Choice("role:\($0.name)", $0.label, group: "角色") }
      + posts.map { Choice("post:\($0.code)", $0.label, group: "岗位") }
      + catalog.roles.map { Choice("home-role:\($0.name)", "户籍地\($0.label)", group: "户籍地的角色") }
  }

  /// With what is chosen now, when it is none of the usual.
  private func choices(_ known: [Choice], _ current: String) -> [Choice] {
    current.isEmpty || known.contains { $0.value == current } ? known : known + [Choice(current, current, group: "其他")]
  }

  private var handlers: [Choice] {
    let variables = definition.variables.filter { variable in
      !variable.choices.isEmpty && variable.choices.allSatisfy { $0.role != nil }
    }
    let steps = definition.stepsInOrder.filter { $0.node.id != own }
    return roles
      + [
        Choice("unit-of-address", "属地单位", detail: "申请地址所在辖区的受理单位", group: "按办件"),
        Choice("starter", "发起人", detail: "申请人，或窗口受理人", group: "按办件"),
      ] + variables.map { Choice("role-of:\($0.name)", "按“\($0.label)”确定的角色", group: "按办件") }
      + steps.map { Choice("same-as:\($0.node.id)", "与“\($0.node.label)”相同的人", group: "与别的环节相同") }
  }

  private var who: Shell.FormSection {
    Shell.FormSection(
      id: "who", "谁来办",
      fields: [
        Shell.Field("name", "环节名称", .text(typed.name, .init(maximum: 60)), isRequired: true, error: error("name")),
        Shell.Field(
          "handler", "办理人", .select(typed.handler, choices(handlers, typed.handler)), isRequired: true,
          error: error("handler")),
        Shell.Field(
          "fallback", "兜底办理人",
          .select(
            typed.fallback, choices(roles + [Choice("starter", "发起人", group: "按办件")], typed.fallback)),
          isRequired: true, help: "找不到办理人时由他办理，事项不会停住。", error: error("fallback")),
        Shell.Field(
          "signing", "几个人办",
          .radio(
            typed.signing,
            [
              Choice("one", "一人办理"), Choice("all", "全部会签", detail: "同时发给每个人，都办完才走"),
              Choice("sequential", "依次会签", detail: "一个办完再给下一个"), Choice("any", "或签", detail: "一人办完即走"),
              Choice("share", "按比例会签"),
            ])),
        Shell.Field(
          "percent", "会签比例", .number(typed.percent, unit: "%", minimum: "1", maximum: "100"), help: "按比例会签时填写。",
          error: error("percent")),
        Shell.Field(
          "dispatch", "派单方式", .radio(typed.dispatch, Dispatch.allCases.map { Choice($0.rawValue, $0.label) }),
          help: "一人办理、办理人是角色、岗位或单位时起作用。"),
      ])
  }

  // MARK: Time

  private var time: Shell.FormSection {
    var overdue = [
      Choice("pass", "自动通过", detail: "按每项的第一个选项"), Choice("return", "自动退回上一环节"),
      Choice("transfer", "转给兜底办理人"),
    ]
    overdue += definition.stepsInOrder.filter { $0.node.id != own }.map {
      Choice("return:\($0.node.id)", "自动退回到“\($0.node.label)”", group: "退回到")
    }
    overdue += roles.map { Choice("escalate:\($0.value)", $0.label, group: "升级给") }
    return Shell.FormSection(
      id: "time", "时限", help: "按工作日历计算；挂账和停止计时期间不算。",
      fields: [
        Shell.Field(
          "limit_days", "办理时限", .number(typed.limit.days, unit: "个工作日", minimum: "0", maximum: "400"),
          help: "不填为不限。", error: error("limit_days")),
        Shell.Field("limit_hours", "另加", .number(typed.limit.hours, unit: "小时", minimum: "0", step: "0.5")),
        Shell.Field(
          "remind_days", "到期前提醒", .number(typed.remind.days, unit: "个工作日", minimum: "0", maximum: "400"),
          help: "到期前多久提醒办理人；不填为不提醒。", error: error("remind_days")),
        Shell.Field("remind_hours", "另加", .number(typed.remind.hours, unit: "小时", minimum: "0", step: "0.5")),
        Shell.Field(
          "overdue", "超时处理", .select(typed.overdue, choices(overdue, typed.overdue), blank: "只亮红灯，不自动处理"),
          error: error("overdue")),
        Shell.Field("pauses", "计时", .checkbox(typed.pauses, caption: "在本环节停止计算办件的承诺时限，如等申请人补正")),
      ])
  }

  // MARK: What is asked

  private var content: Shell.FormSection {
    let variables = definition.variables.map { variable in
      Choice(variable.name, variable.label, detail: variable.choices.map(\.label).joined(separator: "、"))
    }
    var fields: [Shell.Field] = []
    if !variables.isEmpty {
      fields = [
        Shell.Field("asked", "办理时要填写", .checkboxes(typed.asked, variables)),
        Shell.Field("required", "其中必须填写", .checkboxes(typed.required, variables)),
      ]
    }
    fields.append(
      Shell.Field(
        "edits", "可以修改", .checkboxes(typed.edits, [Choice("form", "申请表单"), Choice("materials", "申请材料")]),
        help: "不勾选的只能查看。"))
    return Shell.FormSection(id: "content", "办理内容", fields: fields)
  }

  private var rights: Shell.FormSection {
    let choices = FieldAccess.allCases.map { Choice($0.rawValue, $0.label) }
    return Shell.FormSection(
      id: "rights", "字段权限", help: "与上面不同的字段才需要设置；隐藏的字段，只经本环节接触这件事的人在页面和接口里都看不到。"
    ) {
      for form in forms {
        let fields = form.fields.filter { $0.isStored && $0.editable && !$0.hidden }
        let count = fields.filter { typed.fields[$0.name] != nil }.count
        details(.class("design-fields"), .when(count > 0, .open())) {
          summary { "\(form.label)（\(count > 0 ? "已设 \(count) 个" : "\(fields.count) 个字段")）" }
          for field in fields where !isRepeated(field.name, before: form) {
            Shell.Field(
              "field.\(field.name)", field.label,
              .select(typed.fields[field.name] ?? "", choices, blank: "随表单"))
          }
        }
      }
    }
  }

  /// A field of one name counts once, whichever form has it.
  private func isRepeated(_ field: String, before form: EntityDeclaration) -> Bool {
    forms.prefix { $0.name != form.name }.contains { $0.field(field) != nil }
  }
}
