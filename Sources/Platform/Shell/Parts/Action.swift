package import HTML

/// Something a person can do from here: a link, a form of one button, or a page that opens as a dialog.
///
/// Labels are verbs that say what will happen: 提交申请, 退回补正; never 确定.
package struct Action: HTMLConvertible, Sendable {
  package enum Style: String, Sendable {
    case primary, normal, quiet, danger
  }

  package enum Kind: Sendable {
    /// Goes to a page.
    case link(String)
    /// Goes to a page that scripts show as a dialog; without scripts it is an ordinary page.
    case dialog(String)
    /// Opens in the panel beside the list; without scripts it is an ordinary page.
    case panel(String)
    /// Sends a form with these fields at once; only for what can be undone.
    case post(String, [HiddenField])
    /// Submits the form it stands in, with a name and a value when there are several such buttons.
    case submit(name: String?, value: String?)
    /// Offers a file.
    case download(String)
    /// Prints this page.
    case print
  }

  package let label: String
  package let kind: Kind
  package var style: Style
  package var icon: Icon?
  /// Why it cannot be done now; the button shows, cannot be pressed and says why.
  package var disabledReason: String?
  /// Sends its form as it stands, complete or not: a step back, one field more or less.
  package var takesIncomplete: Bool
  /// The id of what the answer shows first: a long form that fills something in stays where it was.
  package var anchor: String?

  package init(
    _ label: String, _ kind: Kind, style: Style = .normal, icon: Icon? = nil, disabledReason: String? = nil,
    takesIncomplete: Bool = false, anchor: String? = nil
  ) {
    self.label = label
    self.kind = kind
    self.style = style
    self.icon = icon
    self.disabledReason = disabledReason
    self.takesIncomplete = takesIncomplete
    self.anchor = anchor
  }

  package var html: HTML {
    let look = Attribute.class("button button-\(style.rawValue)")
    let face = HTML {
      icon?.html()
      span { label }
    }
    if let disabledReason {
      return button(look, .type("button"), .aria(.disabled, true), .title(disabledReason)) {
        face
        hiddenText("，现在不能操作：\(disabledReason)")
      }
    }
    switch kind {
    case .link(let path): return a(look, .href(path)) { face }
    case .dialog(let path): return a(look, .href(path), .data("data-dialog")) { face }
    case .panel(let path):
      return a(look, .href(path), .hxGet(path), .hxTarget("#panel"), .hxSwap("innerHTML")) { face }
    case .download(let path): return a(look, .href(path), .download()) { face }
    case .print: return button(look, .type("button"), .data("data-print")) { face }
    case .submit(let name, let value):
      return button(
        look, .type("submit"), .name(name), .value(value), .when(takesIncomplete, .custom("formnovalidate", "")),
        .formaction(anchor.map { "#\($0)" })
      ) { face }
    case .post(let path, let fields):
      return form(.class("inline-form"), .method(.post), .action(path)) {
        formTokenField()
        fields
        button(look, .type("submit")) { face }
      }
    }
  }
}

/// A name and a value that travel with a form unseen.
package struct HiddenField: HTMLConvertible, Sendable, Hashable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  package var html: HTML { input(.type("hidden"), .name(name), .value(value)) }
}

/// Actions side by side, with those that matter less behind 更多.
package struct ActionBar: HTMLConvertible, Sendable {
  package let actions: [Action]
  package let more: [Action]

  package init(_ actions: [Action], more: [Action] = []) {
    self.actions = actions
    self.more = more
  }

  package var html: HTML {
    if actions.isEmpty && more.isEmpty { return .empty }
    return div(.class("actions")) {
      actions
      if !more.isEmpty {
        Dropdown(label: "更多", icon: .more, style: .quiet) { more }
      }
    }
  }
}

/// A small panel that opens below its button; it works without scripts.
package struct Dropdown: HTMLConvertible {
  let label: String
  let icon: Icon?
  let style: Action.Style
  let iconOnly: Bool
  let content: HTML

  package init(
    label: String, icon: Icon? = nil, style: Action.Style = .normal, iconOnly: Bool = false,
    @HTMLBuilder content: () -> HTML
  ) {
    self.label = label
    self.icon = icon
    self.style = style
    self.iconOnly = iconOnly
    self.content = content()
  }

  package var html: HTML {
    details(.class("dropdown"), .data("data-dropdown")) {
      summary(.class("button button-\(style.rawValue)"), .class(iconOnly ? "button-icon" : nil)) {
        icon?.html()
        if iconOnly { hiddenText(label) } else { span { label } }
        if !iconOnly { Icon.down.html(class: "caret") }
      }
      div(.class("dropdown-content")) { content }
    }
  }
}
