package import Core
import Transport

extension MessageChannel {
  /// 微信 template messages of an official account (公众平台 message/template/send).
  package static func wechat(clock: WallClock = .system) -> MessageChannel {
    let tokens = WeChatTokens(clock: clock)
    let transports = TransportPool(name: "wechat", size: 2)
    return MessageChannel(
      .wechat,
      missing: { settings in
        guard settings.wechat != nil else { return "微信公众号没有配置" }
        return settings.secrets.wechat == nil ? "微信公众号的密钥没有配置" : nil
      }
    ) { message, settings in
      guard let wechat = settings.wechat, let content = message.content.wechat else { return .refused("模板没有微信内容") }
      guard let template = wechat.templates[message.template] ?? content.template else {
        return .refused("参数“微信模板编号”里没有 \(message.template)")
      }
      var body: [(key: String, value: JSON)] = [
        ("touser", .string(message.address)), ("template_id", .string(template)),
        ("client_msg_id", .string("lifang-\(message.id)")),
      ]
      if let url = message.url { body.append(("url", .string(url))) }
      let data = content.data.sorted { $0.key < $1.key }
      body.append(("data", .object(data.map { ($0.key, ["value": .string($0.value)]) })))
      do throws(TransportFailure) {
        // Once more with a fresh token when the kept one turns out to be void.
        for isLast in [false, true] {
          let token = try await tokens.token(settings, transports.next)
          let answer = try await transports.next.ask(
            GatewayRequest(
              url: "\(wechat.url)/cgi-bin/message/template/send?access_token=\(GatewayText.query(token))",
              headers: ["Content-Type: application/json; charset=utf-8"], body: Array(JSON.object(body).text.utf8),
              timeout: settings.timeout))
          let outcome = WeChatAnswer(answer)
          guard outcome.isTokenVoid, !isLast else { return outcome.outcome }
          await tokens.forget()
        }
        return .failed("微信没有答复")
      } catch {
        return .failed("微信：\(error.message)")
      }
    }
  }
}

/// What WeChat answered.
struct WeChatAnswer {
  let status: Int
  let code: Int64?
  let reference: String?

  init(_ answer: TransportAnswer) {
    status = answer.status
    let json = try? JSON(parsing: answer.body)
    code = json?["errcode"]?.int
    reference = json?["msgid"]?.int.map(String.init) ?? json?["msgid"]?.string
  }

  /// 40001, 40014, 42001: the access token is not valid or no longer.
  var isTokenVoid: Bool { code.map { [40001, 40014, 42001].contains($0) } ?? false }

  var outcome: ChannelOutcome {
    guard (200..<300).contains(status), let code else { return .failed("微信答复 \(status)") }
    switch code {
    case 0: return .accepted(reference: reference)
    // 40003 openid, 40037 template, 43004 and 43101 no follower or consent, 47003 fields of the template.
    case 43004, 43101: return .refused("没有关注公众号或不再接收")
    case 40003: return .refused("微信号与公众号不符，请本人重新绑定")
    case 40037: return .refused("微信模板编号不存在")
    case 47003: return .refused("微信模板的字段不符")
    default: return .failed("微信错误码 \(code)")
    }
  }
}

/// The access token of the official account, kept until shortly before it expires.
private actor WeChatTokens {
  private let clock: WallClock
  private var kept: (token: String, appID: String, until: Instant)?

  init(clock: WallClock) { self.clock = clock }

  func forget() { kept = nil }

  func token(_ settings: MessagingSettings, _ transport: CurlTransport) async throws(TransportFailure) -> String {
    guard let wechat = settings.wechat, let secret = settings.secrets.wechat else {
      throw TransportFailure(message: "公众号没有配置", status: 0)
    }
    let now = clock.now()
    if let kept, kept.appID == wechat.appID, kept.until > now { return kept.token }
    // The stable token stays valid when another program of the same account asks for one too.
    let body: JSON = [
      "grant_type": "client_credential", "appid": .string(wechat.appID), "secret": .string(secret.text),
    ]
    let answer = try await transport.ask(
      GatewayRequest(
        url: "\(wechat.url)/cgi-bin/stable_token", headers: ["Content-Type: application/json"],
        body: Array(body.text.utf8), timeout: settings.timeout))
    let json = try? JSON(parsing: answer.body)
    guard answer.status == 200, let token = json?["access_token"]?.string else {
      let code = json?["errcode"]?.int.map { "错误码 \($0)" } ?? "答复 \(answer.status)"
      throw TransportFailure(message: "取不到访问令牌，\(code)", status: answer.status)
    }
    kept = (token, wechat.appID, now + max((json?["expires_in"]?.int ?? 7200) - 300, 60))
    return token
  }
}
