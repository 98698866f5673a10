import Core
package import HTML

/// A page that anybody may open, made for a phone first: no menu, large targets, one column.
package struct PublicPage {
  let title: String
  let visit: FrameModel
  let kind: Kind
  let scripts: [PageScript]
  let content: HTML

  package enum Kind: String, Sendable {
    /// Residents' pages: mark, city, text size above; who runs it below.
    case resident
    /// Signing in, errors: one card in the middle.
    case single
  }

  package init(
    title: String, visit: FrameModel, kind: Kind = .resident, scripts: [PageScript] = [],
    @HTMLBuilder content: () -> HTML
  ) {
    self.title = title
    self.visit = visit
    self.kind = kind
    self.scripts = scripts
    self.content = content()
  }

  package func render() -> [UInt8] { html.render(visit.environment) }

  package var html: HTML {
    document(.lang("zh-CN"), .class(visit.textSize.classes)) {
      DocumentHead(title: title, visit: visit, scripts: scripts, isPublic: true).html
      body(
        .class("public public-\(kind.rawValue)"),
        .hxHeaders(["X-CSRF-Token": .string(visit.environment.formToken)]),
        .when(kind == .resident, .data("data-installable"))
      ) {
        a(.class("skip-link"), .href("#content")) { "跳到正文" }
        top
        main(.id("content"), .tabindex(-1)) { content }
        bottom
        LiveParts(flashes: visit.flashes).html
      }
    }
  }

  private var top: HTML {
    header(.class("public-top")) {
      Brand(visit: visit).html
      TextSizeSwitch(visit: visit)
    }
  }

  private var bottom: HTML {
    footer(.class("public-foot")) {
      p { "\(visit.city) · \(visit.product)" }
      if !visit.requestID.isEmpty { p(.class("number")) { "页面编号 \(visit.requestID)" } }
    }
  }
}

/// Signing in: name and password, then the second factor when one is set up.
package struct SignInPage {
  package enum Step: Sendable, Hashable {
    case password
    /// The code of an authenticator app; `challenge` is sent back with it.
    case code(challenge: String)
  }

  let visit: FrameModel
  let step: Step
  let account: String
  let returnPath: String
  let error: String?
  let notice: String?
  let demoAccounts: [(name: String, role: String)]
  let providers: [ServiceGrid.Item]
  let offersCertificate: Bool

  /// - Parameters:
  ///   - offersCertificate: the browser has shown a valid certificate (数字证书).
  ///   - providers: other ways to sign in, for citizens.
  ///   - account: what was typed before.
  ///   - returnPath: where to go afterwards.
  ///   - error: why it failed and how often it may still fail.
  ///   - notice: what the city wants to say here.
  ///   - demoAccounts: shown in the demo city only.
  package init(
    visit: FrameModel, step: Step = .password, account: String = "", returnPath: String = "/", error: String? = nil,
    notice: String? = nil, demoAccounts: [(name: String, role: String)] = [], providers: [ServiceGrid.Item] = [],
    offersCertificate: Bool = false
  ) {
    self.offersCertificate = offersCertificate
    self.providers = providers
    self.visit = visit
    self.step = step
    self.account = account
    self.returnPath = returnPath
    self.error = error
    self.notice = notice
    self.demoAccounts = demoAccounts
  }

  package func render() -> [UInt8] {
    PublicPage(title: "登录", visit: visit, kind: .single) { card }.render()
  }

  private var card: HTML {
    div(.class("single-card")) {
      h1 { step == .password ? "登录\(visit.product)" : "输入动态验证码" }
      if let error { Notice(.danger, error) }
      if let notice { Notice(.info, notice) }
      if step == .password, offersCertificate { certificate }
      if step == .password, !providers.isEmpty { citizens }
      form(.class("form"), .method(.post), .action(visit.links.signIn)) {
        formTokenField()
        HiddenField("return", returnPath)
        fields
        div(.class("single-actions")) {
          Action(step == .password ? "登录" : "验证并登录", .submit(name: nil, value: nil), style: .primary)
        }
      }
      if !demoAccounts.isEmpty { demo }
    }
  }

  /// Whoever has put their key medium in needs to type nothing.
  private var certificate: HTML {
    form(.class("form sign-in-certificate"), .method(.post), .action("/sign-in/certificate")) {
      formTokenField()
      HiddenField("return", returnPath)
      p { "已读到您的数字证书。" }
      Action("用数字证书登录", .submit(name: nil, value: nil), style: .primary, icon: .shield)
    }
  }

  /// Citizens come first and need no password; staff go on below.
  private var citizens: HTML {
    section(.class("sign-in-providers"), .aria(.label, "群众实名登录")) {
      h2 { "群众实名登录" }
      ul {
        for provider in providers {
          li {
            a(.class("button button-normal"), .href(provider.path)) {
              provider.icon
              span { provider.label }
            }
          }
        }
      }
      h2 { "账号密码登录" }
    }
  }

  private var fields: HTML {
    switch step {
    case .password:
      [
        Field(
          "account", "账号", .text(account, .init(maximum: 64, autocomplete: "username")), isRequired: true,
          isPrivate: true),
        Field("password", "密码", .password(autocomplete: "current-password"), isRequired: true),
      ].html
    case .code(let challenge):
      HTML {
        HiddenField("challenge", challenge)
        Field(
          "code", "动态验证码",
          .text("", .init(maximum: 8, inputMode: "numeric", autocomplete: "one-time-code", width: 8, isCode: true)),
          isRequired: true, help: "打开手机上的验证器，输入 6 位数字。收不到时请联系本单位的系统管理员。", isPrivate: true)
      }
    }
  }

  private var demo: HTML {
    details(.class("demo-accounts"), .open()) {
      summary { "演示账号" }
      dl(.class("details is-compact")) {
        for account in demoAccounts {
          div(.class("detail")) {
            dt { account.role }
            dd(.class("number")) { account.name }
          }
        }
      }
    }
  }
}

/// A request that could not be answered: what happened, what was kept, what to do next, and the number to quote.
package struct ErrorPage {
  let status: Int
  let title: String
  let message: String
  let visit: FrameModel
  let actions: [Action]

  package init(status: Int, title: String, message: String, visit: FrameModel, actions: [Action] = []) {
    self.status = status
    self.title = title
    self.message = message
    self.visit = visit
    self.actions = actions
  }

  /// In the frame for those who are signed in, as a page of its own for everybody else.
  package func render() -> [UInt8] {
    if visit.person != nil {
      return Page(title: title, visit: visit) { Card { content } }.render()
    }
    return PublicPage(title: title, visit: visit, kind: .single) {
      div(.class("single-card")) {
        h1(.class("visually-hidden")) { title }
        content
      }
    }.render()
  }

  private var content: HTML {
    HTML {
      view
      p(.class("error-number number")) { "错误 \(status) · 请求编号 \(visit.requestID)" }
    }
  }

  private var view: StateView {
    let home = Action("回到首页", .link(visit.links.home), style: .primary)
    return .failed(title, message, actions: actions.isEmpty ? [home] : actions)
  }
}
