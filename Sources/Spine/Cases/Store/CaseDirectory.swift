import Core
import Identity
import Processes
import SQL

/// Who may be asked in one case, looked up before a move: the engine itself asks no database.
struct CaseDirectory: Sendable {
  private let roles: [String: [Responsibility.Holder]]
  private let homeRoles: [String: [Responsibility.Holder]]
  private let posts: [String: [Responsibility.Holder]]
  private let units: [String: [Responsibility.Holder]]
  private let unit: Responsibility.Pool?
  private let starter: Int64
  /// Whether everybody but the applicant is on the other side of the ferry.
  private let isRelay: Bool
  /// Who of a pool is asked; `nil` where no step says so.
  let dispatch: CaseDispatch?

  /// For cases that are handled on the other side of the ferry: one name stands for whoever handles them there.
  init(relayFor starter: Int64) {
    (roles, homeRoles, posts, units, unit) = ([:], [:], [:], [:], nil)
    self.starter = starter
    isRelay = true
    dispatch = nil
  }

  /// For moves that open no step.
  init(starter: Int64) {
    (roles, homeRoles, posts, units, unit) = ([:], [:], [:], [:], nil)
    self.starter = starter
    isRelay = false
    dispatch = nil
  }

  /// - Parameters:
  ///   - unit: the one responsible for the case.
  ///   - home: the one of the place of registration; `nil` takes the responsible one.
  ///   - division: where the case lies.
  ///   - applicant: is not sent their own application while there is anybody else.
  init(
    for process: RunnableProcess, unit: Int64, home: Int64?, division: String, starter: Int64,
    applicant: Int64? = nil, using responsibility: Responsibility, in session: some SQLSession
  ) async throws {
    var roles: Set<String> = []
    var homeRoles: Set<String> = []
    var posts: Set<String> = []
    var units: Set<String> = []
    var dispatches = false
    var asksUnit = false
    for node in process.definition.nodes {
      guard case .step(let rule) = node.kind else { continue }
      dispatches = dispatches || rule.dispatch != .pool
      for handler in rule.handlers {
        switch handler {
        case .role(let role): roles.insert(role)
        case .homeRole(let role): homeRoles.insert(role)
        case .post(let post): posts.insert(post)
        case .unit(let unit): units.insert(unit)
        case .roleOf(let name):
          let variable = process.definition.variables.first { $0.name == name }
          roles.formUnion(variable?.choices.compactMap(\.role) ?? [])
        case .unitOfAddress: asksUnit = true
        case .starter, .sameAs: break
        }
      }
    }
    let found = (
      role: try await responsibility.nearest(.role, roles.sorted(), to: unit, division: division, in: session),
      post: try await responsibility.nearest(.post, posts.sorted(), to: unit, division: division, in: session),
      unit: try await responsibility.nearest(.unit, units.sorted(), to: unit, division: division, in: session)
    )
    self.homeRoles = try await responsibility.nearest(
      .role, homeRoles.sorted(), to: home ?? unit, division: division, in: session)
    let code: String? =
      asksUnit ? try await session.query("select code from unit where id = \(unit)").first?.get("code") : nil
    let own = code.map { Responsibility.Pool(.unit, $0, unit: unit) }
    (self.roles, self.posts, self.units, self.unit) = (found.role, found.post, found.unit, own)
    self.starter = starter
    isRelay = false
    guard dispatches else {
      dispatch = nil
      return
    }
    var members: [Participant: [Int64]] = [:]
    let kinds: [(Responsibility.Pool.Kind, [String: [Responsibility.Holder]])] = [
      (.role, found.role), (.role, self.homeRoles), (.post, found.post), (.unit, found.unit),
    ]
    for (kind, holders) in kinds {
      for (code, people) in holders {
        guard let first = people.first else { continue }
        members[CaseParticipant.pool(.init(kind, code, unit: first.unit)).participant] = people.map(\.user)
      }
    }
    if let own, members[CaseParticipant.pool(own).participant] == nil {
      members[CaseParticipant.pool(own).participant] = try await responsibility.members(of: own, in: session)
    }
    dispatch = try await CaseDispatch(process, members: members, applicant: applicant, in: session)
  }

  /// The participants for a handler: a pool, or its people one by one where each has a task of their own.
  func find(_ handler: StepHandler, _ isShared: Bool) -> [Participant] {
    if isRelay, handler != .starter {
      if case .sameAs = handler { return [] }
      return [CaseParticipant.pool(.init(.unit, "", unit: 0)).participant]
    }
    return switch handler {
    case .homeRole(let role): participants(homeRoles[role] ?? [], .role, role, isShared)
    case .role(let role): participants(roles[role] ?? [], .role, role, isShared)
    case .post(let post): participants(posts[post] ?? [], .post, post, isShared)
    case .unit(let unit): participants(units[unit] ?? [], .unit, unit, isShared)
    case .unitOfAddress: unit.map { [CaseParticipant.pool($0).participant] } ?? []
    case .starter: starter != 0 ? [CaseParticipant.user(starter).participant] : []
    case .sameAs, .roleOf: []
    }
  }

  private func participants(
    _ holders: [Responsibility.Holder], _ kind: Responsibility.Pool.Kind, _ code: String, _ isShared: Bool
  ) -> [Participant] {
    guard let first = holders.first else { return [] }
    if isShared { return holders.map { CaseParticipant.user($0.user).participant } }
    return [CaseParticipant.pool(.init(kind, code, unit: first.unit)).participant]
  }
}
