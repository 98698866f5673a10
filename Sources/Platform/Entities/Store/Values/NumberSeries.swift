package import Access
package import Audit
import Core
import SQL

/// A series of numbers (编号序列): which register, what stands before the running number, and which number is next.
package struct NumberSeries: Sendable, Hashable {
  package let entity: String
  /// What is fixed, with `#` where the running number stands: `511702#`.
  package let text: String
  package let next: Int64

  package init(entity: String, text: String, next: Int64) {
    self.entity = entity
    self.text = text
    self.next = next
  }

  /// The number that the next record gets.
  package func sample(digits: Int) -> String {
    let number = String(next)
    return pattern(String(repeating: "0", count: max(0, digits - number.utf8.count)) + number)
  }

  /// What is fixed, with `middle` where the running number stands.
  package func pattern(_ middle: String) -> String {
    text.split(separator: "#", omittingEmptySubsequences: false).joined(separator: middle)
  }
}

extension NumberingRule {
  /// The digits of the running number.
  package var digits: Int {
    for case .sequence(let digits) in parts { return digits }
    return 0
  }

  /// How many characters stand before the running number, when that is fixed and nothing follows it.
  package var prefixLength: Int? {
    var length = 0
    for (index, part) in parts.enumerated() {
      switch part {
      case .literal(let text): length += text.count
      case .field(_, let width?): length += width
      case .field(_, nil): return nil
      case .year(let digits): length += digits
      case .month, .day: length += 2
      case .sequence: return index == parts.count - 1 ? length : nil
      }
    }
    return nil
  }
}

extension RecordStore {
  /// The series that have handed out numbers or were set, by register.
  package func numberSeries() async throws -> [NumberSeries] {
    try await database.query("select series, next from number_series order by series").compactMap { row in
      let series: String = try row.get("series")
      guard let colon = series.firstIndex(of: ":") else { return nil }
      let entity = String(series[..<colon])
      guard catalog.entity(entity)?.numbering != nil else { return nil }
      return NumberSeries(
        entity: entity, text: String(series[series.index(after: colon)...]), next: try row.get("next"))
    }
  }

  /// Lets a series go on with `next` (序列维护, C-493, C-494); numbers are never handed out twice, so it only goes up.
  ///
  /// - Throws: ``Refusal`` `series-register`, `series-text`, `series-digits`, `series-lower` with the number that is next
  ///   now.
  package func setSeries(_ series: NumberSeries, by principal: Principal, origin: Origin) async throws {
    try principal.require(Permission("parameter", "update"), toDo: "设置编号序列")
    guard let entity = catalog.entity(series.entity), let rule = entity.numbering else {
      throw Refusal(.invalid, "series-register", "请选择一张有编号规则的登记表。", field: "entity")
    }
    let shape = series.text.split(separator: "#", omittingEmptySubsequences: false)
    guard shape.count == 2, series.text.utf8.count <= 80,
      rule.prefixLength.map({ shape[0].count == $0 && shape[1].isEmpty }) ?? true
    else {
      throw Refusal(
        .invalid, "series-text", "“\(entity.label)”的序列前缀应是 \(rule.prefixLength ?? 0) 位，请按编号规则填写。", field: "text")
    }
    guard series.next >= 1, String(series.next).utf8.count <= rule.digits else {
      throw Refusal(.invalid, "series-digits", "下一个号应是 1 到 \(rule.digits) 位的数。", field: "next")
    }
    let key = "\(series.entity):\(series.text)"
    let audit = audit
    try await database.transaction { transaction in
      let row = try await transaction.query(
        """
        insert into number_series as s (series, next) values (\(key), \(series.next))
        on conflict (series) do update set next = excluded.next where s.next <= excluded.next returning next
        """
      ).first
      guard row != nil else {
        let next: Int64? = try await transaction.query("select next from number_series where series = \(key)").first?
          .get("next")
        throw Refusal(
          .conflict, "series-lower", "这个序列已经编到 \(next ?? 0)，只能调大，否则会重号。没有改动。", field: "next")
      }
      try await audit.append(
        AuditEntry(
          principal, "number_series.update", entity: series.entity, record: nil, purpose: nil, origin: origin,
          details: ["series": .string(series.text), "next": .int(series.next)]), in: transaction)
    }
  }
}
