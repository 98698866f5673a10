import Core

/// Systems that keep users of their own (原有系统用户).
extension PeerCity {
  private struct Account: Sendable {
    let system: String
    let account: String
    let name: String
    let roles: String
    let phone: String
    let unit: String
    let post: String
    let state: String
  }

  private static let users = [
    Account(
      system: "住房保障系统", account: "zhangwei", name: "张伟", roles: "窗口受理", phone: "13800138000", unit: "通川区住建局",
      post: "受理岗", state: "正常"),
    Account(
      system: "住房保障系统", account: "lina", name: "李娜", roles: "复核、审批", phone: "13900139000", unit: "通川区住建局",
      post: "复核岗", state: "正常"),
    Account(
      system: "维修资金系统", account: "zhangwei", name: "张伟", roles: "查询", phone: "13800138000", unit: "通川区住建局", post: "受理岗",
      state: "停用"),
  ]

  /// The users that fit all that is asked; without a condition none.
  static func accounts(_ request: JSON) -> JSON {
    func fits(_ name: String, _ value: String) -> Bool { request[name]?.string.map { $0 == value } ?? true }
    let isBlank = ["account", "name", "unit"].allSatisfy { request[$0]?.string == nil }
    let found = users.filter {
      !isBlank && fits("account", $0.account) && fits("name", $0.name) && fits("unit", $0.unit)
    }
    return [
      "message": .string(isBlank ? "请至少给一个条件" : found.isEmpty ? "没有这样的用户" : "查到 \(found.count) 个账号"),
      "items": .array(
        found.map { user in
          [
            "system": .string(user.system), "account": .string(user.account), "name": .string(user.name),
            "roles": .string(user.roles), "phone": .string(user.phone), "unit": .string(user.unit),
            "post": .string(user.post), "state": .string(user.state),
          ]
        }),
    ]
  }
}
