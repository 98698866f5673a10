package import HTML

/// A message that stands in the page: what happened, what was kept, what to do next.
package struct Notice: HTMLConvertible {
  let tone: Tone
  let title: String?
  let content: HTML
  let actions: [Action]

  package init(_ tone: Tone, title: String? = nil, actions: [Action] = [], @HTMLBuilder content: () -> HTML) {
    self.tone = tone
    self.title = title
    self.actions = actions
    self.content = content()
  }

  package init(_ tone: Tone, _ text: String, actions: [Action] = []) {
    self.init(tone, actions: actions) { p { text } }
  }

  package var html: HTML {
    div(
      .class("notice tone-\(tone.rawValue)"), .role(tone == .danger ? "alert" : "status"), .data("data-notice")
    ) {
      tone.icon.html(named: tone.word)
      div(.class("notice-text")) {
        if let title { p(.class("notice-title")) { title } }
        content
      }
      ActionBar(actions)
    }
  }
}

/// A message left for the next page, such as the outcome of a form; shown once as a toast.
package struct Flash: Sendable, Hashable {
  package let tone: Tone
  package let text: String
  /// Where the thing that the message names can be seen.
  package let link: String?
  package let linkLabel: String?

  package init(_ tone: Tone, _ text: String, link: String? = nil, linkLabel: String? = nil) {
    self.tone = tone
    self.text = text
    self.link = link
    self.linkLabel = linkLabel
  }
}

extension Flash: HTMLConvertible {
  package var html: HTML {
    div(.class("toast tone-\(tone.rawValue)"), .data("data-toast", tone.rawValue)) {
      tone.icon.html(named: tone.word)
      p {
        text
        if let link {
          " "
          a(.href(link)) { linkLabel ?? "查看" }
        }
      }
      button(.type("button"), .class("toast-close"), .data("data-toast-close")) {
        Icon.close.html(named: "关闭提示")
      }
    }
  }
}

/// What stands where content would: nothing yet, nothing found, not allowed, failed.
package struct StateView: HTMLConvertible {
  let icon: Icon
  let title: String
  let content: HTML
  let actions: [Action]
  let kind: String

  private init(_ kind: String, icon: Icon, title: String, text: String, actions: [Action]) {
    self.kind = kind
    self.icon = icon
    self.title = title
    self.content = .text(text)
    self.actions = actions
  }

  /// There is nothing yet: why, and the first step.
  package static func empty(_ title: String, _ text: String, icon: Icon = .folder, actions: [Action] = []) -> Self {
    Self("empty", icon: icon, title: title, text: text, actions: actions)
  }

  /// The filters leave nothing: offers to lift them.
  package static func nothingFound(_ title: String, _ text: String, clear: String?) -> Self {
    Self(
      "empty", icon: .search, title: title, text: text,
      actions: clear.map { [Action("清除全部筛选", .link($0))] } ?? [])
  }

  /// The right is missing: who can grant it.
  package static func noPermission(_ what: String, grantedBy: String, actions: [Action] = []) -> Self {
    Self(
      "locked", icon: .lock, title: "您还不能\(what)", text: "需要时请向\(grantedBy)申请，批准后刷新本页即可。", actions: actions)
  }

  /// Something failed: what was kept and what to do next.
  package static func failed(_ title: String, _ text: String, actions: [Action] = []) -> Self {
    Self("failed", icon: .error, title: title, text: text, actions: actions)
  }

  package var html: HTML {
    div(.class("state state-\(kind)")) {
      icon.html()
      p(.class("state-title")) { title }
      p(.class("state-text")) { content }
      ActionBar(actions)
    }
  }
}

/// The shape of what is being loaded.
package struct Skeleton: HTMLConvertible, Sendable {
  package enum Shape: Sendable { case rows(Int), text(Int), tiles(Int) }
  package let shape: Shape

  package init(_ shape: Shape) { self.shape = shape }

  package var html: HTML {
    let (name, count) =
      switch shape {
      case .rows(let count): ("rows", count)
      case .text(let count): ("text", count)
      case .tiles(let count): ("tiles", count)
      }
    return div(.class("skeleton skeleton-\(name)"), .role("status")) {
      hiddenText("正在载入")
      for _ in 0..<count { span(.aria(.hidden, true)) }
    }
  }
}
