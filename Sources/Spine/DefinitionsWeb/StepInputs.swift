import HTTP
import Processes
import Shell

/// A step as it is typed, right or wrong.
struct StepInputs {
  var name = ""
  var handler = ""
  var fallback = ""
  var signing = "one"
  var percent = ""
  var dispatch = "pool"
  var limit = Length()
  var remind = Length()
  var overdue = ""
  var pauses = false
  var edits: Set<String> = []
  var asked: Set<String> = []
  var required: Set<String> = []
  var fields: [String: String] = [:]

  /// Working days and hours.
  struct Length {
    var days = ""
    var hours = ""

    init() {}

    init(_ duration: ProcessDuration?) {
      guard let duration else { return }
      if duration.days > 0 { days = String(duration.days) }
      let hours = duration.hours * 60 + duration.minutes
      if hours > 0 { self.hours = hours % 60 == 0 ? String(hours / 60) : String(Double(hours) / 60) }
    }

    init(_ form: FormData, _ name: String) {
      days = String((form.first("\(name)_days") ?? "").filter { !$0.isWhitespace }.prefix(8))
      hours = String((form.first("\(name)_hours") ?? "").filter { !$0.isWhitespace }.prefix(8))
    }

    /// `nil` for none.
    ///
    /// - Throws: what is wrong.
    func read(_ field: String, _ label: String, _ errors: inout [FieldError]) -> ProcessDuration? {
      let days = days.isEmpty ? 0 : Int(self.days)
      let hours = hours.isEmpty ? 0 : Double(self.hours)
      guard let days, let hours, (0...400).contains(days), (0...1000).contains(hours) else {
        errors.append(FieldError("\(field)_days", "\(label)应写成天数（0–400）和小时数（如 2 或 1.5）。"))
        return nil
      }
      let minutes = Int((hours * 60).rounded())
      if days == 0, minutes == 0 { return nil }
      return ProcessDuration(days: days, hours: minutes / 60, minutes: minutes % 60)
    }
  }

  private init() {}

  static let blank = StepInputs()

  init(_ name: String, _ rule: StepRule) {
    self.name = name
    handler = rule.handler.description
    fallback = rule.fallback.description
    switch rule.signing {
    case .one: signing = "one"
    case .all(let sequential): signing = sequential ? "sequential" : "all"
    case .any: signing = "any"
    case .share(let percent):
      signing = "share"
      self.percent = String(percent)
    }
    dispatch = rule.dispatch.rawValue
    limit = Length(rule.limit)
    remind = Length(rule.reminder)
    overdue = rule.overdue?.description ?? ""
    pauses = rule.pausesClock
    edits = Set(rule.edits.map(\.rawValue))
    asked = Set(rule.inputs.map(\.variable))
    required = Set(rule.inputs.filter(\.isRequired).map(\.variable))
    fields = rule.fields.mapValues(\.rawValue)
  }

  init(_ form: FormData) {
    name = String((form.first("name") ?? "").prefix(60))
    handler = form.first("handler") ?? ""
    fallback = form.first("fallback") ?? ""
    signing = form.first("signing") ?? "one"
    percent = form.first("percent") ?? ""
    dispatch = form.first("dispatch") ?? "pool"
    limit = Length(form, "limit")
    remind = Length(form, "remind")
    overdue = form.first("overdue") ?? ""
    pauses = form.first("pauses") != nil
    edits = Set(form.all("edits"))
    asked = Set(form.all("asked"))
    required = Set(form.all("required"))
    for item in form.fields.items where item.name.hasPrefix("field.") && !item.value.isEmpty {
      fields[String(item.name.dropFirst(6))] = item.value
    }
  }

  /// The rule, or what keeps it from being one.
  func read(over definition: ProcessDefinition) -> (rule: StepRule?, errors: [FieldError]) {
    var errors: [FieldError] = []
    if name.allSatisfy(\.isWhitespace) { errors.append(FieldError("name", "请填写环节名称。")) }
    let handler = StepHandler(handler)
    if handler == nil { errors.append(FieldError("handler", "请选择办理人。")) }
    let fallback = StepHandler(fallback)
    if fallback == nil { errors.append(FieldError("fallback", "请选择兜底办理人，找不到办理人时由他办理。")) }
    var way = Signing.one
    switch signing {
    case "all": way = .all(sequential: false)
    case "sequential": way = .all(sequential: true)
    case "any": way = .any
    case "share":
      guard let percent = Int(percent), (1...100).contains(percent) else {
        errors.append(FieldError("percent", "会签比例应为 1 到 100。"))
        break
      }
      way = .share(percent: percent)
    default: break
    }
    let limit = limit.read("limit", "办理时限", &errors)
    let remind = remind.read("remind", "到期提醒", &errors)
    let rule = overdue.isEmpty ? nil : OverdueRule(overdue)
    if !overdue.isEmpty, rule == nil { errors.append(FieldError("overdue", "请选择超时处理。")) }
    let inputs = definition.variables.filter { asked.contains($0.name) }.map {
      StepInput(variable: $0.name, isRequired: required.contains($0.name))
    }
    guard errors.isEmpty, let handler, let fallback else { return (nil, errors) }
    return (
      StepRule(
        handler: handler, fallback: fallback, signing: way, inputs: inputs, limit: limit, pausesClock: pauses,
        edits: Set(edits.compactMap(StepContent.init)), reminder: remind, overdue: rule,
        dispatch: Dispatch(rawValue: dispatch) ?? .pool, fields: fields.compactMapValues(FieldAccess.init)), []
    )
  }
}
