import Cases
import CasesWeb
import Core
import Definitions
import Entities
import HTML
import Messaging
import MessagingWeb
import Processes
import Shell
import YAML

/// What a definition says, for people.
struct Preview {
  let key: DefinitionKey
  let text: String
  let routes: DefinitionRoutes

  var html: HTML {
    switch key.kind {
    case .process: process
    case .item: item
    case .materials: materials
    case .calendar: calendar
    case .message: message
    }
  }

  private var unreadable: HTML { Notice(.warning, "内容现在读不懂，请到“文本”页改正。").html }

  // MARK: Processes

  private var process: HTML {
    guard let definition = DefinitionText.process(text, key) else { return unreadable }
    return HTML {
      Card("流程图") {
        if let process = definition.calls.isEmpty ? nil : routes.store.services(with: text, of: key).processes[key.name]
        {
          ProcessFigures(process)
        } else {
          ProcessDiagram(definition)
        }
      }
      Card("审批环节", count: .exact(definition.stepsInOrder.count), isFlush: true) {
        DataTable(
          caption: "审批环节",
          columns: [Column("环节"), Column("办理人"), Column("会签"), Column("时限"), Column("到期与超时", .wide)],
          rows: definition.stepsInOrder.map { node, rule in
            TableRow(
              id: "step-\(node.id)", name: node.label, path: nil,
              cells: [
                .text(node.label), .text(routes.words.text(rule.handler, in: definition)), .text(rule.signing.label),
                .text(rule.limit.map { HandlerWords.text($0) } ?? "不限"), .text(routes.limitText(rule, definition)),
              ])
          }, opensPanel: false, empty: .empty("还没有环节", "到“审批链”添加。"))
      }
    }
  }

  // MARK: Items

  private var item: HTML {
    guard let node = DefinitionText.node(text, key) else { return unreadable }
    func value(_ key: String) -> String? { node[key]?.text }
    let materials = node["materials"]?.sequence ?? []
    let conditions = node["conditions"]?.sequence ?? []
    return HTML {
      Card("事项") {
        DetailList([
          DetailItem("名称", text: value("label")), DetailItem("业务类别", text: routes.classLabel(value("class") ?? "")),
          DetailItem("表单", text: routes.formLabel(value("form") ?? "")),
          DetailItem("承诺时限", text: value("limit").map { "\($0) 个工作日" }),
          DetailItem(
            "流程",
            text: (node["flow"]?.sequence ?? []).map { flow in
              let name = routes.processLabel(flow["process"]?.text ?? "")
              return flow["when"]?.text.map { "\(name)（\($0)）" } ?? name
            }.joined(separator: "；"), isWide: true),
          DetailItem("结果", text: node["result"]?["document"]?.text),
          DetailItem("办事指南", text: value("guide"), isWide: true),
        ])
      }
      if !conditions.isEmpty {
        Card("受理条件", count: .exact(conditions.count)) {
          ol {
            for condition in conditions {
              li {
                code { condition["check"]?.text ?? "" }
                p(.class("field-help")) { "不符合时：\(condition["message"]?.text ?? "")" }
              }
            }
          }
        }
      }
      Card("申请材料", count: .exact(materials.count)) {
        ul(.class("material-grid")) {
          for material in materials { li { self.material(material) } }
        }
      }
    }
  }

  private var materials: HTML {
    guard let node = DefinitionText.node(text, key) else { return unreadable }
    let rows = MaterialsInputs(node).rows
    return Card("材料", count: .exact(rows.count), isFlush: true) {
      DataTable(
        caption: "材料", columns: [Column("材料", .wide), Column("代号", .code), Column("形式"), Column("免提交"), Column("有效期")],
        rows: rows.map { row in
          TableRow(
            id: "material-\(row.name)", name: row.label, path: nil,
            cells: [
              .text(row.label), .text(row.name), .text(MaterialMedium(rawValue: row.medium)?.label ?? "原件拍照或电子件"),
              .text(row.isHeld ? "能核查到的可以不交" : "—"), .text(row.validity.isEmpty ? "不限" : "\(row.validity) 个月"),
            ])
        }, opensPanel: false, empty: .empty("还没有材料", "到“编辑”添加。"))
    }.html
  }

  private func material(_ node: YAMLNode) -> HTML {
    let kinds = (node["one_of"] ?? node["material"])?.texts ?? []
    let known = routes.cases.services.materials
    let medium = node["medium"]?.text.flatMap(MaterialMedium.init) ?? kinds.first.flatMap { known[$0]?.medium }
    return HTML {
      p(.class("material-name")) {
        strong { node["label"]?.text ?? kinds.map { known[$0]?.label ?? $0 }.joined(separator: "或") }
        Badge(node["need"]?.text == "optional" ? "可选" : "必须", node["need"]?.text == "optional" ? .neutral : .info)
        if let medium { Badge(medium.label, .neutral) }
      }
      if let when = node["when"]?.text { p(.class("field-help")) { "仅当 \(when)" } }
    }
  }

  // MARK: Calendars and messages

  private var calendar: HTML {
    guard let calendar = DefinitionText.calendar(text, key) else { return unreadable }
    return Card("办公时间") {
      DetailList(
        zip(WorkCalendar.Weekday.allCases, CivilDate.weekdayNames).map { weekday, name in
          DetailItem(name, text: CalendarMonth.text(calendar.hours(of: weekday)))
        }
          + [
            DetailItem("放假", text: "\(calendar.holidays.count) 天"),
            DetailItem("调休上班", text: "\(calendar.swaps.count) 天"),
          ])
    }.html
  }

  private var message: HTML {
    guard let template = routes.template(text, key) else { return unreadable }
    return MessagePreview(template: template).html
  }
}

/// A template with its examples, channel by channel.
struct MessagePreview {
  let template: MessageTemplate

  var html: HTML {
    let content = MessageContent(template, template.examples, link: "1024")
    return HTML {
      Card("规则") {
        DetailList([
          DetailItem("渠道", text: template.channels.map(\.label).joined(separator: "、")),
          DetailItem("优先级", text: template.priority.label),
          DetailItem("有效期", text: template.expires.map { "\($0) 小时" } ?? "不限"),
          DetailItem("夜间", text: template.holdsAtNight ? "等到免打扰时段结束" : "照常发送"),
          DetailItem("打开的页面", text: content.link ?? "无", isCode: true),
          DetailItem("何时发送", text: template.trigger == nil ? "由系统发送" : "记录开始符合触发条件时"),
        ])
      }
      MessageCards(content: content)
      Card("变量", isFlush: true) {
        DataTable(
          caption: "变量", columns: [Column("写法", .code), Column("含义"), Column("示例", .wide)],
          rows: template.variables.map { variable in
            TableRow(
              id: variable.name, name: variable.label, path: nil,
              cells: [.text("{\(variable.name)}"), .text(variable.label), .text(variable.example)])
          }, opensPanel: false, empty: .empty("没有变量", "这个模板的内容是固定的。"))
      }
    }
  }
}
