/// What the system does when the limit of a step is over (超时处理), `lifang:overdue`.
package enum OverdueRule: Sendable, Hashable, CustomStringConvertible {
  /// 自动通过: the step counts as answered, with the first choice of each variable that it has to ask for.
  case pass
  /// 自动退回: to a step the case has been through, the latest when none is named.
  case back(to: String?)
  /// 升级: somebody above is asked instead of those who have not answered.
  case escalate(StepHandler)
  /// 转兜底办理人: the fallback of the step is asked instead.
  case transfer

  /// `nil` unless `text` is `pass`, `return`, `return:STEP`, `transfer` or `escalate:HANDLER` with a role, post or unit.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count == 2 ? parts[1] : nil) {
    case ("pass", nil): self = .pass
    case ("return", nil): self = .back(to: nil)
    case ("return", let step?) where !step.isEmpty: self = .back(to: step)
    case ("transfer", nil): self = .transfer
    case ("escalate", let handler?):
      switch StepHandler(handler) {
      case .role(let name)?: self = .escalate(.role(name))
      case .post(let name)?: self = .escalate(.post(name))
      case .unit(let name)?: self = .escalate(.unit(name))
      default: return nil
      }
    default: return nil
    }
  }

  package var description: String {
    switch self {
    case .pass: "pass"
    case .back(let step): step.map { "return:\($0)" } ?? "return"
    case .escalate(let handler): "escalate:\(handler)"
    case .transfer: "transfer"
    }
  }
}

/// What came of a step whose limit was over.
package enum OverdueOutcome: String, Sendable, Hashable {
  case passed
  case returned
  /// Others are asked now.
  case handedOn = "handed-on"
  /// There was nowhere to return to, or nobody else to ask: everything stays, and those who are asked hear of it.
  case unchanged

  package var label: String {
    switch self {
    case .passed: "自动通过"
    case .returned: "自动退回"
    case .handedOn: "改由他人办理"
    case .unchanged: "仍由原办理人办理"
    }
  }
}

/// Who of a pool is asked when a step is come to (派单方式), `lifang:dispatch`.
package enum Dispatch: String, Sendable, Hashable, CaseIterable {
  /// 抢单: whoever takes the task.
  case pool
  /// 轮流派单: one after the other.
  case roundRobin = "round-robin"
  /// 按在办量派单: whoever has the fewest open tasks.
  case least

  package var label: String {
    switch self {
    case .pool: "由办理人签收"
    case .roundRobin: "轮流派给每个人"
    case .least: "派给在办最少的人"
    }
  }
}

/// What whoever works on a step may do with a field of the form (字段权限), `<lifang:field name access>`.
package enum FieldAccess: String, Sendable, Hashable, CaseIterable {
  case read, edit, hide

  package var label: String {
    switch self {
    case .read: "只读"
    case .edit: "可改"
    case .hide: "隐藏"
    }
  }
}

extension StepRule {
  /// Everybody it may ask: handler, fallback, and whom an overdue limit is handed to.
  package var handlers: [StepHandler] {
    if case .escalate(let handler)? = overdue { [handler, self.handler, fallback] } else { [handler, fallback] }
  }

  /// What may be done with a field of the form here: what is said of it, else what is said of the whole form.
  package func access(to field: String) -> FieldAccess { fields[field] ?? (edits.contains(.form) ? .edit : .read) }

  /// Whether something of the form may be changed here.
  package var editsForm: Bool { edits.contains(.form) || fields.values.contains(.edit) }

  /// Whether anything of the case's content may be changed here.
  package var editsContent: Bool { editsForm || edits.contains(.materials) }
}
