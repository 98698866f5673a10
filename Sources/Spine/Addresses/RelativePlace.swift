package import Geo

/// A place described from another one: by direction, by distance, or by both — `西外镇某小区东北约200米` (D3-013).
package struct RelativePlace: Sendable, Hashable {
  /// What it is described from, with full-width forms as ASCII and without separators.
  package let base: String
  /// ``base`` without the 从 or 离 it begins with, for when that is no part of a name as it is in 从化区 and 离石区.
  package let bareBase: String?
  package let direction: PlaceDirection?
  package let metres: Double?

  /// The longest distance by which a place is described; more is the number of a kilometre or a slip.
  static let farthest = 5000.0

  /// Reads the description at the end of `text`; `nil` when there is none, or nothing is left that it could be from.
  ///
  /// - Complexity: linear in the length of the text.
  package init?(_ text: String) {
    var rest = text.unicodeScalars.compactMap { scalar -> Character? in
      // A point in a number is the one separator that matters.
      if scalar == "." || scalar == "．" { return "." }
      let folded = AddressText.folded(scalar.value)
      return folded == AddressText.space ? nil : Unicode.Scalar(folded).map(Character.init)
    }
    for ending in ["的位置", "的地方", "位置", "左右", "处", "远"] where rest.drop(ending) { break }
    let metres = RelativePlace.distance(at: &rest)
    let found = PlaceDirection.words.first { word in
      (word.isWhole || metres != nil) && rest.count > word.word.count
        && rest.suffix(word.word.count).elementsEqual(word.word)
    }
    if let found { rest.removeLast(found.word.count) }
    let isFrom = ["距离", "距", "离"].contains { rest.starts(with: $0) }
    // 某路200米 alone is no description; 距某路200米 is.
    guard found != nil || metres != nil && isFrom else { return nil }
    while ["以", "往", "向", "正", "偏", "的"].contains(where: { rest.drop($0) }) {}
    for word in ["距离", "距", "位于", "在"] where rest.starts(with: word) {
      rest.removeFirst(word.count)
      break
    }
    guard rest.count >= 2 else { return nil }
    base = String(rest)
    let isBare = rest.count < 3 || !["从", "离"].contains(rest[0])
    bareBase = isBare ? nil : String(rest.dropFirst())
    direction = found?.direction
    self.metres = metres
  }

  /// 约200米, 1.5公里, 两百米; removed from the end when it is there.
  private static func distance(at rest: inout [Character]) -> Double? {
    let whole = rest
    var factor: Double?
    for (unit, metres) in [("公里", 1000.0), ("千米", 1000), ("KM", 1000), ("米", 1), ("M", 1)] where rest.drop(unit) {
      factor = metres
      break
    }
    guard let factor else { return nil }
    var figures: [Character] = []
    while let last = rest.last, last.isASCII && last.isNumber || last == "." || ChineseNumeral.isFigure(last) {
      figures.append(last)
      rest.removeLast()
    }
    let text = String(figures.reversed())
    let scalars = text.unicodeScalars.map(\.value)
    let number = Double(text) ?? ChineseNumeral.number(scalars, scalars.indices).map(Double.init)
    guard let number, case let metres = number * factor, metres > 0, metres <= farthest else {
      rest = whole
      return nil
    }
    for word in ["大约", "大概", "约", "近"] where rest.drop(word) { break }
    return metres
  }

  /// Where that is, seen from where the other place is: there itself when the direction is none of the compass.
  package func place(from base: Coordinate) -> Coordinate {
    guard let metres, let bearing = direction?.bearing else { return base }
    return base.moved(by: metres, towards: bearing)
  }

  /// The description without what it is from: `东北约 200 米`.
  package var words: String {
    let distance = metres.map { "约 \(Int($0.rounded())) 米" } ?? ""
    return (direction?.word ?? "") + distance
  }
}

extension ChineseNumeral {
  fileprivate static func isFigure(_ character: Character) -> Bool {
    character.unicodeScalars.count == 1 && character.unicodeScalars.first.map { value($0.value) != nil } == true
  }
}

extension [Character] {
  /// Removes the word from the end when it stands there and is not all there is.
  fileprivate mutating func drop(_ word: String) -> Bool {
    let count = word.count
    guard self.count > count, suffix(count).elementsEqual(word) else { return false }
    removeLast(count)
    return true
  }
}
