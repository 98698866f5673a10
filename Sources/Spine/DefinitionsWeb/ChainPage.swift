import Cases
import Core
import Definitions
import Entities
import HTML
import Processes
import Shell

/// The steps of a process one under the other (审批链), each with what can be done to it.
struct ChainPage {
  let routes: DefinitionRoutes
  let work: DefinitionRoutes.Work
  let definition: ProcessDefinition
  let mayEdit: Bool

  private var base: String { routes.path(work.key) }

  var html: HTML {
    HTML {
      if !definition.isChain {
        Notice(.info, "这个流程有并行、等待或自动办理，下面按先后列出办理环节；要改分支结构，请下载 BPMN 文件用流程设计器改好再上传。")
      }
      ol(.class("chain")) {
        for (index, node) in definition.workInOrder.enumerated() { li { work(node, index + 1) } }
      }
      if mayEdit {
        ActionBar([
          Action("在最前面加环节", .link("\(base)/chain/new?behind=\(startID)"), icon: .plus),
          Action("在最前面调用流程", .link("\(base)/chain/call?behind=\(startID)")),
          Action("改流程名称", .link("\(base)/edit")),
        ])
      }
    }
  }

  private var startID: String { definition.nodes.first { $0.kind == .start }?.id ?? "" }

  private func work(_ node: ProcessNode, _ number: Int) -> HTML {
    Card("\(number). \(node.label)", id: "step-\(node.id)", actions: mayEdit ? main(node) : []) {
      switch node.kind {
      case .step(let rule): DetailList(facts(rule))
      case .call(let rule): DetailList(facts(rule))
      default: HTML.empty
      }
      ways(node)
      if mayEdit { ActionBar(structure(node)) }
    }.html
  }

  private func facts(_ rule: CallRule) -> [DetailItem] {
    func text(_ assignments: [ProcessAssignment]) -> String? {
      assignments.isEmpty ? nil : assignments.map { "\($0.variable) = \($0.formula)" }.joined(separator: "；")
    }
    return [
      DetailItem("调用流程", text: routes.processLabel(rule.process)),
      DetailItem("传入", text: text(rule.inputs) ?? "没有"), DetailItem("带回", text: text(rule.outputs) ?? "没有"),
    ]
  }

  private func facts(_ rule: StepRule) -> [DetailItem] {
    let words = routes.words
    var items = [
      DetailItem("办理人", text: words.text(rule.handler, in: definition)),
      DetailItem("兜底办理人", text: words.text(rule.fallback, in: definition)),
      DetailItem("会签", text: rule.signing.label), DetailItem("派单", text: rule.dispatch.label),
      DetailItem("办理时限", text: rule.limit.map { HandlerWords.text($0) } ?? "不限"),
      DetailItem("到期与超时", text: routes.limitText(rule, definition)),
    ]
    if !rule.inputs.isEmpty {
      let asked = rule.inputs.map { input in
        let label = definition.variables.first { $0.name == input.variable }?.label ?? input.variable
        return input.isRequired ? label : "\(label)（可不填）"
      }
      items.append(DetailItem("要填写", text: asked.joined(separator: "、")))
    }
    var may: [String] = []
    if rule.edits.contains(.form) { may.append("表单") }
    if rule.edits.contains(.materials) { may.append("材料") }
    for access in [FieldAccess.edit, .read, .hide] {
      let count = rule.fields.values.filter { $0 == access }.count
      if count > 0 { may.append("\(count) 个字段\(access.label)") }
    }
    if !may.isEmpty { items.append(DetailItem("可改内容", text: may.joined(separator: "、"))) }
    if rule.pausesClock { items.append(DetailItem("计时", text: "在本环节停止计时")) }
    return items
  }

  /// Where it goes from here, under which conditions.
  private func ways(_ node: ProcessNode) -> HTML {
    let ways = self.ways(behind: node.id)
    if ways.isEmpty { return .empty }
    return HTML {
      h3(.class("detail-group")) { "之后" }
      ul(.class("chain-ways")) {
        for way in ways {
          li {
            if let condition = way.condition {
              "\(way.name.isEmpty ? "分支" : way.name)："
              code { condition }
            } else {
              way.isDefault ? "其余情况" : "接着"
            }
            " → \(definition.node(way.target).map(Self.name) ?? way.target)"
            if mayEdit, way.condition != nil {
              Action("改条件", .link("\(base)/chain/flow?id=\(way.id)"), style: .quiet)
              post("删除分支", "remove-flow", way.id)
            }
          }
        }
      }
    }
  }

  /// The flows that leave a step, through the choice that stands right behind it.
  private func ways(behind id: String) -> [ProcessFlow] {
    let flows = definition.flows(from: id)
    guard let only = flows.first, flows.count == 1, definition.node(only.target)?.kind == .exclusive,
      definition.flows(from: only.target).count > 1
    else { return flows }
    return definition.flows(from: only.target)
  }

  /// What a node is, for people who do not draw.
  static func name(_ node: ProcessNode) -> String {
    switch node.kind {
    case .end: node.name.isEmpty ? "结束" : "结束（\(node.name)）"
    case .exclusive, .inclusive: node.name.isEmpty ? "再判断" : "判断：\(node.name)"
    case .parallel: "并行"
    default: node.label
    }
  }

  private func main(_ node: ProcessNode) -> [Action] {
    let page = if case .call = node.kind { "call" } else { "step" }
    return [Action("修改", .link("\(base)/chain/\(page)?id=\(node.id)"), style: .normal)]
  }

  private func structure(_ node: ProcessNode) -> [Action] {
    var actions = [
      Action("在后面加环节", .link("\(base)/chain/new?behind=\(node.id)"), style: .quiet, icon: .plus),
      Action("在后面调用流程", .link("\(base)/chain/call?behind=\(node.id)"), style: .quiet),
      Action("加分支或退回", .link("\(base)/chain/branch?behind=\(node.id)"), style: .quiet),
    ]
    // Offered only where it can be done.
    if (try? definition.movingStep(node.id, up: true)) != nil { actions.append(post("上移", "up", node.id)) }
    if (try? definition.movingStep(node.id, up: false)) != nil { actions.append(post("下移", "down", node.id)) }
    if (try? definition.removingStep(node.id)) != nil { actions.append(post("删除环节", "remove", node.id)) }
    return actions
  }

  private func post(_ label: String, _ move: String, _ id: String) -> Action {
    Action(label, .post("\(base)/chain/\(move)", [work.seen, HiddenField("id", id)]), style: .quiet)
  }
}
