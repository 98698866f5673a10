import Access
import Core
import Testing

/// What a principal may do (功能权限).
struct GrantsTests {
  private static let subjects = ["address", "person", "room", "*"]
  private static let actions = ["view", "export", "*"]
  private static let scopes: [DataScope] = [.own, .unit, .unitAndBelow, .all, .division(["5117"])]

  /// As it is written in the design: the scopes of all grants that cover it, each once, in their order; everything is
  /// everything.
  private func expected(_ grants: [Grants.Grant], _ permission: Permission) -> DataScope? {
    let scopes = grants.filter {
      ($0.permission.subject == "*" || $0.permission.subject == permission.subject)
        && ($0.permission.action == "*" || $0.permission.action == permission.action)
    }.map(\.scope)
    if scopes.contains(.all) { return .all }
    var each: [DataScope] = []
    for scope in scopes where !each.contains(scope) { each.append(scope) }
    return each.count > 1 ? .anyOf(each) : each.first
  }

  @Test(arguments: 0..<200)
  func aPermissionReachesTheUnionOfWhatGrantsItHoweverTheyAreMixed(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let grants = (0..<Int.random(in: 0...12, using: &random)).map { _ in
      Grants.Grant(
        Permission(
          Self.subjects.randomElement(using: &random) ?? "*", Self.actions.randomElement(using: &random) ?? "*"),
        Self.scopes.randomElement(using: &random) ?? .own)
    }
    for subject in ["address", "person", "room", "grid"] {
      for action in ["view", "export", "edit"] {
        let permission = Permission(subject, action)
        #expect(Grants(grants).scope(for: permission) == expected(grants, permission))
      }
    }
  }
}
