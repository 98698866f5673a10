package import Core
import Foundation
import Transport
package import Entities

/// Values as they stand in requests and answers: one object, texts, numbers, `true`, dates `2026-11-21`, instants RFC 3339.
extension ConnectorField {
  /// A value as it goes out: numbers and flags as such, everything else as text.
  package func json(_ value: Value) -> JSON {
    switch value {
    case .integer(let number): .int(number)
    case .boolean(let flag): .bool(flag)
    case .null: .null
    default: .string(value.plainText)
    }
  }

  /// - Throws: ``Refusal`` `answer-type` when it is nothing of this kind.
  package func value(_ json: JSON?) throws(Refusal) -> Value {
    guard let json, json != .null else { return .null }
    let wrong = Refusal(.unprocessable, "answer-type", "答复的字段“\(label)”不是约定的类型")
    switch type {
    case .integer:
      guard let number = json.int else { throw wrong }
      return .integer(number)
    case .boolean:
      guard let flag = json.bool else { throw wrong }
      return .boolean(flag)
    case .decimal:
      guard let number = FixedDecimal(json.string ?? json.text) else { throw wrong }
      return .decimal(number)
    case .date:
      guard let date = json.string.flatMap({ CivilDate($0) }) else { throw wrong }
      return .date(date)
    case .instant:
      guard let instant = json.string.flatMap({ Instant($0) }) else { throw wrong }
      return .instant(instant)
    case .file:
      guard let text = json.string, Data(base64Encoded: text) != nil else { throw wrong }
      return text.isEmpty ? .null : .text(text)
    default:
      guard let text = json.string else { throw wrong }
      let shown = String(text.prefix(500)).filter { $0 != "\0" }
      return shown.isEmpty ? .null : .text(shown)
    }
  }
}

extension ConnectorOperation {
  /// Bytes of an answer: more with a list or a file.
  var maximumAnswer: Int {
    rows != nil || response.contains { $0.type == .file } ? 16 << 20 : CurlTransport.maximumAnswer
  }
}

extension ConnectorRows {

  /// The list of an answer.
  ///
  /// - Throws: ``Refusal`` `answer-type` when there is none.
  func read(_ json: JSON) throws(Refusal) -> [Result<[String: Value], Refusal>] {
    guard let items = json[name]?.array else {
      throw Refusal(.unprocessable, "answer-type", "答复里没有列表“\(name)”")
    }
    return items.map { item in Result { () throws(Refusal) in try fields.read(item) } }
  }
}

extension [ConnectorField] {
  /// The body of a request.
  package func body(_ values: [String: Value]) -> JSON {
    .object(compactMap { field in values[field.name].flatMap { $0.isBlank ? nil : (field.name, field.json($0)) } })
  }

  /// What an answer says.
  ///
  /// - Throws: ``Refusal`` `answer-type`, `answer-missing`.
  package func read(_ json: JSON) throws(Refusal) -> [String: Value] {
    guard json.object != nil else { throw Refusal(.unprocessable, "answer-type", "答复不是约定的 JSON") }
    var values: [String: Value] = [:]
    for field in self {
      let value = try field.value(json[field.name])
      if field.isRequired, value.isBlank {
        throw Refusal(.unprocessable, "answer-missing", "答复里缺少“\(field.label)”")
      }
      values[field.name] = value
    }
    return values
  }

  /// The values as the log may keep them: labels, and personal data masked.
  package func logged(_ values: [String: Value]) -> String {
    compactMap { field -> String? in
      guard let value = values[field.name], !value.isBlank else { return nil }
      if field.type == .file { return "\(field.label)：\(value.plainText.utf8.count / 4 * 3) 字节" }
      let text = field.mask.map { Masking.masked(value.plainText, by: $0) } ?? value.plainText
      return "\(field.label)：\(text.prefix(80))"
    }.joined(separator: "；")
  }

  /// The values that `fields` offer for a request.
  package func gathered(_ lookup: (String) -> Value) -> [String: Value] {
    var values: [String: Value] = [:]
    for field in self {
      for source in field.sources {
        let value = lookup(source)
        if value.isBlank { continue }
        values[field.name] = value
        break
      }
    }
    return values
  }

  /// Labels of what is required and not there.
  package func missing(in values: [String: Value]) -> [String] {
    filter { $0.isRequired && values[$0.name]?.isBlank != false }.map(\.label)
  }
}
