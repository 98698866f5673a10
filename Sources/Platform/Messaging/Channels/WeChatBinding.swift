import Core
import Crypto
import Transport

/// Finds out which follower of the official account somebody is (微信网页授权, scope snsapi_base).
///
/// WeChat's browser is sent to WeChat and comes back with a code, which the account's secret turns into the openid.
package struct WeChatBinding: Sendable {
  private let center: MessageCenter
  private let transports = TransportPool(name: "wechat-binding", size: 1)

  private static let validity: Int64 = 600

  package init(_ center: MessageCenter) { self.center = center }

  /// Whether the official account is configured.
  package static func isPossible(_ settings: MessagingSettings) -> Bool {
    settings.wechat != nil && settings.secrets.wechat != nil
  }

  /// Where WeChat's browser goes first; it comes back to `page` with `code` and `state`.
  package func start(_ user: Int64, returningTo page: String, _ settings: MessagingSettings) throws -> String {
    guard let wechat = settings.wechat else { throw WeChatBinding.unconfigured }
    let state = try self.state(user, at: center.clock.now().seconds)
    return "https://open.weixin.qq.com/connect/oauth2/authorize?appid=\(GatewayText.query(wechat.appID))"
      + "&redirect_uri=\(GatewayText.query(page))&response_type=code&scope=snsapi_base&state=\(state)#wechat_redirect"
  }

  /// Ties the user to whoever WeChat says came back.
  ///
  /// - Throws: ``Refusal`` `wechat-state` when the way back is not that of this user, `wechat-code` when WeChat does not
  ///   know the code.
  package func finish(_ user: Int64, code: String, state: String, _ settings: MessagingSettings) async throws {
    guard let wechat = settings.wechat, let secret = settings.secrets.wechat else { throw WeChatBinding.unconfigured }
    let now = center.clock.now().seconds
    guard let time = state.split(separator: "-").first.flatMap({ Int64($0) }), now - time <= WeChatBinding.validity,
      time <= now, constantTimeEqual(state, try self.state(user, at: time))
    else {
      throw Refusal(.forbidden, "wechat-state", "绑定的链接已过期或不是您的。请回到消息接收设置，重新点“绑定微信”。")
    }
    let url =
      "\(wechat.url)/sns/oauth2/access_token?appid=\(GatewayText.query(wechat.appID))"
      + "&secret=\(GatewayText.query(secret.text))&code=\(GatewayText.query(code))&grant_type=authorization_code"
    let answer: TransportAnswer
    do throws(TransportFailure) {
      answer = try await transports.next.ask(
        GatewayRequest(url: url, headers: [], body: nil, timeout: settings.timeout))
    } catch {
      throw Refusal(.unavailable, "wechat-unreachable", "连接不上微信，没有绑定。请稍后再试。")
    }
    guard let openID = (try? JSON(parsing: answer.body))?["openid"]?.string, (10...64).contains(openID.utf8.count)
    else {
      throw Refusal(.unprocessable, "wechat-code", "微信没有确认您的身份，没有绑定。请在微信里重新点“绑定微信”。")
    }
    try await center.bindWeChat(openID, to: user, in: center.database)
  }

  private func state(_ user: Int64, at seconds: Int64) throws -> String {
    let key = HMAC(key: try center.keys.secret(.index)).derivedKey("message/wechat-state")
    return "\(seconds)-\(Hex.encode(HMAC(key: key).authenticate("\(user) \(seconds)").prefix(16)))"
  }

  private static let unconfigured = Refusal(.unavailable, "wechat-unconfigured", "还没有配置微信公众号，不能绑定。请联系系统管理员。")
}
