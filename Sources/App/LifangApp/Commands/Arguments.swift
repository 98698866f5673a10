import Core

/// The words of a command line, sorted into options and operands: `--name value`, `--name=value`, `--flag`, `--`.
struct Arguments {
  private(set) var operands: [String] = []
  private var options: [String: String] = [:]
  private var flags: Set<String> = []

  /// - Parameters:
  ///   - valued: the options that take a value.
  ///   - flagged: the options that take none.
  /// - Throws: ``Refusal`` `unknown-option` or `option-without-value`.
  init(_ words: [String], valued: Set<String>, flagged: Set<String>) throws(Refusal) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      }
      guard word.hasPrefix("--") else {
        operands.append(word)
        continue
      }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if flagged.contains(name), parts.count == 1 {
        flags.insert(name)
      } else if valued.contains(name) {
        guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
          throw Refusal(.invalid, "option-without-value", "选项 --\(name) 后面缺少值。")
        }
        options[name] = value
      } else {
        let known = valued.union(flagged).sorted().map { "--\($0)" }.joined(separator: " ")
        throw Refusal(.invalid, "unknown-option", "没有选项 --\(name)。可用的有：\(known)")
      }
    }
  }

  func value(_ name: String) -> String? { options[name] }

  func flag(_ name: String) -> Bool { flags.contains(name) }

  /// - Throws: ``Refusal`` `option-not-a-number` unless the value lies in `range`.
  func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(Refusal) -> Int {
    guard let text = options[name] else { return fallback }
    guard let value = Int(text), range.contains(value) else {
      throw Refusal(
        .invalid, "option-not-a-number", "选项 --\(name) 应为 \(range.lowerBound) 到 \(range.upperBound) 的整数，收到“\(text)”。")
    }
    return value
  }

  /// - Throws: ``Refusal`` `option-not-a-number` unless the value is a number above zero and at most `limit`.
  func number(_ name: String, upTo limit: Double, default fallback: Double) throws(Refusal) -> Double {
    guard let text = options[name] else { return fallback }
    guard let value = Double(text), value > 0, value <= limit else {
      throw Refusal(.invalid, "option-not-a-number", "选项 --\(name) 应为大于 0、不超过 \(limit) 的数，收到“\(text)”。")
    }
    return value
  }
}
