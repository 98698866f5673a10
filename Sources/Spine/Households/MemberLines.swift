package import Core

/// People as an application lists them, one a line or between semicolons: 姓名、公民身份号码、关系 in any order.
package struct MemberLine: Sendable, Hashable {
  package let name: String?
  package let residentID: ResidentID?
  package let relation: Kinship?

  /// Reads a list such as `陈燕，配偶；卢小雨，女`.
  ///
  /// - Throws: ``Refusal`` `member-line` with the line that names nobody.
  package static func read(_ text: String) throws(Refusal) -> [MemberLine] {
    var lines: [MemberLine] = []
    for part in text.split(whereSeparator: { $0.isNewline || "；;。".contains($0) }) {
      let words = part.split(whereSeparator: { $0.isWhitespace || "，,、:：（）()".contains($0) }).map(String.init)
      guard !words.isEmpty else { continue }
      var name: String?
      var id: ResidentID?
      var relation: Kinship?
      for word in words {
        if let read = ResidentID(word) {
          id = read
        } else if let read = Kinship(written: word), relation == nil {
          relation = read
        } else if name == nil {
          name = word
        }
      }
      guard name != nil || id != nil else {
        throw Refusal(.unprocessable, "member-line", "“\(part)”里没有姓名。请每行写明姓名和关系，例如“陈燕，配偶”。")
      }
      lines.append(MemberLine(name: name, residentID: id, relation: relation))
    }
    return lines
  }
}
