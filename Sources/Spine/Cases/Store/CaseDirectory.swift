import Core
import Identity
import Processes
import SQL

/// Who may be asked in one case, looked up before a move: the engine itself asks no database.
struct CaseDirectory: Sendable {
  private let roles: [String: [Responsibility.Holder]]
  private let posts: [String: [Responsibility.Holder]]
  private let units: [String: [Responsibility.Holder]]
  private let unit: Responsibility.Pool?
  private let starter: Int64
  /// Whether everybody but the applicant is on the other side of the ferry.
  private let isRelay: Bool

  /// For cases that are handled on the other side of the ferry: one name stands for whoever handles them there.
  init(relayFor starter: Int64) {
    (roles, posts, units, unit) = ([:], [:], [:], nil)
    self.starter = starter
    isRelay = true
  }

  /// For moves that open no step.
  init(starter: Int64) {
    (roles, posts, units, unit) = ([:], [:], [:], nil)
    self.starter = starter
    isRelay = false
  }

  /// - Parameters:
  ///   - unit: the one responsible for the case.
  ///   - division: where the case lies.
  init(
    for process: RunnableProcess, unit: Int64, division: String, starter: Int64, using responsibility: Responsibility,
    in session: some SQLSession
  ) async throws {
    var roles: Set<String> = []
    var posts: Set<String> = []
    var units: Set<String> = []
    for node in process.definition.nodes {
      guard case .step(let rule) = node.kind else { continue }
      for handler in [rule.handler, rule.fallback] {
        switch handler {
        case .role(let role): roles.insert(role)
        case .post(let post): posts.insert(post)
        case .unit(let unit): units.insert(unit)
        case .roleOf(let name):
          let variable = process.definition.variables.first { $0.name == name }
          roles.formUnion(variable?.choices.compactMap(\.role) ?? [])
        case .unitOfAddress, .starter, .sameAs: break
        }
      }
    }
    self.roles = try await responsibility.nearest(
      .role, roles.sorted(), to: unit, division: division, in: session)
    self.posts = try await responsibility.nearest(
      .post, posts.sorted(), to: unit, division: division, in: session)
    self.units = try await responsibility.nearest(
      .unit, units.sorted(), to: unit, division: division, in: session)
    let code: String? = try await session.query("select code from unit where id = \(unit)").first?.get("code")
    self.unit = code.map { Responsibility.Pool(.unit, $0, unit: unit) }
    self.starter = starter
    isRelay = false
  }

  /// The participants for a handler: a pool, or its people one by one where each has a task of their own.
  func find(_ handler: StepHandler, _ isShared: Bool) -> [Participant] {
    if isRelay, handler != .starter {
      if case .sameAs = handler { return [] }
      return [CaseParticipant.pool(.init(.unit, "", unit: 0)).participant]
    }
    return switch handler {
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
