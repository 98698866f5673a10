import Access
import Audit
import Core
import Foundation
import Identity
import SQL

/// `lifang administrators`: makes the three separated administrators of an installation that has none (三员), each with a
/// password that is shown once and must be changed at the first sign-in.
enum AdministratorsCommand {
  private static let accounts: [Separation: String] = [
    .systemAdministrator: "sysadmin", .securityOfficer: "secadmin", .auditor: "auditor",
  ]

  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let deployment = try await Deployment.open(try Configuration(arguments))
    try await RoleInstaller.install(deployment)
    let identity = try deployment.identity(deployment.makeStore())
    var made = 0
    for kind in Separation.allCases {
      let held = try await deployment.database.query(
        "select 1 from app_user where separation = \(kind.rawValue) and status <> 'cleared' limit 1")
      guard held.first == nil, let account = accounts[kind] else { continue }
      let role = try await deployment.database.query("select id from role where code = \(kind.rawValue)").first
      guard let role else { throw Fault("administrators-role", kind.rawValue) }
      var user = NewUser(account: account, name: kind.label, roles: [try role.get("id")])
      user.separation = kind
      let created = try await identity.createUser(user, by: .system, origin: .inside)
      print("\(kind.label)\t\(account)\t\(created.password)")
      fflush(nil)
      made += 1
    }
    try await OperatorAudit.note("platform.administrators", .done, [("made", .int(Int64(made)))], in: deployment)
    await deployment.close()
    print(made == 0 ? "三员账号都已存在，没有改动。" : "请把临时密码当面交给本人；首次登录时必须修改，此处不再显示。")
    return 0
  }
}
