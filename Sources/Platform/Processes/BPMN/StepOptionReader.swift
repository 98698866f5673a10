import XML

/// Reads what a `userTask` says of reminders, overdue limits, dispatch and fields.
struct StepOptionReader {
  private(set) var reminder: ProcessDuration?
  private(set) var overdue: OverdueRule?
  private(set) var dispatch = Dispatch.pool
  private(set) var fields: [String: FieldAccess] = [:]
  private(set) var problems: [String] = []

  init(_ element: XMLElement, _ label: String) {
    if let text = element["remind", in: BPMN.lifang] {
      reminder = ProcessDuration(text)
      if reminder == nil { problems.append("\(label)的到期提醒“\(text)”读不懂。请写成到期前多久，如 P1D、PT2H。") }
    }
    if let text = element["overdue", in: BPMN.lifang] {
      overdue = OverdueRule(text)
      if overdue == nil {
        problems.append(
          "\(label)的超时处理“\(text)”读不懂。可用的有：pass、return、return:环节、transfer、escalate:role:角色（或 post:、unit:）。")
      }
    }
    if let text = element["dispatch", in: BPMN.lifang] {
      if let read = Dispatch(rawValue: text) {
        dispatch = read
      } else {
        let known = Dispatch.allCases.map(\.rawValue).joined(separator: "、")
        problems.append("\(label)的派单方式“\(text)”读不懂。可用的有：\(known)。")
      }
    }
    readFields(element.child("extensionElements", in: BPMN.model)?.children("field", in: BPMN.lifang) ?? [], label)
  }

  private mutating func readFields(_ elements: [XMLElement], _ label: String) {
    for element in elements {
      guard let name = element["name"], !name.isEmpty, let access = element["access"].flatMap(FieldAccess.init) else {
        problems.append("\(label)的 lifang:field 要写明 name 和 access（read、edit 或 hide）。请补上。")
        continue
      }
      if fields.updateValue(access, forKey: name) != nil { problems.append("\(label)把字段“\(name)”写了两次。请删去一个。") }
    }
  }
}
