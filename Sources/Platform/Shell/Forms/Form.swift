package import Core
package import HTML

/// A part of a form with a heading.
package struct FormSection {
  package let id: String
  package let label: String
  package var help: String?
  package let content: HTML
  /// Whether a field of it is wrong, shown in the side index.
  package let hasErrors: Bool

  package init(id: String, _ label: String, help: String? = nil, fields: [Field]) {
    self.id = id
    self.label = label
    self.help = help
    self.content = fields.html
    self.hasErrors = fields.contains { $0.error != nil }
  }

  /// A section that is more than a list of fields.
  package init(
    id: String, _ label: String, help: String? = nil, hasErrors: Bool = false, @HTMLBuilder content: () -> HTML
  ) {
    self.id = id
    self.label = label
    self.help = help
    self.hasErrors = hasErrors
    self.content = content()
  }
}

/// What was wrong with one field.
package struct FieldError: Sendable, Hashable {
  /// The field's name; `nil` for what concerns the whole form.
  package let field: String?
  package let message: String

  package init(_ field: String?, _ message: String) {
    self.field = field
    self.message = message
  }
}

extension [FieldError] {
  /// What a refusal and those with it say, each at its field.
  package init(_ refusal: Refusal) {
    self = ([refusal] + refusal.others).map { FieldError($0.field, $0.message) }
  }

  /// What was wrong with the field of this name first.
  package subscript(field: String) -> String? { first { $0.field == field }?.message }
}

/// All that was wrong, at the top, each with a link to its field; read out when the page opens.
package struct ErrorSummary: HTMLConvertible, Sendable {
  let errors: [FieldError]

  package init(_ errors: [FieldError]) { self.errors = errors }

  package var html: HTML {
    if errors.isEmpty { return .empty }
    return div(
      .class("error-summary"), .role("alert"), .tabindex(-1), .aria(.labelledby, "error-summary-title"),
      .data("data-error-summary")
    ) {
      h2(.id("error-summary-title")) {
        Icon.error
        "有 \(errors.count) 处需要修改，已填写的内容都还在"
      }
      ul {
        for error in errors {
          li {
            if let field = error.field {
              a(.href("#f-\(field)")) { error.message }
            } else {
              error.message
            }
          }
        }
      }
    }
  }
}

/// A form in one column: error summary, sections with an index beside when there are several, and the actions in sight.
package struct FormView: HTMLConvertible {
  let path: String
  let sections: [FormSection]
  let errors: [FieldError]
  let submit: Action
  let others: [Action]
  let cancelPath: String?
  let hidden: [HiddenField]
  let draftKey: String?
  let isMultipart: Bool
  let note: String?
  let savesItself: Bool
  let refreshes: Bool

  /// - Parameters:
  ///   - path: where it is sent.
  ///   - submit: a ``Action/Kind/submit(name:value:)`` action, labelled with what it does.
  ///   - hidden: further values, such as the version of the record.
  ///   - draftKey: keeps what is typed on this device under this name until it is sent; `nil` keeps nothing.
  ///   - note: stands beside the actions, such as who will see it.
  ///   - refreshes: answers decide what else is asked; without scripts a button asks for the form again, with `_refresh=1`.
  ///   - savesItself: sends what is typed to `path` with `_draft=1` a moment after each change, for the server to keep.
  package init(
    path: String, sections: [FormSection], errors: [FieldError] = [], submit: Action, others: [Action] = [],
    cancelPath: String?, hidden: [HiddenField] = [], draftKey: String? = nil, isMultipart: Bool = false,
    note: String? = nil, savesItself: Bool = false, refreshes: Bool = false
  ) {
    self.savesItself = savesItself
    self.refreshes = refreshes
    self.path = path
    self.sections = sections
    self.errors = errors
    self.submit = submit
    self.others = others
    self.cancelPath = cancelPath
    self.hidden = hidden
    self.draftKey = draftKey
    self.isMultipart = isMultipart
    self.note = note
  }

  private var hasIndex: Bool { sections.count >= 3 }

  package var html: HTML {
    div(.class("form-page"), .class(hasIndex ? "has-index" : nil)) {
      if hasIndex { index }
      form(
        .class("form"), .method(.post), .action(path), .multipart(isMultipart), .novalidate(), .data("data-form"),
        .data("data-draft", draftKey), .when(savesItself, .data("data-autosave"))
      ) {
        formTokenField()
        hidden
        ErrorSummary(errors)
        if refreshes { enter }
        div(.class("draft-offer"), .data("data-draft-offer"), .hidden())
        for section in sections { self.section(section) }
        bar
      }
    }
  }

  /// The first button of a form is what Enter presses; sections of such a form have buttons of their own.
  @HTMLBuilder private var enter: HTML {
    if case .submit(let name, let value) = submit.kind {
      button(
        .type("submit"), .class("visually-hidden"), .tabindex(-1), .aria(.hidden, true), .name(name), .value(value)
      ) { submit.label }
    }
  }

  private var index: HTML {
    nav(.class("index"), .aria(.label, "本页内容")) {
      ol {
        for section in sections {
          li {
            a(.href("#\(section.id)"), .class(section.hasErrors ? "has-error" : nil)) {
              section.label
              if section.hasErrors { Icon.error.html(named: "有需要修改的内容") }
            }
          }
        }
      }
    }
  }

  private func section(_ section: FormSection) -> HTML {
    HTML.section(section)
  }

  private var bar: HTML {
    div(.class("form-bar")) {
      submit
      others
      if refreshes {
        noscript {
          Action("按已填内容更新表单", .submit(name: "_refresh", value: "1"), style: .quiet, takesIncomplete: true)
        }
      }
      if let cancelPath { a(.class("button button-quiet"), .href(cancelPath), .data("data-leave")) { "返回" } }
      p(.class("form-note"), .role("status"), .data("data-form-status")) { note }
    }
  }
}

extension HTML {
  fileprivate static func section(_ part: FormSection) -> HTML {
    element("section", .id(part.id), .class("form-section"), .aria(.labelledby, "\(part.id)-title")) {
      h2(.id("\(part.id)-title")) { part.label }
      if let help = part.help { p(.class("section-help")) { help } }
      part.content
    }
  }
}
