import Connectors
import Core
import Entities

/// Cleans rows as a feed declares (清洗): every rule in its order, then whether the row counts.
struct FeedCleaner: Sendable {
  let feed: Feed
  let catalog: Catalog
  let context: EvaluationContext
  /// The code of today for a code of any time; `nil` for one that nobody knows.
  let division: @Sendable (String) -> String?

  func clean(_ row: FeedSourceRow) -> FeedCleaning {
    var values: [String: Value]
    switch row.content {
    case .failure(let refusal): return .refused(key: "", title: "", reason: refusal.message)
    case .success(let content): values = content
    }
    func key() -> String { TextForms.trimmed(values[feed.key]?.text ?? "") }
    func title() -> String { values[feed.title]?.text ?? "" }
    do throws(Refusal) {
      for rule in feed.clean {
        if let reason = try apply(rule, &values) { return .dropped(key: key(), title: title(), reason: reason) }
      }
      let known = key()
      guard !known.isEmpty, known.utf8.count <= 200 else {
        let label = feed.rows.first { $0.name == feed.key }?.label ?? feed.key
        return .refused(key: "", title: title(), reason: known.isEmpty ? "没有“\(label)”，不知道是哪一条" : "“\(label)”太长")
      }
      let isDeleted = try feed.deleted?.holds(in: context) { values[$0] ?? .null } ?? false
      return .kept(
        FeedRow(
          number: row.number, key: known, title: title(), division: feed.division.flatMap { values[$0]?.text },
          isDeleted: isDeleted, values: values))
    } catch {
      return .refused(key: key(), title: title(), reason: error.message)
    }
  }

  /// The reason for which the row is dropped, if it is.
  private func apply(_ rule: FeedRule, _ values: inout [String: Value]) throws(Refusal) -> String? {
    switch rule {
    case .trim(let names): change(names, &values) { FeedCleaner.squeezed($0) }
    case .fold(let names): change(names, &values) { TextForms.folded($0) }
    case .blank(let names, let words): change(names, &values) { words.contains($0) ? "" : $0 }
    case .map(let name, let codes, let otherwise):
      guard let text = values[name]?.text else { return nil }
      if let code = codes[text] {
        values[name] = .text(code)
      } else if otherwise == .blank {
        values[name] = .null
      } else if otherwise == .refuse {
        throw unknown(name, text, "没有约定对应的值")
      }
    case .dictionary(let name, let dictionary):
      guard let text = values[name]?.text, let declared = catalog.dictionary(dictionary) else { return nil }
      guard let code = declared.code(text) ?? declared.code(labelled: text) else {
        throw unknown(name, text, "不在字典“\(declared.label)”里")
      }
      values[name] = .text(code.code)
    case .division(let names):
      for name in names {
        guard let text = values[name]?.text else { continue }
        guard let code = division(text) else { throw unknown(name, text, "不是现行或曾用的区划代码") }
        values[name] = .text(code)
      }
    case .date(let names):
      for name in names {
        guard let text = values[name]?.text else { continue }
        guard let date = TextForms.date(text) else { throw unknown(name, text, "不是日期") }
        values[name] = .text(date.description)
      }
    case .set(let name, let value, let when):
      let row = values
      if let when, try !when.holds(in: context, { row[$0] ?? .null }) { return nil }
      values[name] = try value.evaluate(in: context) { row[$0] ?? .null }
    case .drop(let when, let reason):
      let row = values
      if try when.holds(in: context, { row[$0] ?? .null }) { return reason }
    }
    return nil
  }

  private func change(_ names: [String], _ values: inout [String: Value], _ body: (String) -> String) {
    for name in names {
      guard let text = values[name]?.text else { continue }
      let changed = body(text)
      values[name] = changed.isEmpty ? .null : .text(changed)
    }
  }

  private func unknown(_ name: String, _ text: String, _ problem: String) -> Refusal {
    let field = feed.rows.first { $0.name == name }
    let shown = field?.mask.map { Masking.masked(text, by: $0) } ?? String(text.prefix(40))
    return Refusal(.unprocessable, "feed-value", "“\(field?.label ?? name)”的“\(shown)”\(problem)", field: name)
  }

  /// Without blanks at the ends, and one where several stand within.
  static func squeezed(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var wasBlank = false
    for scalar in TextForms.trimmed(text).unicodeScalars {
      let isInvisible = (0x200B...0x200F).contains(scalar.value) || scalar.value == 0xFEFF
      if isInvisible { continue }
      let isBlank = scalar.properties.isWhitespace
      if isBlank, wasBlank { continue }
      result.append(isBlank ? " " : scalar)
      wasBlank = isBlank
    }
    return String(result)
  }
}
