package import YAML

/// What plans by the calendar (周期计划) may make of a register, from the key `plannable`.
package struct PlanRole: Sendable {
  /// The fields that a plan fills in, the same in every period.
  package let fields: [String]
  /// The reference to the user whose turn it is.
  package let assignee: String?
  /// The date that becomes the day of the period.
  package let day: String?
  /// The instants at which it begins that day, and ends so many hours later.
  package let from: String?
  /// The instant at which it ends; see ``from``.
  package let until: String?
  /// What is worked out when the record is made, over the values that it has by then.
  package let set: [ActionDeclaration.Assignment]
  /// The action of the register that `set` does at once, such as issuing a task; whoever plans needs its permission too.
  package let action: String?
  /// Where it is declared, for findings.
  package let position: SourcePosition

  /// Every field that gets a value from a plan, whatever the plan says.
  package var given: Set<String> {
    Set([assignee, day, from, until].compactMap(\.self) + set.map(\.field))
  }
}

extension EntityDeclaration {
  /// The dictionary of the registers that plans can be made for; the check proves it to be just these.
  package static let planDictionary = "plan_register"
}
