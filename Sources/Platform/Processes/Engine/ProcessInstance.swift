package import Entities

/// Somebody who may be asked: one user, or all who hold a role in a place (an implementation of finding people names
/// them; the engine compares them only).
package struct Participant: Sendable, Hashable, CustomStringConvertible {
  package let name: String

  package init(_ name: String) { self.name = name }

  package var description: String { name }
}

/// The branches of splits a token is in, outermost first.
package struct ProcessBranch: Sendable, Hashable {
  /// The gateway or timer that split.
  package let split: String
  /// Which time it split: a loop passes it again and again.
  package let activation: Int
  /// The flow it began with, or the gateway that joined several of the split's while others still ran.
  package let flow: String
}

/// Where an instance is at: one token a path that is being followed.
package struct ProcessToken: Sendable, Hashable {
  package let id: Int
  /// The step, timer or gateway it waits at.
  package let node: String
  /// The flow it came by, at a gateway that joins.
  package let via: String?
  package let branches: [ProcessBranch]
  /// The visit of a step whose end set it off.
  package let cause: Int?
  /// The visit it stands for, at a step.
  package let visit: Int?
}

/// One time a step was come to (环节实例).
package struct StepVisit: Sendable, Hashable {
  package enum State: String, Sendable, Hashable {
    /// 办理中.
    case open
    /// 已办结.
    case done
    /// 已退回: somebody in it sent the case back.
    case returned
    /// 已撤回: whoever came before took the case back.
    case withdrawn
    /// 已取消: a return from another branch, a terminating end or the end of the case.
    case cancelled
    /// 已超时转出: its timer went off.
    case timedOut
    /// 已失效: it was done, and a return made it be done over again.
    case superseded
  }

  package let id: Int
  package let node: String
  package let branches: [ProcessBranch]
  package let cause: Int?
  package internal(set) var state: State
  package internal(set) var tasks: [ProcessTask]
  /// Timers on it that have gone off.
  package internal(set) var fired: Set<String> = []
  /// Whether the system did something after it that cannot be taken back.
  package internal(set) var hasEffects = false
}

/// What one participant is asked to do (待办).
package struct ProcessTask: Sendable, Hashable {
  package enum State: String, Sendable, Hashable {
    case open
    /// Waits until those asked before it have answered, or its turn has come.
    case waiting
    case done
    /// Taken away: the step ended without it.
    case dropped
    /// 已减签.
    case removed
  }

  /// Why somebody is asked.
  package enum Kind: String, Sendable, Hashable {
    /// The process asks.
    case own
    /// 前加签: asked by `parent` before deciding.
    case before
    /// 后加签: asked by `parent` after deciding.
    case after
    /// 委派: does the work for `parent`, who confirms.
    case delegated
  }

  package let id: Int
  package internal(set) var holder: Participant
  package internal(set) var state: State
  package let kind: Kind
  package let parent: Int?
}

/// What a join consumed, kept so that a return into one of its branches can put the others back.
struct JoinRecord: Sendable, Hashable {
  let node: String
  let consumed: [ProcessToken]
  let branches: [ProcessBranch]
  let cause: Int?
}

/// A case on its way through a process (流程实例).
///
/// A value: a move makes a new one or throws and leaves everything as it was. `docs/processes.md` says what each move
/// means.
package struct ProcessInstance: Sendable, Hashable {
  package enum State: String, Sendable, Hashable {
    case running
    /// 挂账: nothing may be done and no time runs.
    case shelved
    case finished
    /// 作废.
    case void
  }

  package internal(set) var state: State = .running
  package internal(set) var variables: [String: Value]
  package internal(set) var tokens: [ProcessToken] = []
  package internal(set) var visits: [StepVisit] = []
  package internal(set) var calls: [ProcessCall] = []
  var joins: [JoinRecord] = []
  var counter = 0

  package func visit(_ id: Int) -> StepVisit? { visits.first { $0.id == id } }

  package func call(_ id: Int) -> ProcessCall? { calls.first { $0.id == id } }

  /// Called processes under way, oldest first.
  package var openCalls: [ProcessCall] { calls.filter { $0.state == .open } }

  /// Steps under way, oldest first.
  package var openVisits: [StepVisit] { visits.filter { $0.state == .open } }

  /// What waits for somebody.
  package var openTasks: [(visit: StepVisit, task: ProcessTask)] {
    openVisits.flatMap { visit in visit.tasks.filter { $0.state == .open }.map { (visit, $0) } }
  }

  mutating func number() -> Int {
    counter += 1
    return counter
  }
}

/// What happened in a move, in order; the case's history and what is to be done outside follow from it.
package enum ProcessEvent: Sendable, Hashable {
  case entered(node: String)
  /// A called process began, or is come back to.
  case called(call: Int)
  /// Nothing of a called process is under way any more.
  case left(call: Int, StepVisit.State)
  case opened(visit: Int)
  case closed(visit: Int, StepVisit.State)
  case asked(task: Int)
  case answered(task: Int)
  case dropped(task: Int)
  case assigned(task: Int)
  /// An action is to be done, in the same transaction.
  case service(action: String, node: String)
  case set(variable: String)
  case timer(token: Int)
  case reminded(visit: Int)
  /// The limit of a visit was over, and this was done.
  case overdue(visit: Int, OverdueOutcome)
  case state(ProcessInstance.State)
}
