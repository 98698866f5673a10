package import Core
package import Entities
package import Processes

/// What is known of an application besides its form, for conditions of items and processes.
package struct CaseFacts: Sendable, Hashable {
  package let channel: CaseChannel
  /// Who takes it up inside, as a value of the process variable `accepted_by`; `nil` while that is open.
  package let acceptedBy: String?
  /// Whether the accepting station is the one the household belongs to (否则为通办).
  package let isOwnStation: Bool
  /// What the applicant is to the person concerned, a code of 与被申请人关系; `nil` while that is open.
  package let relation: String?

  package init(channel: CaseChannel, acceptedBy: String?, isOwnStation: Bool = true, relation: String? = nil) {
    self.channel = channel
    self.acceptedBy = acceptedBy
    self.isOwnStation = isOwnStation
    self.relation = relation
  }

  /// The names that expressions may use beside the form's fields.
  package static let names: [(name: String, label: String, type: FieldType)] = [
    ("channel", "申请渠道", .text), ("accepted_by", "受理人员", .text), ("own_station", "户籍地受理", .boolean),
    ("relation", "与被申请人关系", .text),
  ]

  func value(_ name: String) -> Value? {
    switch name {
    case "channel": .text(channel.rawValue)
    case "accepted_by": acceptedBy.map { .text($0) } ?? .null
    case "own_station": .boolean(isOwnStation)
    case "relation": relation.map { .text($0) } ?? .null
    default: nil
    }
  }
}

/// An application as its item judges it: the form's values and the facts.
package struct ApplicationView: Sendable {
  package let item: ServiceItem
  package let values: [String: Value]
  package let facts: CaseFacts
  package let context: EvaluationContext

  /// - Parameter values: of the form; what the item presets is laid over them.
  package init(_ item: ServiceItem, values: [String: Value], facts: CaseFacts, context: EvaluationContext) {
    self.item = item
    self.values = values.merging(item.preset) { _, preset in preset }
    self.facts = facts
    self.context = context
  }

  private func lookup(_ name: String) -> Value { facts.value(name) ?? values[name] ?? .null }

  /// The conditions that do not hold; one that cannot be told, for want of an answer, is not held against anybody.
  package func refusals() throws(Refusal) -> [Refusal] {
    var refusals: [Refusal] = []
    for condition in item.conditions where try condition.check.evaluate(in: context, lookup) == .boolean(false) {
      refusals.append(Refusal(.unprocessable, "item-condition", condition.message, field: condition.field))
    }
    return refusals
  }

  /// The materials that this application needs or may bring, in the item's order.
  package func materials() throws(Refusal) -> [MaterialRequirement] {
    var needed: [MaterialRequirement] = []
    for requirement in item.materials {
      if let when = requirement.when, try !when.holds(in: context, lookup) { continue }
      needed.append(requirement)
    }
    return needed
  }

  /// The name of the process it takes.
  package func process() throws(Refusal) -> String {
    for flow in item.flows {
      guard let when = flow.when else { return flow.process }
      if try when.holds(in: context, lookup) { return flow.process }
    }
    throw Refusal(.unprocessable, "item-no-flow", "事项“\(item.label)”没有适用的流程。请联系系统管理员检查事项配置。")
  }

  /// Whether somebody has to bring a paper: the process asks for it after the review.
  package func needsOriginals() throws(Refusal) -> Bool {
    guard facts.channel == .online else { return false }
    return try materials().contains { $0.need == .required && $0.medium == .original }
  }

  /// The values that the process begins with, as far as it declares them.
  ///
  /// - Parameter bringsOriginals: whether the applicant chose to bring or send a paper instead of files.
  package func variables(of process: ProcessDefinition, delivery: CaseDelivery?, bringsOriginals: Bool = false)
    throws(Refusal) -> [String: Value]
  {
    let known: [String: Value] = [
      "channel": .text(facts.channel.rawValue), "accepted_by": facts.acceptedBy.map { .text($0) } ?? .null,
      "own_station": .boolean(facts.isOwnStation),
      "originals": .boolean(try needsOriginals() || (bringsOriginals && facts.channel == .online)),
      "delivery": .text(delivery?.rawValue ?? "none"),
    ]
    let declared = Set(process.variables.map(\.name))
    return known.filter { declared.contains($0.key) && !$0.value.isNull }
  }
}
