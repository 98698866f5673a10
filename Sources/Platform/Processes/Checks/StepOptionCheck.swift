extension StepRule {
  /// What is wrong with reminder, overdue rule and dispatch, to be said behind the name of the step.
  func optionProblems(in definition: ProcessDefinition) -> [String] {
    var problems: [String] = []
    if let reminder {
      if let limit {
        if reminder.isLonger(than: limit) { problems.append("的到期提醒（\(reminder)）比办理时限（\(limit)）还长。请改短。") }
      } else {
        problems.append("写了到期提醒，但没有办理时限（lifang:limit）。请补上时限或删去提醒。")
      }
    }
    if dispatch != .pool {
      if signing.isShared { problems.append("由多人会签，每个人都会收到任务，不能再设派单方式。请删去其中一样。") }
      switch handler {
      case .starter, .sameAs: problems.append("的办理人已是确定的人，派单方式不起作用。请删去。")
      default: break
      }
    }
    return problems + overdueProblems(in: definition)
  }

  private func overdueProblems(in definition: ProcessDefinition) -> [String] {
    guard let overdue else { return [] }
    if limit == nil { return ["写了超时处理，但没有办理时限（lifang:limit）。请补上时限或删去超时处理。"] }
    switch overdue {
    case .pass:
      return inputs.filter(\.isRequired).compactMap { input in
        guard let variable = definition.variables.first(where: { $0.name == input.variable }) else { return nil }
        return variable.choices.isEmpty
          ? "超时自动通过，但必须填写的“\(variable.label)”没有可选值，系统不知道填什么。请给它可选值，或改用其他超时处理。" : nil
      }
    case .back(let step?):
      let isStep = definition.nodes.contains { node in
        if case .step = node.kind { node.id == step } else { false }
      }
      return isStep ? [] : ["超时退回到环节“\(step)”，但没有这个环节。请改正。"]
    case .back, .escalate: return []
    case .transfer:
      return handler == fallback ? ["超时转给兜底办理人，但兜底办理人与办理人相同。请另选兜底办理人，或改用其他超时处理。"] : []
    }
  }
}

extension ProcessDuration {
  /// By days first, then by hours and minutes: how long a day of work is, only a calendar knows.
  fileprivate func isLonger(than other: ProcessDuration) -> Bool {
    (days, hours * 60 + minutes) > (other.days, other.hours * 60 + other.minutes)
  }
}
