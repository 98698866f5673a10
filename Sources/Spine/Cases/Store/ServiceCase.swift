package import Entities
package import Identity
package import Processes

/// The register of cases, by the names of its fields.
package enum ServiceCase {
  package static let entity = "service_case"
  package static let material = "case_material"
  /// 电子签名.
  package static let signature = "case_signature"
  /// 通办业务.
  package static let cityWide = "city_wide_case"
  /// What subscribers are told of completed ones (通办办结通知).
  static let cityWideResult = "city_wide_result"
  /// The reference of everything attached to a case.
  package static let reference = "service_case_id"
}

/// Who is asked, as the engine knows them: a user or a pool.
package enum CaseParticipant: Sendable, Hashable {
  case user(Int64)
  case pool(Responsibility.Pool)

  /// `user:17`, `role:hukou_officer@12`, `unit:@12`.
  package var participant: Participant {
    switch self {
    case .user(let id): Participant("user:\(id)")
    case .pool(let pool): Participant("\(pool.kind.rawValue):\(pool.code)@\(pool.unit)")
    }
  }

  package init?(_ participant: Participant) {
    let parts = participant.name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    if parts[0] == "user" {
      guard let id = Int64(parts[1]) else { return nil }
      self = .user(id)
      return
    }
    guard let kind = Responsibility.Pool.Kind(rawValue: String(parts[0])), let at = parts[1].lastIndex(of: "@"),
      let unit = Int64(parts[1][parts[1].index(after: at)...])
    else { return nil }
    self = .pool(.init(kind, String(parts[1][..<at]), unit: unit))
  }
}

/// What may be done with a case; `docs/processes.md` says what each means.
package enum CaseMove: Sendable {
  /// 签收: takes a task out of its pool.
  case claim(task: Int)
  /// 放回: gives it back.
  case release(task: Int)
  case complete(task: Int, values: [String: Value])
  case transfer(task: Int, to: Int64)
  case delegate(task: Int, to: Int64)
  case addBefore(task: Int, [Int64])
  case addAfter(task: Int, [Int64])
  case remove(task: Int)
  case back(task: Int, to: String)
  case withdraw(visit: Int)
  case shelve
  case resume
  /// 作废 by the office, or 撤销 by the applicant.
  case void
  case reopen(at: String)
  case elapse(token: Int)
  case fire(visit: Int, timer: String)
  /// 到期提醒.
  case remind(visit: Int)
  /// 超时处理.
  case overdue(visit: Int)

  /// The task it is about.
  package var task: Int? {
    switch self {
    case .claim(let task), .release(let task), .complete(let task, _), .transfer(let task, _), .delegate(let task, _),
      .addBefore(let task, _), .addAfter(let task, _), .remove(let task), .back(let task, _):
      task
    default: nil
    }
  }

  /// Whether somebody may have to be found for a step that it opens.
  var opensSteps: Bool {
    switch self {
    case .claim, .release, .transfer, .delegate, .addBefore, .addAfter, .shelve, .resume, .void, .remind: false
    case .complete, .remove, .back, .withdraw, .reopen, .elapse, .fire, .overdue: true
    }
  }

  /// Whom it hands work to.
  var people: [Int64] {
    switch self {
    case .transfer(_, let other), .delegate(_, let other): [other]
    case .addBefore(_, let others), .addAfter(_, let others): others
    default: []
    }
  }

  /// What the history calls it.
  package var name: String {
    switch self {
    case .claim: "claim"
    case .release: "release"
    case .complete: "complete"
    case .transfer: "transfer"
    case .delegate: "delegate"
    case .addBefore: "add-before"
    case .addAfter: "add-after"
    case .remove: "remove"
    case .back: "back"
    case .withdraw: "withdraw"
    case .shelve: "shelve"
    case .resume: "resume"
    case .void: "void"
    case .reopen: "reopen"
    case .elapse, .fire: "timeout"
    case .remind: "remind"
    case .overdue: "overdue"
    }
  }
}
