import HTML
import Processes

/// Words in lines, one below the other around a middle.
struct DiagramLabel {
  static let size = 12.0
  static let lineHeight = 15.0

  let lines: [String]
  let box: DiagramBox

  /// Where it takes this much room.
  static func extent(_ lines: [String]) -> (width: Double, height: Double) {
    let width = lines.map { ProcessLayout.width(of: $0) }.max() ?? 0
    return (width * size, Double(lines.count) * lineHeight)
  }

  var html: HTML {
    let top = box.midY - Double(lines.count) * DiagramLabel.lineHeight / 2
    return HTML {
      for (index, line) in lines.enumerated() {
        diagramText(line, box.midX, top + Double(index) * DiagramLabel.lineHeight + 11.5, .class("process-name"))
      }
    }
  }
}

func diagramText(_ text: String, _ x: Double, _ y: Double, _ attributes: Attribute) -> HTML {
  element(
    "text", .custom("x", decimal(x)), .custom("y", decimal(y)), .custom("text-anchor", "middle"), attributes
  ) { text }
}

/// A length with one decimal at most.
func decimal(_ length: Double) -> String {
  let tenths = Int((length * 10).rounded())
  let (whole, rest) = (abs(tenths) / 10, abs(tenths) % 10)
  return (tenths < 0 ? "-" : "") + "\(whole)" + (rest == 0 ? "" : ".\(rest)")
}

/// `text` in lines of at most `width` times its size, about equally long; what is too much for `limit` lines ends in `…`.
func wrapped(_ text: String, width: Double, limit: Int = 2) -> [String] {
  let total = ProcessLayout.width(of: text)
  if total <= width { return text.isEmpty ? [] : [text] }
  let count = min(limit, Int((total / width).rounded(.up)))
  var rest = Substring(text)
  var lines: [String] = []
  for number in 0..<count {
    let left = ProcessLayout.width(of: String(rest))
    let isLast = number == count - 1
    if isLast, left > width {
      lines.append(prefix(of: rest, width: width - 1) + "…")
      break
    }
    // Half a character more than an equal share, so that an odd one goes to the first line.
    let line = isLast ? String(rest) : prefix(of: rest, width: min(width, left / Double(count - number) + 0.5))
    rest = rest.dropFirst(line.count)
    let trimmed = line.drop { $0 == " " }
    if !trimmed.isEmpty { lines.append(String(trimmed)) }
  }
  return lines
}

/// As much of `text` as fits, neither ending within a Latin word or a number, nor before a mark that
/// closes or after one that opens.
private func prefix(of text: Substring, width: Double) -> String {
  var taken = ""
  for character in text {
    if ProcessLayout.width(of: taken) + ProcessLayout.width(of: String(character)) > width + 0.001 { break }
    taken.append(character)
  }
  let rest = text.dropFirst(taken.count)
  guard let next = rest.first else { return taken }
  if "，。、；：！？）》”’".contains(next) { return taken.count > 1 ? taken + String(next) : taken }
  if let last = taken.last, "（《“‘".contains(last), taken.count > 1 { return String(taken.dropLast()) }
  func joins(_ character: Character?) -> Bool { character.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false }
  guard joins(next), joins(taken.last), let cut = taken.lastIndex(where: { !joins($0) }) else { return taken }
  return String(taken[...cut])
}
