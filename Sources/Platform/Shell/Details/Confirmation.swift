package import HTML

/// A question before something that matters: what will happen, to what, and what is asked for.
///
/// The same content is a dialog when scripts opened it and a page when they did not: render ``Fragment`` with
/// ``dialog`` when the request carries `HX-Request`, else ``page(visit:crumbs:)``.
package struct Confirmation {
  let title: String
  let message: HTML
  let consequences: [String]
  let fields: [Field]
  let errors: [FieldError]
  let path: String
  let hidden: [HiddenField]
  let submit: String
  let isDangerous: Bool
  let cancelPath: String
  let isMultipart: Bool

  /// - Parameters:
  ///   - title: the question, naming the thing: `删除“通川大厦 3 栋”？`.
  ///   - consequences: what happens, one sentence each.
  ///   - fields: what has to be said first, such as the purpose of a look.
  ///   - path: where the form goes (`POST`).
  ///   - submit: the verb: `删除楼栋`.
  package init(
    title: String, consequences: [String] = [], fields: [Field] = [], errors: [FieldError] = [], path: String,
    hidden: [HiddenField] = [], submit: String, isDangerous: Bool = false, cancelPath: String,
    isMultipart: Bool = false, @HTMLBuilder message: () -> HTML = { .empty }
  ) {
    self.title = title
    self.message = message()
    self.consequences = consequences
    self.fields = fields
    self.errors = errors
    self.path = path
    self.hidden = hidden
    self.submit = submit
    self.isDangerous = isDangerous
    self.cancelPath = cancelPath
    self.isMultipart = isMultipart
  }

  /// What goes inside the dialog.
  package var dialog: HTML {
    HTML {
      h2(.id("dialog-title"), .class("dialog-title")) { title }
      form(isDialog: true)
    }
  }

  /// The page for those without scripts.
  package func page(visit: FrameModel, crumbs: [Crumb] = []) -> Page {
    Page(title: title, visit: visit, crumbs: crumbs) {
      Card { form(isDialog: false) }
    }
  }

  private func form(isDialog: Bool) -> HTML {
    element(
      "form", .class("confirmation"), .method(.post), .action(path), .multipart(isMultipart), .novalidate(),
      .when(isDialog, .data("data-dialog-form"))
    ) {
      formTokenField()
      hidden
      ErrorSummary(errors)
      message
      if !consequences.isEmpty { ul(.class("consequences")) { items } }
      fields
      div(.class("dialog-actions")) {
        a(.class("button button-normal"), .href(cancelPath), .data("data-dialog-close")) { leave }
        Action(submit, .submit(name: nil, value: nil), style: isDangerous ? .danger : .primary)
      }
    }
  }

  /// `先不删除`; of what is a refusal itself (不同意解除) nobody says that.
  private var leave: String { submit.hasPrefix("不") ? "先不决定" : "先不\(submit.prefix(2))" }

  private var items: HTML { .joined(consequences.map { text in li { text } }) }
}
