/// A request that Lifang declines for a reason the user can act on.
///
/// One place turns it into a page or JSON (`code`, `message`, `field`); nothing in it is secret. Everything that the
/// user cannot act on is a ``Fault``.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of refusal this is; each has one HTTP status.
  package enum Kind: Sendable, Hashable {
    case invalid, unauthenticated, forbidden, notFound, conflict, gone, tooLarge, unsupported, unprocessable
    case tooMany, unavailable

    package var status: Int {
      switch self {
      case .invalid: 400
      case .unauthenticated: 401
      case .forbidden: 403
      case .notFound: 404
      case .conflict: 409
      case .gone: 410
      case .tooLarge: 413
      case .unsupported: 415
      case .unprocessable: 422
      case .tooMany: 429
      case .unavailable: 503
      }
    }
  }

  package let kind: Kind
  /// A stable reason code for programs, such as `password-too-short`.
  package let code: String
  /// What happened, what was kept and what to do next, in Chinese.
  package let message: String
  /// The name of the field at fault, when one is.
  package let field: String?
  /// Further refusals that were found in the same pass, so that a form can show all of them at once.
  package let others: [Refusal]

  package init(_ kind: Kind, _ code: String, _ message: String, field: String? = nil, others: [Refusal] = []) {
    self.kind = kind
    self.code = code
    self.message = message
    self.field = field
    self.others = others
  }

  /// One refusal out of several, or `nil` when there is none.
  package init?(all refusals: [Refusal]) {
    guard let first = refusals.first else { return nil }
    self.init(
      first.kind, first.code, first.message, field: first.field,
      others: first.others + refusals.dropFirst())
  }

  package var description: String { "\(code): \(message)" }
}

/// Something that went wrong inside; logged in full, shown as a neutral sentence with the request number.
package struct Fault: Error, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  package let code: String
  package let detail: String
  package let cause: (any Error)?
  package let location: String

  package init(
    _ code: String, _ detail: String = "", cause: (any Error)? = nil, file: String = #fileID, line: Int = #line
  ) {
    self.code = code
    self.detail = detail
    self.cause = cause
    self.location = "\(file):\(line)"
  }

  /// Reveals nothing but the code: descriptions reach end users.
  package var description: String { code }

  package var debugDescription: String {
    "\(code) at \(location)\(detail.isEmpty ? "" : ": \(detail)")\(cause.map { " — \(String(reflecting: $0))" } ?? "")"
  }
}
