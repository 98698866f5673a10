import Core
import HTML
import Shell

/// A form that is filled in in the street: without a network it waits on the telephone and is sent later.
struct FieldForm: HTMLConvertible {
  let path: String
  /// What the list of what waits calls it.
  let title: String
  /// Names this submission, should it be sent twice.
  let client: String
  let hidden: [HiddenField]
  let errors: [FieldError]
  let submit: String
  /// Where the way back leads, and where the browser goes when it was sent.
  let back: String
  /// Whether the page may be filled in again and again, each time as another submission.
  let isRepeated: Bool
  /// The fields that are sealed while the form waits on the telephone.
  let secret: [String]
  let content: HTML

  init(
    path: String, title: String, client: String, hidden: [HiddenField] = [], errors: [FieldError], submit: String,
    back: String, isRepeated: Bool = false, secret: [String] = [], @HTMLBuilder content: () -> HTML
  ) {
    self.path = path
    self.title = title
    self.client = client
    self.hidden = hidden
    self.errors = errors
    self.submit = submit
    self.back = back
    self.isRepeated = isRepeated
    self.secret = secret
    self.content = content()
  }

  var html: HTML {
    form(
      .class("form inspection-form"), .method(.post), .action(path), .multipart(), .novalidate(),
      .data("data-outbox-form", title), .data("data-outbox-next", back),
      .data("data-outbox-repeated", isRepeated ? "true" : "false"),
      .data("data-outbox-secret", secret.joined(separator: " "))
    ) {
      formTokenField()
      HiddenField("client_id", client)
      HiddenField("taken_at", "")
      for field in hidden { field }
      ErrorSummary(errors)
      div(.class("stack")) { content }
      div(.class("form-bar")) {
        Action(submit, .submit(name: nil, value: nil), style: .primary, icon: .check)
        a(.class("button button-quiet"), .href(back)) { "返回" }
      }
    }
  }

  /// What waits on the telephone, above it.
  static var outbox: HTML { div(.class("outbox"), .data("data-outbox"), .role("status"), .hidden()) }

  /// When a form was filled in by the device's clock, which is not believed when it lies ahead or too far back.
  static func taken(_ text: String?, now: Instant) -> Instant {
    guard let text, let instant = Instant(text), instant < now, now - instant < 30 * 86400 else { return now }
    return instant
  }
}
