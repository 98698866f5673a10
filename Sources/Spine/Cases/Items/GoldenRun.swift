package import Core
package import Entities
import Processes
import YAML

/// Runs the golden cases of an item: what is handed in, which materials are asked for, which process is taken, who
/// approves and what comes of it, all against what the item says must come.
package struct GoldenRun: Sendable {
  private let services: ServiceCatalog
  private let catalog: Catalog
  private let context: EvaluationContext

  /// The day on which golden cases happen, so that ages in them stay what they were.
  package static let day = Instant(seconds: 1_795_226_400)

  package init(_ services: ServiceCatalog, catalog: Catalog) {
    self.services = services
    self.catalog = catalog
    context = EvaluationContext(now: GoldenRun.day)
  }

  /// What came out otherwise than expected, with the place of the case; empty when all is as it should be.
  package func findings(of item: ServiceItem) -> [Finding] {
    item.goldenCases.flatMap { golden in
      differences(golden, item).map {
        Finding(.error, golden.position, "事项“\(item.label)”的标准用例“\(golden.name)”：\($0)")
      }
    }
  }

  private func differences(_ golden: GoldenCase, _ item: ServiceItem) -> [String] {
    let facts = CaseFacts(channel: golden.channel, acceptedBy: golden.acceptedBy)
    let view = ApplicationView(item, values: golden.given, facts: facts, context: context)
    do throws(Refusal) {
      var differences = try formFaults(view)
      differences += try view.refusals().map { "不符合受理条件（\($0.message)）" }
      let materials = try view.materials()
      compare("必须材料", materials.filter { $0.need == .required }.map(\.name), golden.materials, &differences)
      compare("可选材料", materials.filter { $0.need == .optional }.map(\.name), golden.optional, &differences)
      let name = try view.process()
      compare("流程", [name], [golden.process], &differences)
      if let process = services.processes[name] {
        compare("审批人", try approvers(process, view, item), golden.approvers, &differences)
      }
      compare("办理结果", [item.result.document].compactMap(\.self), [golden.result].compactMap(\.self), &differences)
      return differences
    } catch {
      return ["不能受理（\(error.message)）"]
    }
  }

  private func compare(_ what: String, _ found: [String], _ expected: [String], _ differences: inout [String]) {
    if found == expected { return }
    func text(_ list: [String]) -> String { list.isEmpty ? "无" : list.joined(separator: "、") }
    differences.append("\(what)应为 \(text(expected))，却是 \(text(found))")
  }

  /// What the form would refuse.
  private func formFaults(_ view: ApplicationView) throws(Refusal) -> [String] {
    guard let form = catalog.entity(view.item.form) else { return ["没有表单"] }
    let validator = RecordValidator(form, catalog: catalog)
    let values = try validator.defaults(in: context).merging(view.values) { _, given in given }
      .merging([ServiceCase.reference: .integer(1)]) { _, one in one }
    let hidden = view.item.hidden.filter { view.item.preset[$0] == nil && view.values[$0] != nil }
    return validator.refusals(for: values, in: context).map { "表单不能通过（\($0.message)）" }
      + hidden.sorted().map { "填写了隐去的字段 \($0)" }
  }

  /// Walks the process with every answer favourable; the roles of the steps that review, in order.
  private func approvers(_ process: RunnableProcess, _ view: ApplicationView, _ item: ServiceItem) throws(Refusal)
    -> [String]
  {
    let walk = try ProcessWalk(
      process, variables: try view.variables(of: process.definition, delivery: item.result.delivery.first),
      context: context)
    let roles = walk.steps.filter { step in step.rule.inputs.contains { CallPath.local($0.variable) == "review" } }.map
    { step in
      step.holder.split(separator: ":", maxSplits: 1).last.map { String($0) } ?? step.holder
    }
    if !walk.isFinished {
      throw Refusal(.unprocessable, "golden-unfinished", "一路通过也没有办结，停在 \(walk.instance.steps(in: process))")
    }
    return roles
  }
}
