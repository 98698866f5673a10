package import Entities

/// What may be done with a running instance; `docs/processes.md` says what each means.
package enum ProcessMove: Sendable, Hashable {
  /// 办理: answers a task, and fills in variables.
  case complete(task: Int, values: [String: Value])
  /// 转办: another takes the task over.
  case transfer(task: Int, to: Participant)
  /// 委派: another does the work, and the task comes back to be confirmed.
  case delegate(task: Int, to: Participant)
  /// 前加签: others are asked first.
  case addBefore(task: Int, [Participant])
  /// 后加签: others are asked afterwards.
  case addAfter(task: Int, [Participant])
  /// 减签: somebody who was added, or is one of several, is not asked any more.
  case remove(task: Int)
  /// 退回 to an earlier step.
  case back(task: Int, to: String)
  /// 撤回: takes back what was sent on from a step, while nobody has acted on it.
  case withdraw(visit: Int)
  /// 挂账.
  case shelve
  case resume
  /// 作废.
  case void
  /// 重开: a finished case goes on at a step it has been through.
  case reopen(at: String)
  /// A timer between steps has run out.
  case elapse(token: Int)
  /// A timer on a step has run out.
  case fire(visit: Int, timer: String)
  /// 到期提醒: the limit of a step comes near; said once.
  case remind(visit: Int)
  /// 超时处理: the limit of a step is over, and its rule says what the system does.
  case overdue(visit: Int)
}
