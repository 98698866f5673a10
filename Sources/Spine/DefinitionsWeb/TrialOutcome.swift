import Cases
import Core
import Definitions
import Entities
import EntitiesWeb
import HTML
import Processes
import Shell
import YAML

/// What an item makes of a filled-in form: may it be applied for, with which materials, over whose desks.
struct TrialOutcome {
  private let item: ServiceItem
  private let given: [String: Value]
  private let facts: CaseFacts
  /// What the form itself and the conditions refuse.
  private var refusals: [String] = []
  private var materials: [MaterialRequirement] = []
  private var process = ""
  private var processName = ""
  private var walk: ProcessWalk?
  private var fault: String?
  private let words: HandlerWords

  init(
    _ item: ServiceItem, _ given: [String: Value], _ facts: CaseFacts, _ context: EvaluationContext,
    _ services: ServiceCatalog, _ words: HandlerWords, _ catalog: Catalog
  ) {
    self.item = item
    self.given = given
    self.facts = facts
    self.words = words
    let view = ApplicationView(item, values: given, facts: facts, context: context)
    do {
      if let form = catalog.entity(item.form) {
        let validator = RecordValidator(form, catalog: catalog)
        let values = try validator.defaults(in: context).merging(view.values) { _, given in given }
          .merging([ServiceCase.reference: .integer(1)]) { _, one in one }
        refusals += validator.refusals(for: values, in: context).map(\.message)
      }
      refusals += try view.refusals().map(\.message)
      materials = try view.materials()
      process = try view.process()
      if let runnable = services.processes[process] {
        processName = runnable.definition.name
        walk = try ProcessWalk(
          runnable, variables: try view.variables(of: runnable.definition, delivery: item.result.delivery.first),
          context: context)
      }
    } catch {
      fault = error.message
    }
  }

  /// Whether it went through to the end, and can stand as a golden case.
  var isComplete: Bool { fault == nil && refusals.isEmpty && walk?.isFinished == true }

  private func labels(_ need: MaterialRequirement.Need) -> String {
    let labels = materials.filter { $0.need == need }.map { "\($0.label)（\($0.medium.label)）" }
    return labels.isEmpty ? "无" : labels.joined(separator: "、")
  }

  var html: HTML {
    Card("试填的结果", id: "outcome") {
      if let fault { Notice(.danger, "不能办理：\(fault)") }
      if !refusals.isEmpty {
        Notice(.warning, title: "不予受理：") { ul { for refusal in refusals { li { refusal } } } }
      } else if fault == nil {
        Notice(.success, "可以受理。")
      }
      DetailList([
        DetailItem("必须材料", text: labels(.required), isWide: true),
        DetailItem("可选材料", text: labels(.optional), isWide: true), DetailItem("流程", text: processName),
        DetailItem("承诺时限", text: "\(item.limit) 个工作日"), DetailItem("办理结果", text: item.result.document ?? "无"),
        DetailItem(
          "经过的环节",
          text: (walk?.steps ?? []).map { "\($0.label)（\(words.text($0.holder))）" }.joined(separator: " → "),
          isWide: true),
      ])
    }.html
  }

  private static func node(_ value: Value) -> YAMLNode {
    switch value {
    case .boolean(let flag): .plain(flag ? "true" : "false")
    case .list(let values): .sequence(values.map { .string($0) })
    default: .string(FieldControl.editText(value))
    }
  }

  /// What was filled in and what came of it, as the item keeps it.
  func golden(named name: String) -> YAMLNode {
    func list(_ names: [String]) -> YAMLNode { .sequence(names.map { .string($0) }) }
    let roles = (walk?.steps ?? []).filter { step in step.rule.inputs.contains { $0.variable == "review" } }.map {
      $0.holder.hasPrefix("role:") ? String($0.holder.dropFirst(5)) : $0.holder
    }
    var expect: [(String, YAMLNode)] = [
      ("materials", list(materials.filter { $0.need == .required }.map(\.name))),
      ("optional", list(materials.filter { $0.need == .optional }.map(\.name))), ("process", .string(process)),
      ("approvers", list(roles)),
    ]
    if let document = item.result.document { expect.append(("result", .string(document))) }
    return .mapping([
      ("name", .string(name)), ("channel", .string(facts.channel.rawValue)),
      ("accepted_by", .string(facts.acceptedBy ?? "officer")),
      (
        "given",
        .mapping(
          given.sorted { $0.key < $1.key }.map { name, value in
            (name, TrialOutcome.node(value))
          })
      ), ("expect", .mapping(expect)),
    ])
  }
}
