package import Access
package import Core

/// Somebody who is signed in on one device (会话).
package struct Session: Sendable {
  /// What must be done before anything else is allowed; until then the principal has no grants.
  package enum Demand: Sendable, Hashable {
    case newPassword(NewPasswordReason)
    /// A second factor must be set up.
    case secondFactor
  }

  package enum NewPasswordReason: String, Sendable, Hashable {
    /// 首次登录.
    case initial
    /// 管理员重置.
    case reset
    /// 管理员要求 (D2-566).
    case ordered
    /// 到期.
    case aged

    package var message: String {
      switch self {
      case .initial: "这是首次登录，请先修改初始密码。"
      case .reset: "密码已由管理员重置，请先改成自己的密码。"
      case .ordered: "管理员要求修改密码，请先修改。"
      case .aged: "密码已到期，请先修改。"
      }
    }
  }

  package let id: Int64
  package let user: UserAccount
  package let principal: Principal
  package let demand: Demand?
  /// Whether a second factor was given.
  package let secondFactor: Bool
  package let createdAt: Instant
  /// The end in any case; idle sessions end sooner.
  package let expiresAt: Instant
  /// What forms of this session carry against forged requests (CSRF).
  package let formToken: String
}

/// A session that was just opened, with the secret that goes into the cookie and nowhere else.
package struct OpenedSession: Sendable, CustomStringConvertible, CustomReflectable {
  /// 32 random bytes as Base64url text; the database knows its SM3 digest only.
  package let token: String
  package let session: Session

  package var description: String { "OpenedSession(\(session.id))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A session as the list of those on line shows it (在线用户).
package struct OnlineSession: Sendable {
  package let id: Int64
  package let userID: Int64
  package let account: String
  package let name: String
  package let unitName: String?
  package let createdAt: Instant
  package let lastSeenAt: Instant
  package let remoteAddress: String?
  package let userAgent: String?
}

/// Why a session ended.
package enum SessionEnd: String, Sendable, Hashable {
  case signOut = "sign-out"
  case kicked
  case replaced
  case idle
  case expired
  case password
  case account
  case tooMany = "too-many"

  /// What the person is told at the next request.
  package var message: String {
    switch self {
    case .signOut: "您已退出登录。"
    case .kicked: "您已被管理员强制下线，请重新登录。"
    case .replaced: "您已重新登录，原会话已结束。"
    case .idle: "长时间没有操作，已自动退出。请重新登录，未提交的内容保留在本机草稿中。"
    case .expired: "登录时间已到上限，请重新登录。"
    case .password: "密码已修改，请用新密码登录。"
    case .account: "账号状态已变更，请重新登录。"
    case .tooMany: "该账号在其他设备上登录过多，本次登录已结束。请重新登录。"
    }
  }
}
