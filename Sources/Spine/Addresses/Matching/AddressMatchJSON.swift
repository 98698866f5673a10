package import Core
package import SQL

/// A match as command line and interface write it.
package enum AddressMatchJSON {
  /// What a candidate is called.
  package struct Name: Sendable, Hashable {
    package let code: String?
    package let fullName: String
    /// Degrees of CGCS2000; `nil` where the register has no position.
    package let location: Location?

    package struct Location: Sendable, Hashable {
      package let longitude: Double
      package let latitude: Double
    }

    package init(code: String?, fullName: String) {
      self.code = code
      self.fullName = fullName
      location = nil
    }

    /// Reads `code`, `full_name`, `x` and `y`.
    package init(_ row: Row) throws {
      code = try row.get("code")
      fullName = try row.get("full_name")
      let x = try row.get("x", as: Double?.self)
      let y = try row.get("y", as: Double?.self)
      location = if let x, let y { Location(longitude: x, latitude: y) } else { nil }
    }

    /// As members of a JSON object.
    package var members: [(key: String, value: JSON)] {
      [
        ("code", code.map { .string($0) } ?? .null), ("fullName", .string(fullName)),
        ("location", location.map { [.double($0.longitude), .double($0.latitude)] } ?? .null),
      ]
    }
  }

  /// `{"text":…,"outcome":"accepted","confidence":0.998,"address":{…},"candidates":[…],"reasons":[…]}`
  ///
  /// `address` is the accepted one or null. Candidates that `names` does not have are left out: they are gone, or not
  /// for the one who asks.
  package static func value(_ text: String, _ match: AddressMatch, _ names: [Int64: Name]) -> JSON {
    let candidates = match.candidates.compactMap { candidate in
      names[candidate.id].map { name in
        JSON.object(
          [("id", .int(candidate.id))] + name.members
            + [("score", .double((Double(candidate.score) * 100).rounded() / 100))])
      }
    }
    let isFirstShown = match.candidates.first.map { names[$0.id] != nil } ?? false
    let isAccepted = match.outcome == .accepted && isFirstShown
    return .object([
      ("text", .string(text)), ("outcome", .string(isAccepted ? "accepted" : candidates.isEmpty ? "none" : "doubtful")),
      ("confidence", .double(isFirstShown ? (match.confidence * 10000).rounded() / 10000 : 0)),
      ("address", isAccepted ? candidates[0] : .null), ("candidates", .array(candidates)),
      (
        "reasons",
        .array(
          match.reasons.map { .object([("code", .string($0.rawValue)), ("message", .string($0.message))]) })
      ),
    ])
  }

  package static func text(_ text: String, _ match: AddressMatch, _ names: [Int64: Name]) -> String {
    value(text, match, names).text
  }
}
