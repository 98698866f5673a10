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

  /// For moves that open no step.
  init(starter: Int64) {
    (roles, homeRoles, posts, units, unit) = ([:], [:], [:], [:], nil)
    self.starter = starter
  }

  /// - Parameters:
  ///   - unit: the one responsible for the case.
  ///   - home: the one of the place of registration; `nil` takes the responsible one.
  ///   - division: where the case lies.
  init(
    for process: RunnableProcess, unit: Int64, home: Int64?, division: String, starter: Int64,
    using responsibility: Responsibility, in session: some SQLSession
  ) async throws {
    var roles: Set<String> = []
    var homeRoles: Set<String> = []
    var posts: Set<String> = []
    var units: Set<String> = []
    for node in process.definition.nodes {
      guard case .step(let rule) = node.kind else { continue }
      for handler in [rule.handler, rule.fallback] {
        switch handler {
        case .role(let role): roles.insert(role)
        case .homeRole(let role): homeRoles.insert(role)
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
    self.homeRoles = try await responsibility.nearest(
      .role, homeRoles.sorted(), to: home ?? unit, division: division, in: session)
    self.posts = try await responsibility.nearest(
      .post, posts.sorted(), to: unit, division: division, in: session)
    self.units = try await responsibility.nearest(
      .unit, units.sorted(), to: unit, division: division, in: session)
    let code: String? = try await session.query("select code from unit where id = \(unit)").first?.get("code")
    self.unit = code.map { Responsibility.Pool(.unit, $0, unit: unit) }
    self.starter = starter
  }

  /// The participants for a handler: a pool, or its people one by one where each has a task of their own.
  func find(_ handler: StepHandler, _ isShared: Bool) -> [Participant] {
    switch handler {
    case .homeRole(let role): participants(homeRoles[role] ?? [], .role, role, isShared)
    case .role(let role): participants(roles[role] ?? [], .role, role, isShared)
    case .post(let post): participants(posts[post] ?? [], .post, post, isShared)
    case .unit(let unit): participants(units[unit] ?? [], .unit, unit, isShared)
    case .unitOfAddress: unit.map { [CaseParticipant.pool($0).participant] } ?? []
    case .starter: starter > 0 ? [CaseParticipant.user(starter).participant] : []
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
