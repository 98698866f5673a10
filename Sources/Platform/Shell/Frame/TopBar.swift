package import HTML

/// The bar above everything: mark, search, unit and role in force, what waits, help, text size, me.
struct TopBar {
  let visit: FrameModel

  var html: HTML {
    header(.class("topbar")) {
      a(.class("menu-toggle button button-quiet button-icon"), .href("#menu"), .data("data-menu-toggle")) {
        Icon.menu.html(named: "打开菜单")
      }
      Brand(visit: visit).html
      searchBox
      if let person = visit.person {
        div(.class("topbar-tools")) {
          unit(person)
          tools
          account(person)
        }
      }
    }
  }

  private var searchBox: HTML {
    form(.class("topbar-search"), .role("search"), .action(visit.links.search), .data("data-palette-open")) {
      Icon.search.html()
      input(
        .type("search"), .name("q"), .aria(.label, "搜索菜单、记录和人员"), .placeholder("搜索菜单、记录、人员"),
        .autocomplete("off"), .aria(.keyshortcuts, "Control+K"))
      kbd(.aria(.hidden, true)) { "Ctrl K" }
    }
  }

  private func unit(_ person: Person) -> HTML {
    let roles = person.roles.joined(separator: "、")
    let face = HTML {
      span(.class("unit-name")) { person.unit }
      span(.class("unit-roles")) { roles }
    }
    if person.otherUnits.isEmpty {
      return div(.class("unit"), .title("\(person.unit) · \(roles)")) { face }
    }
    return details(.class("dropdown unit"), .data("data-dropdown")) {
      summary(.title("切换任职单位")) {
        face
        Icon.down.html(class: "caret")
      }
      form(.class("dropdown-content"), .method(.post), .action(visit.links.chooseUnit)) {
        formTokenField()
        p(.class("dropdown-title")) { "切换任职单位" }
        for unit in person.otherUnits {
          button(.class("dropdown-item"), .type("submit"), .name("membership"), .value(unit.id)) { unit.label }
        }
      }
    }
  }

  private var tools: HTML {
    HTML {
      if let path = visit.links.inbox { tool(.inbox, "待办", path, CountBadge(visit.inboxCount, noun: "条待办")) }
      if let path = visit.links.messages { tool(.bell, "消息", path, CountBadge(visit.messageCount, noun: "条未读")) }
      a(.class("tool tool-help"), .href(visit.links.help), .title("帮助")) { Icon.help.html(named: "帮助") }
      TextSizeSwitch(visit: visit)
    }
  }

  private func tool(_ icon: Icon, _ name: String, _ path: String, _ count: CountBadge) -> HTML {
    a(.class("tool"), .href(path), .title(name), .when(visit.path == path, .aria(.current, "page"))) {
      icon.html(named: name)
      count
    }
  }

  private func account(_ person: Person) -> HTML {
    details(.class("dropdown account"), .data("data-dropdown")) {
      summary(.class("tool"), .title(person.name)) {
        span(.class("avatar"), .aria(.hidden, true)) { String(person.name.suffix(1)) }
        span(.class("account-name")) { person.name }
      }
      div(.class("dropdown-content")) {
        p(.class("dropdown-title")) { person.name }
        p(.class("dropdown-note")) { "\(person.unit) · \(person.roles.joined(separator: "、"))" }
        a(.class("dropdown-item"), .href(visit.links.account)) {
          Icon.settings
          "账号与安全"
        }
        a(.class("dropdown-item"), .href(visit.links.myLookups)) {
          Icon.eye
          "谁看过我的信息"
        }
        a(.class("dropdown-item"), .href(visit.links.help)) {
          Icon.help
          "帮助"
        }
        form(.method(.post), .action(visit.links.signOut)) {
          formTokenField()
          button(.class("dropdown-item"), .type("submit")) {
            Icon.leave
            "退出登录"
          }
        }
      }
    }
  }
}

/// Mark, product and city; leads to the start.
struct Brand {
  let visit: FrameModel

  var html: HTML {
    a(.class("brand"), .href(visit.links.home), .title("回到首页")) {
      img(.assetSrc("logo.svg"), .alt(""), .width(32), .height(32))
      span(.class("brand-name")) {
        strong { visit.product }
        span { visit.city }
      }
    }
  }
}

/// Chooses how large text is (适老化). Four submit buttons, so it works without scripts.
package struct TextSizeSwitch: HTMLConvertible {
  let visit: FrameModel
  let isProminent: Bool

  /// - Parameter isProminent: a row of buttons for residents' pages instead of a small menu.
  package init(visit: FrameModel, isProminent: Bool = false) {
    self.visit = visit
    self.isProminent = isProminent
  }

  package var html: HTML {
    if isProminent { return choices }
    return details(.class("dropdown"), .data("data-dropdown")) {
      summary(.class("tool"), .title("字号与长辈模式")) { Icon.textSize.html(named: "字号与长辈模式") }
      div(.class("dropdown-content")) {
        p(.class("dropdown-title")) { "字号" }
        choices
      }
    }
  }

  private var choices: HTML {
    form(
      .class("text-sizes"), .class(isProminent ? "text-sizes-prominent" : nil), .method(.post),
      .action(visit.links.textSize), .data("data-text-size"), .aria(.label, "字号")
    ) {
      formTokenField()
      HiddenField("return", visit.path)
      for size in TextSize.allCases {
        button(
          .type("submit"), .name("text-size"), .value(size.rawValue), .class("size-\(size.rawValue)"),
          .aria(.pressed, visit.textSize == size)
        ) { size.label }
      }
    }
  }
}
