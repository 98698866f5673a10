import Cases
import Core
import Entities
import Messaging
import Processes

/// Goes through recorded cases and golden ones twice, as things are and as a draft would have them (试运行).
struct Trial {
  private let store: DefinitionStore
  private let key: DefinitionKey
  private let candidate: Candidate
  private let now: Instant
  private let words: HandlerWords

  /// Recorded cases that are gone through, the latest.
  static let most = 100
  /// Differences that are shown; more tell nothing new.
  static let shown = 200

  init(_ store: DefinitionStore, _ key: DefinitionKey, _ candidate: Candidate) {
    self.store = store
    self.key = key
    self.candidate = candidate
    now = store.clock.now()
    words = HandlerWords(store.catalogs.current)
  }

  /// What is gathered on the way.
  private struct Findings {
    var cases = 0
    var golden = 0
    var differences: [TrialReport.Difference] = []
    var faults: [String] = []

    mutating func compare(_ subject: String, _ what: String, _ before: String, _ after: String) {
      if before == after || differences.count >= Trial.shown { return }
      differences.append(TrialReport.Difference(subject: subject, what: what, before: before, after: after))
    }
  }

  func report() async throws -> TrialReport {
    var found = Findings()
    switch key.kind {
    case .process: try await tryProcess(&found)
    case .item: try await tryItem(&found)
    case .materials: try await tryMaterials(&found)
    case .calendar: try await tryCalendar(&found)
    case .message: tryMessage(&found)
    }
    return TrialReport(
      at: now, against: store.version(of: key), cases: found.cases, goldenCases: found.golden,
      differences: found.differences, faults: found.faults)
  }

  // MARK: Processes

  private func tryProcess(_ found: inout Findings) async throws {
    for name in candidate.services.processes(through: key.name) { try await tryProcess(name, &found) }
  }

  /// - Parameter name: the process of the draft, or one that calls it.
  private func tryProcess(_ name: String, _ found: inout Findings) async throws {
    guard let new = candidate.services.processes[name] else { return }
    let old = store.cases.services.processes[name]
    for recorded in try await store.cases.recorded(process: name, limit: Trial.most) {
      found.cases += 1
      let answers = answers(of: recorded, old ?? new)
      // What steps filled in is answered again on the way.
      let asked = Set(answers.values.joined().flatMap(\.keys))
      let variables = recorded.variables.filter { !asked.contains($0.key) && $0.key != "outcome" }
      let subject = "办件 \(recorded.number)"
      compare(subject, old, new, variables, answers, EvaluationContext(now: recorded.submittedAt), &found)
    }
    for item in candidate.services.items where item.flows.contains(where: { $0.process == name }) {
      for golden in item.goldenCases where golden.process == name {
        found.golden += 1
        let facts = CaseFacts(channel: golden.channel, acceptedBy: golden.acceptedBy)
        let context = EvaluationContext(now: GoldenRun.day)
        let view = ApplicationView(item, values: golden.given, facts: facts, context: context)
        guard
          let variables = try? view.variables(of: new.definition, delivery: item.result.delivery.first)
        else { continue }
        compare("\(item.label)：\(golden.name)", old, new, variables, [:], context, &found)
      }
    }
  }

  private func compare(
    _ subject: String, _ old: RunnableProcess?, _ new: RunnableProcess, _ variables: [String: Value],
    _ answers: [String: [[String: Value]]], _ context: EvaluationContext, _ found: inout Findings
  ) {
    let before = old.flatMap { try? ProcessWalk($0, variables: variables, answers: answers, context: context) }
    do {
      let after = try ProcessWalk(new, variables: variables, answers: answers, context: context)
      if !after.isFinished, before?.isFinished != false {
        found.faults.append("\(subject)：按草稿走不到办结，停在 \(way(after))")
      }
      guard let before else { return }
      found.compare(subject, "审批环节", way(before), way(after))
      found.compare(subject, "办理结果", result(before), result(after))
    } catch {
      found.faults.append("\(subject)：按草稿办不下去（\(error.message)）")
    }
  }

  private func way(_ walk: ProcessWalk) -> String {
    let steps = walk.steps.map { step in
      let limit = step.rule.limit.map { "，\(HandlerWords.text($0))" } ?? ""
      return "\(step.label)（\(words.text(step.holder))\(limit)）"
    }
    return (steps + [walk.isFinished ? "办结" : "未办结"]).joined(separator: " → ")
  }

  private func result(_ walk: ProcessWalk) -> String {
    let value = walk.instance.variables["outcome"]?.text ?? ""
    let variable = walk.process.definition.variables.first { $0.name == "outcome" }
    return variable?.choice(value)?.label ?? (walk.isFinished ? "办结" : "未办结")
  }

  /// The answers of a case as values of the variables that its steps ask.
  private func answers(of recorded: RecordedCase, _ process: RunnableProcess) -> [String: [[String: Value]]] {
    var answers: [String: [[String: Value]]] = [:]
    for (step, results) in recorded.answers {
      guard let rule = process.rule(of: step) else { continue }
      answers[step] = results.map { result in
        var values: [String: Value] = [:]
        for input in rule.inputs {
          let variable = process.definition.variables.first { $0.name == input.variable }
          if let choice = variable?.choices.first(where: { $0.label == result }) {
            values[input.variable] = .text(choice.value)
          } else if let value = recorded.variables[input.variable] {
            values[input.variable] = value
          }
        }
        return values
      }
    }
    return answers
  }

  // MARK: Items

  private func tryItem(_ found: inout Findings) async throws {
    guard let new = candidate.services.item(key.name) else { return }
    found.golden = new.goldenCases.count
    guard let old = store.cases.services.item(key.name) else { return }
    for recorded in try await store.cases.recorded(item: key.name, withForm: true, limit: Trial.most) {
      found.cases += 1
      let facts = CaseFacts(
        channel: recorded.channel, acceptedBy: recorded.variables["accepted_by"]?.text,
        isOwnStation: recorded.variables["own_station"] != .boolean(false))
      let context = EvaluationContext(now: recorded.submittedAt)
      let before = ApplicationView(old, values: recorded.form, facts: facts, context: context)
      let after = ApplicationView(new, values: recorded.form, facts: facts, context: context)
      compare("办件 \(recorded.number)", before, after, &found)
    }
    for golden in new.goldenCases {
      let facts = CaseFacts(channel: golden.channel, acceptedBy: golden.acceptedBy)
      let context = EvaluationContext(now: GoldenRun.day)
      compare(
        "标准用例 \(golden.name)", ApplicationView(old, values: golden.given, facts: facts, context: context),
        ApplicationView(new, values: golden.given, facts: facts, context: context), &found)
    }
  }

  private func compare(
    _ subject: String, _ before: ApplicationView, _ after: ApplicationView, _ found: inout Findings
  ) {
    found.compare(subject, "受理条件", conditions(before), conditions(after))
    found.compare(subject, "必须材料", materials(before, .required), materials(after, .required))
    found.compare(subject, "可选材料", materials(before, .optional), materials(after, .optional))
    found.compare(subject, "流程", process(before), process(after))
    found.compare(subject, "承诺时限", "\(before.item.limit) 个工作日", "\(after.item.limit) 个工作日")
    found.compare(
      subject, "办理结果", before.item.result.document ?? "无", after.item.result.document ?? "无")
  }

  private func conditions(_ view: ApplicationView) -> String {
    do throws(Refusal) {
      let refusals = try view.refusals()
      return refusals.isEmpty ? "可以受理" : "不予受理：" + refusals.map(\.message).joined(separator: "；")
    } catch { return "不能判断（\(error.message)）" }
  }

  private func materials(_ view: ApplicationView, _ need: MaterialRequirement.Need) -> String {
    guard let materials = try? view.materials() else { return "不能判断" }
    let labels = materials.filter { $0.need == need }.map { "\($0.label)（\($0.medium.label)）" }
    return labels.isEmpty ? "无" : labels.joined(separator: "、")
  }

  private func process(_ view: ApplicationView) -> String {
    guard let name = try? view.process() else { return "没有适用的流程" }
    return candidate.services.processes[name]?.definition.name ?? name
  }

  // MARK: Materials

  private func tryMaterials(_ found: inout Findings) async throws {
    let (old, new) = (store.cases.services, candidate.services)
    for name in Set(old.materials.keys).subtracting(new.materials.keys).sorted() {
      let count = try await store.cases.runningCases(naming: name)
      if count > 0 { found.faults.append("还有 \(count) 件在办的件要用材料“\(old.materials[name]?.label ?? name)”，不能删除。") }
    }
    func compare(_ subject: String, _ item: String, _ values: [String: Value], _ facts: CaseFacts, _ at: Instant) {
      guard let before = old.item(item), let after = new.item(item) else { return }
      let context = EvaluationContext(now: at)
      let (a, b) = (
        ApplicationView(before, values: values, facts: facts, context: context),
        ApplicationView(after, values: values, facts: facts, context: context)
      )
      found.compare(subject, "必须材料", materials(a, .required), materials(b, .required))
      found.compare(subject, "可选材料", materials(a, .optional), materials(b, .optional))
    }
    for recorded in try await store.cases.recorded(withForm: true, limit: Trial.most) {
      found.cases += 1
      let facts = CaseFacts(channel: recorded.channel, acceptedBy: recorded.variables["accepted_by"]?.text)
      compare("办件 \(recorded.number)", recorded.item, recorded.form, facts, recorded.submittedAt)
    }
    for item in new.items {
      for golden in item.goldenCases {
        found.golden += 1
        let facts = CaseFacts(channel: golden.channel, acceptedBy: golden.acceptedBy)
        compare("\(item.label)：\(golden.name)", item.code, golden.given, facts, GoldenRun.day)
      }
    }
  }

  // MARK: Calendars and messages

  private func tryCalendar(_ found: inout Findings) async throws {
    guard let new = candidate.services.calendars[key.name] else { return }
    do { _ = try new.deadline(ProcessDuration(days: 20), from: now) } catch {
      found.faults.append(error.refusal.message)
      return
    }
    guard let old = store.cases.services.calendars[key.name] else { return }
    for recorded in try await store.cases.recorded(limit: Trial.most) {
      found.cases += 1
      guard let item = store.cases.services.item(recorded.item) else { continue }
      let limit = ProcessDuration(days: item.limit)
      let before = (try? old.deadline(limit, from: recorded.submittedAt))?.display ?? "算不出"
      let after = (try? new.deadline(limit, from: recorded.submittedAt))?.display ?? "算不出"
      found.compare("办件 \(recorded.number)", "承诺期限", before, after)
    }
    for days in [1, 5, 20] {
      let before = (try? old.deadline(ProcessDuration(days: days), from: now))?.display ?? "算不出"
      let after = (try? new.deadline(ProcessDuration(days: days), from: now))?.display ?? "算不出"
      found.compare("今天起 \(days) 个工作日", "期限", before, after)
    }
  }

  private func tryMessage(_ found: inout Findings) {
    guard let new = candidate.templates.template(key.name), let old = store.cases.messages.templates.template(key.name)
    else { return }
    let (before, after) = (
      MessageContent(old, old.examples, link: "1024"), MessageContent(new, new.examples, link: "1024")
    )
    found.compare(
      "示例", "渠道", old.channels.map(\.label).joined(separator: "、"), new.channels.map(\.label).joined(separator: "、"))
    found.compare("示例", "标题", before.title, after.title)
    found.compare("示例", "正文", before.text, after.text)
    found.compare("示例", "短信", before.sms ?? "无", after.sms ?? "无")
  }
}
