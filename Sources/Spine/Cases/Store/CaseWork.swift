package import Access
import Core
import Entities
package import Processes
import SQL

/// A task with what answering it needs, and nothing else of its case.
package struct CaseWork: Sendable {
  package let id: Int64
  package let task: Int
  package let kind: ProcessTask.Kind
  package let step: String
  package let label: String
  package let rule: StepRule
  package let process: RunnableProcess
}

extension CaseStore {
  /// The task of somebody who may answer it.
  ///
  /// - Throws: ``Refusal`` `case-missing` to those who may not see the case, `task-taken` with who has it to others,
  ///   `task-done` and `task-not-open` when it is over.
  package func work(_ id: Int64, task number: Int, of principal: Principal) async throws -> CaseWork {
    let (work, holder, starter) = try await opened(id, task: number)
    if try await holds(holder, principal, in: store.database) { return work }
    try await store.database.transaction { transaction in
      _ = try await access(to: id, starter: starter, principal, in: transaction)
      let holder = try await tasks(of: id, in: transaction).first { $0.number == number }?.holder ?? "别人"
      throw Refusal(.conflict, "task-taken", "这项任务由\(holder)办理，您的操作没有保存。请刷新待办后查看。")
    }
    return work
  }

  /// The task, when it is open; ``move(_:_:opinion:content:by:origin:)`` judges who may do what with it.
  ///
  /// - Throws: ``Refusal`` `task-not-open`.
  package func openWork(_ id: Int64, task number: Int) async throws -> CaseWork {
    try await opened(id, task: number).work
  }

  private func opened(_ id: Int64, task number: Int) async throws -> (
    work: CaseWork, holder: Participant, starter: Int64
  ) {
    let row = try await store.database.query(
      "select process_version_id, starter_id, instance from case_process where case_id = \(id)"
    ).first
    guard let row else { throw CaseStore.notOpen }
    let process = try await versions.process(try row.get("process_version_id"), in: store.database)
    let instance = try ProcessInstance(json: try row.get("instance"))
    guard let (visit, task) = instance.task(number), task.state == .open, visit.state == .open,
      let rule = process.rule(of: visit.node)
    else {
      let done = try await store.database.query(
        """
        select u.name from case_task t join app_user u on u.id = t.done_by
        where t.case_id = \(id) and t.number = \(number)
        """
      ).first
      if let name = try done?.get("name", as: String.self) {
        throw Refusal(.conflict, "task-done", "这项任务已由\(name)办理，您的操作没有保存。请刷新待办后查看。")
      }
      throw CaseStore.notOpen
    }
    let work = CaseWork(
      id: id, task: number, kind: task.kind, step: visit.node, label: process.node(visit.node)?.label ?? visit.node,
      rule: rule, process: process)
    return (work, task.holder, try row.get("starter_id"))
  }

  private static let notOpen = Refusal(
    .conflict, "task-not-open", "这项任务已经办过、收回或由别人办理，您的操作没有保存。请刷新待办后查看。")
}
