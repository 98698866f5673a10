/// A route's pattern: `/`, `/cases/{id}/steps`, `/files/{path...}`.
struct RoutePattern: Sendable, Hashable {
  enum Segment: Sendable, Hashable {
    case literal(String)
    /// One segment that is not empty.
    case parameter(String)
    /// All that is left, slashes included; only at the end.
    case rest(String)
  }

  let text: String
  let segments: [Segment]

  /// Stops the program for a pattern that is none: patterns are written by programmers, never by users.
  init(_ text: String) {
    precondition(text.utf8.first == UInt8(ascii: "/"), "a route begins with a slash: \(text)")
    self.text = text
    var segments: [Segment] = []
    if text != "/" {
      for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
        if case .rest? = segments.last { preconditionFailure("{…...} must come last: \(text)") }
        if part.hasPrefix("{"), part.hasSuffix("}") {
          let name = part.dropFirst().dropLast()
          segments.append(name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(String(name)))
        } else {
          precondition(!part.contains("{") && !part.contains("}"), "a parameter is a whole segment: \(text)")
          segments.append(.literal(String(part)))
        }
      }
    }
    let names = segments.compactMap(\.name)
    precondition(Set(names).count == names.count && !names.contains(""), "parameters need different names: \(text)")
    self.segments = segments
  }

  var names: [String] { segments.compactMap(\.name) }
}

extension RoutePattern.Segment {
  fileprivate var name: String? {
    switch self {
    case .literal: nil
    case .parameter(let name), .rest(let name): name
    }
  }
}
