import Cases
import CasesWeb
import Core
import Definitions
import Entities
import EntitiesWeb
import HTML
import HTTP
import Processes
import Shell
import Site
import YAML

/// Designing a service item, and trying it with a filled-in form (C-500, C-501, C-502, C-518).
extension DefinitionRoutes {
  func itemEditor(_ visit: Visit, _ work: Work, _ typed: ItemInputs?, errors: [FieldError]) async throws -> Response {
    guard let node = DefinitionText.node(work.text, work.key) else {
      return try visit.redirect(to: path(work.key, "text"), saying: "事项现在读不懂，请在文本里改正。", tone: .warning)
    }
    let inputs = typed ?? ItemInputs(node)
    let form = ItemForm(routes: self, key: work.key.name, inputs: inputs, node: node, errors: errors)
    let label = store.label(of: work.key, work.text)
    return try await visit.page(
      "\(label)：编辑", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, label),
      badge: badge(work.key, work.draft), tabs: tabs(work.key, "edit")
    ) {
      if work.draft != nil, errors.isEmpty { findings(store.findings(of: work.key, work.text), of: work.key) }
      if mayDraft(visit) {
        FormView(
          path: path(work.key, "edit"), sections: form.sections, errors: errors,
          submit: Action("检查并保存草稿", .submit(name: "step", value: "save"), style: .primary), cancelPath: path(work.key),
          hidden: [work.seen], draftKey: path(work.key, "edit"), note: "表单、固定值和隐去的字段在“文本”里改。")
      } else {
        Preview(key: work.key, text: work.text, routes: self).html
      }
    }
  }

  func saveItem(_ visit: Visit, _ work: Work, _ form: FormData) async throws -> Response {
    guard let node = DefinitionText.node(work.text, work.key) else { throw DefinitionStore.missing }
    var inputs = ItemInputs(form)
    switch form.first("step") {
    case "condition": inputs.conditions.append(.init())
    case "material": inputs.materials.append(.init())
    case "flow": inputs.flows.append(.init())
    default:
      let laid = inputs.laid(over: node)
      let text = laid.write()
      // Golden cases that come out otherwise are kept in the draft, to be looked at next.
      let wrong = store.findings(of: work.key, text).filter {
        $0.severity == .error && !$0.message.contains("的标准用例“")
      }
      guard wrong.isEmpty else {
        return try await itemEditor(
          visit, work, inputs,
          errors: wrong.map { FieldError(ItemInputs.field(of: $0, in: text), $0.message) })
      }
      return try await keep(laid, work, form, visit)
    }
    return try await itemEditor(visit, work, inputs, errors: [])
  }

  // MARK: Trying

  func trial(_ visit: Visit) async throws -> Response {
    let (work, item) = try await item(visit)
    return try await trialPage(visit, work, item, FormInput([:]), nil, errors: [])
  }

  private func item(_ visit: Visit) async throws -> (work: Work, item: ServiceItem) {
    let work = try await work(visit)
    guard work.key.kind == .item else { throw DefinitionStore.missing }
    guard let item = store.services(with: work.text, of: work.key).item(work.key.name) else {
      throw Refusal(.unprocessable, "item-unreadable", "事项现在读不懂，不能试填。请先在“编辑”或“文本”里改正。")
    }
    return (work, item)
  }

  private func facts(_ input: FormInput) -> CaseFacts {
    CaseFacts(
      channel: CaseChannel(rawValue: input.first("channel")) ?? .window,
      acceptedBy: input.first("accepted_by").isEmpty ? "officer" : input.first("accepted_by"))
  }

  private func trialPage(
    _ visit: Visit, _ work: Work, _ item: ServiceItem, _ input: FormInput, _ outcome: TrialOutcome?,
    errors: [FieldError]
  ) async throws -> Response {
    let records = cases.store.records(as: visit.principal, origin: visit.request.origin)
    let facts = facts(input)
    var form = ApplicationForm(
      item, catalog: catalog, context: EvaluationContext(now: GoldenRun.day),
      divisions: try await records.divisionNames(), facts: facts, typed: input, errors: errors)
    form.asksCase = false
    let accepted =
      item.flows.compactMap { cases.services.processes[$0.process] }
      .flatMap(\.definition.variables).first { $0.name == "accepted_by" }?.choices ?? []
    var how = [
      Shell.Field(
        "channel", "申请渠道", .radio(facts.channel.rawValue, item.channels.map { Choice($0.rawValue, $0.label) }))
    ]
    if !accepted.isEmpty {
      how.append(
        Shell.Field(
          "accepted_by", "受理人员", .radio(facts.acceptedBy ?? "", accepted.map { Choice($0.value, $0.label) })))
    }
    if outcome?.isComplete == true, mayDraft(visit) {
      how.append(
        Shell.Field(
          "golden", "存为标准用例", .text(input.first("golden"), .init(maximum: 60)), help: "写上名称，按“存为标准用例”记入草稿。"))
    }
    let sections = [Shell.FormSection(id: "how", "怎样申请", fields: how)] + form.sections.filter { $0.id != "materials" }
    let label = item.label
    return try await visit.page(
      "\(label)：试填", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, label),
      badge: badge(work.key, work.draft), subtitle: "按草稿判断，不会产生办件；日期按 \(GoldenRun.day.chinaTime.date) 计算",
      tabs: tabs(work.key, "trial")
    ) {
      if let outcome { outcome.html }
      FormView(
        path: path(work.key, "trial"), sections: sections, errors: errors,
        submit: Action("试一试", .submit(name: "step", value: "try"), style: .primary),
        others: outcome?.isComplete == true && mayDraft(visit)
          ? [Action("存为标准用例", .submit(name: "step", value: "golden"))] : [],
        cancelPath: path(work.key), hidden: [work.seen], note: "请不要填写真实的个人信息。")
    }
  }

  func runTrial(_ visit: Visit) async throws -> Response {
    let (work, item) = try await item(visit)
    let sent = try await visit.request.body.form()
    var texts = Dictionary(sent.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 })
    for name in ["_refresh", "_csrf", "step", "seen"] { texts[name] = nil }
    let input = FormInput(texts)
    if sent.first("_refresh") != nil { return try await trialPage(visit, work, item, input, nil, errors: []) }
    let facts = facts(input)
    let context = EvaluationContext(now: GoldenRun.day)
    var form = ApplicationForm(
      item, catalog: catalog, context: context,
      divisions: try await cases.store.records(as: visit.principal, origin: visit.request.origin).divisionNames(),
      facts: facts, typed: input)
    form.asksCase = false
    let read = form.content(from: FormData(fields: sent.fields, files: []))
    guard read.errors.isEmpty else { return try await trialPage(visit, work, item, input, nil, errors: read.errors) }
    let given = read.content.form.filter { !$0.value.isBlank }
    let services = store.services(with: work.text, of: work.key)
    let outcome = TrialOutcome(item, given, facts, context, services, words, catalog)
    guard sent.first("step") == "golden", outcome.isComplete else {
      return try await trialPage(visit, work, item, input, outcome, errors: [])
    }
    let name = input.first("golden").filter { !$0.isNewline }
    guard !name.allSatisfy(\.isWhitespace), let node = DefinitionText.node(work.text, work.key) else {
      return try await trialPage(
        visit, work, item, input, outcome, errors: [FieldError("golden", "请写上用例的名称，如“网上申请，材料齐全”。")])
    }
    let golden = (node["golden"]?.sequence ?? []) + [outcome.golden(named: String(name.prefix(60)))]
    return try await keep(node.setting("golden", .sequence(golden)), work, sent, visit, next: "edit")
  }
}
