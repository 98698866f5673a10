import Addresses
package import Core

/// How well addresses were cut (评测): parts count as right when both ends and the label agree.
package struct ParserScore: Sendable {
  package struct Tally: Sendable {
    package var right = 0
    package var given = 0
    package var expected = 0

    package var precision: Double { given == 0 ? 0 : Double(right) / Double(given) }
    package var recall: Double { expected == 0 ? 0 : Double(right) / Double(expected) }
    /// The harmonic mean of precision and recall.
    package var f1: Double { given + expected == 0 ? 0 : Double(2 * right) / Double(given + expected) }
  }

  package private(set) var all = Tally()
  package private(set) var byLabel = [Tally](repeating: Tally(), count: AddressLabel.count)
  package private(set) var addresses = 0
  /// Addresses with every part right and none too many.
  package private(set) var whole = 0

  package init() {}

  /// The share of addresses that are right as a whole.
  package var wholeAddress: Double { addresses == 0 ? 0 : Double(whole) / Double(addresses) }

  package mutating func count(_ given: LabelledAddress, expected: LabelledAddress) {
    let truth = Set(expected.parts)
    var right = 0
    for part in given.parts {
      byLabel[Int(part.label.rawValue)].given += 1
      if truth.contains(part) {
        right += 1
        byLabel[Int(part.label.rawValue)].right += 1
      }
    }
    for part in expected.parts { byLabel[Int(part.label.rawValue)].expected += 1 }
    all.right += right
    all.given += given.parts.count
    all.expected += expected.parts.count
    addresses += 1
    if right == expected.parts.count, right == given.parts.count { whole += 1 }
  }

  /// Parses the joined characters of each address and compares: the tokens of the corpus are not looked at, since
  /// addresses of the world come without any.
  package static func of(_ model: ParserModel, on corpus: [LabelledAddress]) -> ParserScore {
    var parser = AddressParser(model)
    var score = ParserScore()
    for address in corpus { score.count(parser.parse(scalars: address.scalars), expected: address) }
    return score
  }

  /// `precision`, `recall`, `f1`, `wholeAddress`, `addresses`, and with `byLabel` the same for each label.
  package func json(byLabel isDetailed: Bool) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("precision", .double(all.precision)), ("recall", .double(all.recall)), ("f1", .double(all.f1)),
      ("wholeAddress", .double(wholeAddress)), ("addresses", .int(Int64(addresses))),
    ]
    if isDetailed {
      let labels = AddressLabel.allCases.map { label in
        let tally = byLabel[Int(label.rawValue)]
        return (
          key: label.name,
          value: JSON.object([
            ("precision", .double(tally.precision)), ("recall", .double(tally.recall)), ("f1", .double(tally.f1)),
            ("expected", .int(Int64(tally.expected))),
          ])
        )
      }
      members.append(("labels", .object(labels)))
    }
    return .object(members)
  }
}
