package import Entities
package import YAML

/// A process (流程): who does what in which order, as a subset of BPMN 2.0 (ISO/IEC 19510).
///
/// A definition may still be wrong; only a ``RunnableProcess`` can be started.
package struct ProcessDefinition: Sendable, Hashable {
  package let id: String
  package let name: String
  /// What conditions may ask for and steps may fill in.
  package let variables: [ProcessVariable]
  /// In the order of the file.
  package let nodes: [ProcessNode]
  package let flows: [ProcessFlow]
  package let layout: ProcessLayout

  package init(
    id: String, name: String, variables: [ProcessVariable] = [], nodes: [ProcessNode], flows: [ProcessFlow],
    layout: ProcessLayout = ProcessLayout()
  ) {
    self.id = id
    self.name = name
    self.variables = variables
    self.nodes = nodes
    self.flows = flows
    self.layout = layout
  }
}

/// A variable of a process (流程变量).
package struct ProcessVariable: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case text, integer, decimal, boolean, date

    package var fieldType: FieldType {
      switch self {
      case .text: .text
      case .integer: .integer
      case .decimal: .decimal
      case .boolean: .boolean
      case .date: .date
      }
    }
  }

  /// One of the values a text variable may have.
  package struct Choice: Sendable, Hashable {
    package let value: String
    package let label: String
    /// The role that the value stands for: such a variable is filled in when the case begins, by who accepts it.
    package let role: String?
    /// Whether whoever chooses it must say why.
    package let needsOpinion: Bool

    package init(value: String, label: String, role: String? = nil, needsOpinion: Bool = false) {
      self.value = value
      self.label = label
      self.role = role
      self.needsOpinion = needsOpinion
    }
  }

  package let name: String
  package let label: String
  package let kind: Kind
  /// Empty when every value of the kind will do; choices are for texts.
  package let choices: [Choice]

  package init(name: String, label: String, kind: Kind, choices: [Choice] = []) {
    self.name = name
    self.label = label
    self.kind = kind
    self.choices = choices
  }

  package func choice(_ value: String) -> Choice? { choices.first { $0.value == value } }
}

/// An element of the diagram that something happens at.
package struct ProcessNode: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case start
    /// A terminating end stops everything that still runs.
    case end(isTerminating: Bool)
    /// 办理环节: somebody has to do something.
    case step(StepRule)
    /// Something the system does at once, by the name of the action.
    case service(action: String)
    /// Variables are worked out.
    case decision([ProcessAssignment])
    /// 调用流程: another process is gone through.
    case call(CallRule)
    case exclusive
    case parallel
    case inclusive
    case timer(ProcessDuration)
    /// Goes off when the step or called process it sits on has been open that long.
    case boundary(host: String, after: ProcessDuration, interrupts: Bool)
  }

  package let id: String
  package let name: String
  package let kind: Kind
  package let position: SourcePosition

  package init(id: String, name: String, kind: Kind, position: SourcePosition) {
    self.id = id
    self.name = name
    self.kind = kind
    self.position = position
  }

  /// The name that people know, or the id.
  package var label: String { name.isEmpty ? id : name }
}

/// Who handles a step, and how several do together.
package struct StepRule: Sendable, Hashable {
  package let handler: StepHandler
  /// Who is asked when nobody is found: without one the process would stop unseen.
  package let fallback: StepHandler
  package let signing: Signing
  /// What is asked of whoever answers.
  package let inputs: [StepInput]
  /// 办理时限, in working time; `nil` for a step without one.
  package let limit: ProcessDuration?
  /// Whether the time of the case stands still meanwhile, as while the applicant brings more materials (补正).
  package let pausesClock: Bool
  /// What of the case's content may be changed here.
  package let edits: Set<StepContent>
  /// How long before the limit whoever is asked hears of it again (到期提醒), in working time.
  package let reminder: ProcessDuration?
  /// What the system does when the limit is over (超时处理).
  package let overdue: OverdueRule?
  /// Who of a pool is asked (派单方式).
  package let dispatch: Dispatch
  /// Fields of the form that are treated otherwise than ``edits`` says (字段权限), by name.
  package let fields: [String: FieldAccess]

  package init(
    handler: StepHandler, fallback: StepHandler, signing: Signing = .one, inputs: [StepInput] = [],
    limit: ProcessDuration? = nil, pausesClock: Bool = false, edits: Set<StepContent> = [],
    reminder: ProcessDuration? = nil, overdue: OverdueRule? = nil, dispatch: Dispatch = .pool,
    fields: [String: FieldAccess] = [:]
  ) {
    self.handler = handler
    self.fallback = fallback
    self.signing = signing
    self.inputs = inputs
    self.limit = limit
    self.pausesClock = pausesClock
    self.edits = edits
    self.reminder = reminder
    self.overdue = overdue
    self.dispatch = dispatch
    self.fields = fields
  }
}

/// A variable that a step asks for.
package struct StepInput: Sendable, Hashable {
  package let variable: String
  package let isRequired: Bool

  package init(variable: String, isRequired: Bool) {
    self.variable = variable
    self.isRequired = isRequired
  }
}

/// What of a case a step may change.
package enum StepContent: String, Sendable, Hashable, CaseIterable {
  /// 表单.
  case form
  /// 材料.
  case materials
}

/// Who gets a task (办理人).
package enum StepHandler: Sendable, Hashable, CustomStringConvertible {
  case role(String)
  /// A role at the place of registration (户籍地), wherever the case was accepted.
  case homeRole(String)
  case post(String)
  case unit(String)
  /// The unit responsible where the case's address lies.
  case unitOfAddress
  case starter
  /// Whoever did an earlier step.
  case sameAs(step: String)
  /// The role that the value of a variable stands for.
  case roleOf(variable: String)

  package init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count == 2 ? parts[1] : nil) {
    case ("role", let name?) where !name.isEmpty: self = .role(name)
    case ("home-role", let name?) where !name.isEmpty: self = .homeRole(name)
    case ("post", let name?) where !name.isEmpty: self = .post(name)
    case ("unit", let name?) where !name.isEmpty: self = .unit(name)
    case ("same-as", let step?) where !step.isEmpty: self = .sameAs(step: step)
    case ("role-of", let variable?) where !variable.isEmpty: self = .roleOf(variable: variable)
    case ("unit-of-address", nil): self = .unitOfAddress
    case ("starter", nil): self = .starter
    default: return nil
    }
  }

  package var description: String {
    switch self {
    case .role(let name): "role:\(name)"
    case .homeRole(let name): "home-role:\(name)"
    case .post(let name): "post:\(name)"
    case .unit(let name): "unit:\(name)"
    case .unitOfAddress: "unit-of-address"
    case .starter: "starter"
    case .sameAs(let step): "same-as:\(step)"
    case .roleOf(let variable): "role-of:\(variable)"
    }
  }
}

/// How many of those asked must act.
package enum Signing: Sendable, Hashable {
  /// One task, for one person or the pool of those who may take it.
  case one
  /// 会签: everybody, side by side or one after the other.
  case all(sequential: Bool)
  /// 或签: the first decides.
  case any
  /// 按比例会签: so many of a hundred, 1 to 100.
  case share(percent: Int)

  /// Whether each of those asked has a task of their own.
  package var isShared: Bool { self != .one }

  /// How many of `count` must have acted before the step is done.
  package func needed(of count: Int) -> Int {
    switch self {
    case .one, .any: 1
    case .all: count
    case .share(let percent): max(1, (count * percent + 99) / 100)
    }
  }
}

/// A variable and the formula it is worked out by.
package struct ProcessAssignment: Sendable, Hashable {
  package let variable: String
  package let formula: String

  package init(variable: String, formula: String) {
    self.variable = variable
    self.formula = formula
  }
}

/// An arrow of the diagram.
package struct ProcessFlow: Sendable, Hashable {
  package let id: String
  package let name: String
  package let source: String
  package let target: String
  package let condition: String?
  /// Taken from its gateway when no condition holds.
  package let isDefault: Bool
  package let position: SourcePosition

  package init(
    id: String, name: String = "", source: String, target: String, condition: String? = nil, isDefault: Bool = false,
    position: SourcePosition
  ) {
    self.id = id
    self.name = name
    self.source = source
    self.target = target
    self.condition = condition
    self.isDefault = isDefault
    self.position = position
  }
}

/// Where the parts stand in the diagram, in pixels.
package struct ProcessLayout: Sendable, Hashable {
  package struct Frame: Sendable, Hashable {
    package let x: Double
    package let y: Double
    package let width: Double
    package let height: Double
  }

  package struct Point: Sendable, Hashable {
    package let x: Double
    package let y: Double
  }

  package var frames: [String: Frame] = [:]
  package var lines: [String: [Point]] = [:]

  package init() {}
}

/// A length of time as BPMN writes it (ISO 8601): `P3D`, `PT2H30M`. What a day or hour is, the calendar says.
package struct ProcessDuration: Sendable, Hashable, CustomStringConvertible {
  package let days: Int
  package let hours: Int
  package let minutes: Int

  /// - Precondition: none is negative, and one is not zero.
  package init(days: Int = 0, hours: Int = 0, minutes: Int = 0) {
    precondition(min(days, hours, minutes) >= 0 && days + hours + minutes > 0, "a duration lasts")
    (self.days, self.hours, self.minutes) = (days, hours, minutes)
  }

  /// `nil` unless `text` is a positive duration of days, hours and minutes.
  package init?(_ text: String) {
    var rest = Substring(text)
    guard rest.popFirst() == "P" else { return nil }
    var found: [Character: Int] = [:]
    var units: [Character] = ["D"]
    var isTime = false
    while let first = rest.first {
      if first == "T", !isTime {
        rest.removeFirst()
        isTime = true
        units = ["H", "M"]
        guard !rest.isEmpty else { return nil }
        continue
      }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      guard let number = Int(digits), number <= 100_000, let unit = rest.popFirst(),
        let place = units.firstIndex(of: unit)
      else { return nil }
      units.removeSubrange(...place)
      found[unit] = number
    }
    (days, hours, minutes) = (found["D"] ?? 0, found["H"] ?? 0, found["M"] ?? 0)
    guard days + hours + minutes > 0 else { return nil }
  }

  package var description: String {
    let time = (hours > 0 ? "\(hours)H" : "") + (minutes > 0 ? "\(minutes)M" : "")
    return "P" + (days > 0 ? "\(days)D" : "") + (time.isEmpty ? "" : "T" + time)
  }
}
