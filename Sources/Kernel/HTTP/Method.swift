/// What a request asks to be done with its target (RFC 9110 §9.3); `TRACE` and `CONNECT` are never served.
package enum Method: String, Sendable, Hashable, CaseIterable {
  case get = "GET"
  case head = "HEAD"
  case post = "POST"
  case put = "PUT"
  case patch = "PATCH"
  case delete = "DELETE"
  case options = "OPTIONS"

  /// Whether a request of this kind changes nothing (RFC 9110 §9.2.1), so that it needs no cross-site check.
  package var isSafe: Bool {
    switch self {
    case .get, .head, .options: true
    case .post, .put, .patch, .delete: false
    }
  }
}
