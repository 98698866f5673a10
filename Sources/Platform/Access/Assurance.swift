/// How surely it is known who sits before the screen (身份认证等级); of a session, not of an account (C-023, C-048).
package enum Assurance: String, Sendable, Hashable, Comparable, CaseIterable {
  /// 账号密码: somebody who knows a password.
  case password
  /// 手机核验: a code came back from the telephone that the register of people has.
  case phone
  /// 实名: a provider of identities vouches for name and document number.
  case realName = "real_name"
  /// 实人: the provider compared the living face with the document's as well.
  case face

  package var label: String {
    switch self {
    case .password: "账号密码"
    case .phone: "手机核验"
    case .realName: "实名认证"
    case .face: "实人认证（刷脸）"
    }
  }

  private var rank: Int {
    switch self {
    case .password: 0
    case .phone: 1
    case .realName: 2
    case .face: 3
    }
  }

  package static func < (a: Assurance, b: Assurance) -> Bool { a.rank < b.rank }
}
