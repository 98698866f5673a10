import Access
package import Cases
import Core
import Entities
import EntitiesWeb
import HTML
package import HTTP
import Processes
import SQL
import Shell
package import Site

/// The inbox (待办、已办、抄送、我发起): what waits, what has been done, several at once.
package struct InboxRoutes: Sendable {
  let site: Site
  let cases: CaseStore

  package init(site: Site, cases: CaseStore) {
    self.site = site
    self.cases = cases
  }

  package func register(in router: inout Router) {
    router.on(.get, "/inbox", at: site) { visit in try await list(visit) }
    router.on(.post, "/inbox/batch", at: site) { visit in try await askBatch(visit) }
    router.on(.post, "/inbox/batch/answer", at: site) { visit in try await batch(visit) }
  }

  private func query(_ visit: Visit) -> Inbox.Query {
    let items = visit.request.query
    var query = Inbox.Query()
    let isResident = visit.principal.unit == nil
    query.box = items.first("box").flatMap { Inbox.Box(rawValue: $0) } ?? (isResident ? .started : .todo)
    query.text = String((items.first("q") ?? "").prefix(40))
    query.item = items.first("item").flatMap { $0.isEmpty ? nil : $0 }
    query.step = items.first("step").flatMap { $0.isEmpty ? nil : $0 }
    query.isOverdueOnly = items.first("late") == "true"
    query.order = items.first("sort").flatMap { Inbox.Order(rawValue: $0) } ?? .due
    query.page = min(max(items.first("page").flatMap { Int($0) } ?? 1, 1), 1000)
    query.size = min(max(items.first("size").flatMap { Int($0) } ?? 50, 10), 200)
    return query
  }

  private func path(_ query: Inbox.Query, page: Int? = nil, size: Int? = nil, without name: String? = nil) -> String {
    var parts: [(String, String)] = [("box", query.box.rawValue)]
    if !query.text.isEmpty { parts.append(("q", query.text)) }
    if let item = query.item { parts.append(("item", item)) }
    if let step = query.step { parts.append(("step", step)) }
    if query.isOverdueOnly { parts.append(("late", "true")) }
    if query.order != .due { parts.append(("sort", query.order.rawValue)) }
    if let page, page > 1 { parts.append(("page", String(page))) }
    if let size, size != 50 { parts.append(("size", String(size))) }
    return "/inbox?"
      + parts.filter { $0.0 != name }.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
  }

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再查看待办。")
    }
    let query = query(visit)
    let inbox = Inbox(cases)
    let contents = try await inbox.contents(query, of: visit.principal)
    if visit.wantsJSON { return .json(json(contents)) }
    let counts = contents.counts
    let choices = (items: contents.items, steps: contents.steps)
    let isResident = visit.principal.unit == nil
    let boxes: [Inbox.Box] = isResident ? [.started, .todo] : Inbox.Box.allCases
    let tabs = Tabs(
      boxes.map { box in
        Tabs.Tab(
          label(box, isResident), path: "/inbox?box=\(box.rawValue)", isCurrent: box == query.box,
          count: count(box, counts))
      }, label: "收件箱")
    return try await visit.page(
      isResident ? "我的办件" : "我的待办", layout: .list,
      subtitle: counts.late > 0 ? "\(counts.late) 件已超过时限" : nil,
      actions: isResident ? [Action("我要办事", .link("/services"), style: .primary, icon: .plus)] : [],
      moreActions: [Action("打印本页", .print, icon: .print)], tabs: tabs
    ) {
      Shell.ListView(
        filters: filters(query, choices), chips: chips(query, choices), table: table(query, contents, isResident),
        pager: Pager(
          total: contents.count >= Inbox.countLimit ? .about(contents.count) : .exact(contents.count),
          page: query.page, size: query.size, shown: contents.entries.count,
          path: { number, size in path(query, page: number, size: size) }))
    }
  }

  private func count(_ box: Inbox.Box, _ counts: Inbox.Counts) -> Int? {
    switch box {
    case .todo: counts.todo
    case .asked: counts.asked > 0 ? counts.asked : nil
    case .copied: counts.unread > 0 ? counts.unread : nil
    case .done, .started: nil
    }
  }

  private func label(_ box: Inbox.Box, _ isResident: Bool) -> String {
    isResident ? box == .todo ? "等我处理" : "全部办件" : box.label
  }

  private func filters(_ query: Inbox.Query, _ choices: (items: [(code: String, label: String)], steps: [String]))
    -> FilterBar
  {
    var basic: [Shell.Field] = []
    if query.box == .todo {
      basic = [
        Shell.Field(
          "item", "事项", .select(query.item ?? "", choices.items.map { Choice($0.code, $0.label) }, blank: "全部")),
        Shell.Field("step", "环节", .select(query.step ?? "", choices.steps.map { Choice($0, $0) }, blank: "全部")),
        Shell.Field(
          "late", "时限", .select(query.isOverdueOnly ? "true" : "", [Choice("true", "已超时")], blank: "全部")),
        Shell.Field(
          "sort", "排序",
          .select(query.order.rawValue, Inbox.Order.allCases.map { Choice($0.rawValue, $0.label) }, blank: nil)),
      ]
    }
    return FilterBar(
      path: "/inbox", search: .init(value: query.text, hint: "受理编号、姓名"), basic: basic,
      kept: [HiddenField("box", query.box.rawValue)])
  }

  private func chips(_ query: Inbox.Query, _ choices: (items: [(code: String, label: String)], steps: [String]))
    -> ActiveFilters
  {
    var chips: [ActiveFilters.Chip] = []
    if !query.text.isEmpty { chips.append(.init("搜索", query.text, removePath: path(query, without: "q"))) }
    if let item = query.item {
      let label = choices.items.first { $0.code == item }?.label ?? item
      chips.append(.init("事项", label, removePath: path(query, without: "item")))
    }
    if let step = query.step { chips.append(.init("环节", step, removePath: path(query, without: "step"))) }
    if query.isOverdueOnly { chips.append(.init("时限", "已超时", removePath: path(query, without: "late"))) }
    return ActiveFilters(chips, clearPath: "/inbox?box=\(query.box.rawValue)")
  }

  // MARK: Table

  private func table(_ query: Inbox.Query, _ contents: Inbox.Contents, _ isResident: Bool) -> DataTable {
    let isTodo = query.box == .todo && !isResident
    var columns = [Column("事项", .wide), Column("申请人"), Column("受理编号", .code)]
    columns.append(Column(query.box == .done ? "办理的环节" : query.box == .asked ? "类别" : "当前环节"))
    columns.append(Column(query.box == .todo ? "时限" : query.box == .asked ? "内容" : "状态", .state))
    columns.append(Column(query.box == .todo ? "收到时间" : query.box == .done ? "办理时间" : "时间", .date))
    return DataTable(
      caption: query.box.label, columns: columns,
      rows: contents.entries.map { entry in
        TableRow(
          id: "\(entry.caseID)-\(entry.task ?? 0)", name: entry.number, path: "/cases/\(entry.caseID)",
          cells: [
            entry.isUnread ? strong { entry.item } : .text(entry.item), .text(names(entry)), .text(entry.number),
            .text(entry.step ?? "—"), state(query.box, entry), .text(entry.at.display),
          ])
      }, opensPanel: false,
      batch: isTodo
        ? DataTable.Batch(
          path: "/inbox/batch", actions: [Action("批量办理", .submit(name: "action", value: "answer"), style: .primary)],
          total: .exact(contents.entries.count)) : nil,
      empty: empty(query, isResident))
  }

  private func names(_ entry: Inbox.Entry) -> String {
    guard let subject = entry.subject, subject != entry.applicant else { return entry.applicant }
    return "\(entry.applicant)（为\(subject)）"
  }

  private func state(_ box: Inbox.Box, _ entry: Inbox.Entry) -> HTML {
    if box == .done || box == .asked { return .text(entry.result ?? "已办") }
    guard box == .todo else { return CasePage.badge(entry.state, cases.store.catalog).html }
    return HTML {
      switch entry.light {
      case .red: Badge("已超时", .danger)
      case .amber: Badge("将到期", .warning)
      case .green: Badge(entry.dueAt.map { "\($0.display.dropFirst(5)) 前" } ?? "", .success)
      case nil: Badge("不限时", .neutral)
      }
      if entry.isUrged { Badge("催办", .warning) }
      if entry.isPooled { Badge("待签收", .info) }
    }
  }

  private func empty(_ query: Inbox.Query, _ isResident: Bool) -> StateView {
    switch query.box {
    case .todo: .empty(isResident ? "没有要您处理的事" : "没有待办", "新的任务到了会显示在这里。", icon: .success)
    case .asked: .empty("没有等您答复的督办和延期", "督办要您答复、延期要您批准时会显示在这里。", icon: .success)
    case .done: .empty("还没有办过的事", "您办理过的任务会显示在这里。", icon: .history)
    case .copied: .empty("没有抄送给您的办件", "别人抄送给您的办件会显示在这里。", icon: .copy)
    case .started: .empty("还没有办件", "您提交的申请会显示在这里。", icon: .inbox)
    }
  }

  private func json(_ contents: Inbox.Contents) -> JSON {
    [
      "count": .int(Int64(contents.count)),
      "items": .array(
        contents.entries.map { entry in
          [
            "case": .int(entry.caseID), "number": .string(entry.number), "item": .string(entry.item),
            "task": entry.task.map { .int(Int64($0)) } ?? .null, "step": entry.step.map { .string($0) } ?? .null,
            "dueAt": entry.dueAt.map { .string($0.iso8601) } ?? .null,
            "light": entry.light.map { .string($0.rawValue) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: Several at once

  /// The chosen tasks, which have to be of one step of one process: `12-7` is task 7 of case 12.
  private func chosen(_ form: FormData, _ visit: Visit) async throws -> [(view: CaseView, task: CaseTask)] {
    let ids = form.all("id").prefix(51)
    guard ids.count <= 50 else { throw Refusal(.tooLarge, "batch-too-large", "一次最多批量办理 50 件。请减少勾选。") }
    var chosen: [(view: CaseView, task: CaseTask)] = []
    for id in ids {
      let parts = id.split(separator: "-").compactMap { Int64($0) }
      guard parts.count == 2 else { continue }
      let view = try await cases.view(parts[0], as: visit.principal, origin: visit.request.origin)
      guard let task = view.mine.first(where: { Int64($0.number) == parts[1] }) else { continue }
      chosen.append((view, task))
    }
    guard let first = chosen.first else {
      throw Refusal(.invalid, "batch-empty", "没有勾选可以办理的任务。请在列表左侧勾选。")
    }
    let isOneKind = chosen.allSatisfy {
      $0.task.step == first.task.step && $0.task.kind == first.task.kind
        && $0.view.process.definition.id == first.view.process.definition.id
    }
    guard isOneKind else {
      throw Refusal(.unprocessable, "batch-mixed", "勾选的任务不是同一个流程的同一个环节，不能一起办理。请先按环节筛选。")
    }
    return chosen
  }

  private func askBatch(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    return try await visit.confirmation(question(try await chosen(form, visit), typed: FormInput(), errors: []))
  }

  private func question(_ chosen: [(view: CaseView, task: CaseTask)], typed: FormInput, errors: [FieldError])
    -> Confirmation
  {
    let (view, task) = chosen[0]
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    var fields: [Shell.Field] = []
    for asked in task.kind == .own ? view.rule(of: task.step)?.inputs ?? [] : [] {
      guard let variable = view.process.definition.variables.first(where: { $0.name == asked.variable }) else {
        continue
      }
      let text = typed.first(variable.name)
      let control: Control =
        variable.choices.isEmpty
        ? .text(text, .init(maximum: 100)) : .radio(text, variable.choices.map { Choice($0.value, $0.label) })
      fields.append(
        Shell.Field(
          variable.name, variable.label, control, isRequired: asked.isRequired, error: byField[variable.name]))
    }
    fields.append(
      Shell.Field("opinion", "意见", .longText(typed.first("opinion"), rows: 2, maximum: 1000), error: byField["opinion"])
    )
    return Confirmation(
      title: "批量办理：\(task.label)（\(chosen.count) 件）",
      consequences: chosen.prefix(8).map { "\($0.view.record["number"].text ?? "")　\($0.view.item.label)" }
        + (chosen.count > 8 ? ["等 \(chosen.count) 件"] : []),
      fields: fields, errors: errors, path: "/inbox/batch/answer",
      hidden: chosen.map { HiddenField("id", "\($0.view.id)-\($0.task.number)") }, submit: "办理这 \(chosen.count) 件",
      cancelPath: "/inbox")
  }

  private func batch(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    let chosen = try await chosen(form, visit)
    let typed = FormInput(form)
    let (first, task) = chosen[0]
    var errors: [FieldError] = []
    let values = Answers.read(try await cases.openWork(first.id, task: task.number), typed, &errors)
    guard errors.isEmpty else {
      return try await visit.confirmation(question(chosen, typed: typed, errors: errors), status: 422)
    }
    var done = 0
    var refused: [String] = []
    for (view, task) in chosen {
      do {
        try await cases.move(
          view.id, .complete(task: task.number, values: values), opinion: form.first("opinion"), by: visit.principal,
          origin: visit.request.origin)
        done += 1
      } catch let refusal as Refusal {
        if done == 0, refusal.kind == .invalid {
          return try await visit.confirmation(
            question(chosen, typed: typed, errors: [FieldError(refusal.field, refusal.message)]), status: 422)
        }
        refused.append("\(view.record["number"].text ?? "")：\(refusal.message)")
      }
    }
    let gone = form.all("id").count - chosen.count
    if gone > 0 { refused += Array(repeating: "有任务已由别人办理或收回。", count: gone) }
    guard let example = refused.first else {
      return try visit.redirect(to: "/inbox", saying: "已办理 \(done) 件。")
    }
    return try visit.redirect(
      to: "/inbox", saying: "办理了 \(done) 件，\(refused.count) 件没有办成，例如 \(example)", tone: .warning)
  }
}
