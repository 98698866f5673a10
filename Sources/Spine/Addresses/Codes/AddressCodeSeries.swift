import Core
package import SQL

/// Hands out address codes: the numbers of a town are taken in one step and never again, and a code that any address
/// ever had, deleted ones too, is passed over (``AddressCodeLedger``).
///
/// Codes follow the rule in force (地址编码规则, register `address_code_rule`), else ``AddressCodeRule/standard``.
package struct AddressCodeSeries: Sendable {
  package init() {}

  /// A code for each division of the list, in order.
  ///
  /// - Throws: ``Refusal`` `address-code-exhausted`, `address-code-pattern`.
  package func take(_ divisions: [DivisionCode], in transaction: Transaction) async throws -> [AddressCode] {
    let rule = try await CodeRules.current(in: transaction)
    var codes = try await next(divisions, rule, in: transaction)
    // A pattern of before may have given the same text for another number.
    for _ in 0..<100 {
      let taken = try await AddressCodeLedger.taken(codes, in: transaction)
      let clashes = codes.indices.filter { taken.contains(codes[$0].text) }
      if clashes.isEmpty { return codes }
      let fresh = try await next(clashes.map { divisions[$0] }, rule, in: transaction)
      for (index, code) in zip(clashes, fresh) { codes[index] = code }
    }
    throw Refusal(
      .conflict, "address-code-exhausted", "按现行规则编出的地址编码都已用过，没有保存。请在“地址编码规则”里启用一条不与旧码重复的规则。")
  }

  private func next(
    _ divisions: [DivisionCode], _ rule: AddressCodeRule, in transaction: Transaction
  ) async throws -> [AddressCode] {
    var wanted: [DivisionCode: Int64] = [:]
    for division in divisions { wanted[Self.series(division), default: 0] += 1 }
    guard !wanted.isEmpty else { return [] }
    let series = wanted.sorted { $0.key < $1.key }
    let rows = try await transaction.query(
      """
      insert into address_code_series as s (division_code, last)
      select d, n from unnest(\(series.map(\.key.text))::text[], \(series.map(\.value))::bigint[]) as t(d, n) order by d
      on conflict (division_code) do update set last = s.last + excluded.last returning division_code, last
      """)
    var next: [String: Int64] = [:]
    for row in rows {
      let code = try row.get("division_code", as: String.self)
      guard let division = DivisionCode(code) else { continue }
      next[code] = try row.get("last", as: Int64.self) - (wanted[division] ?? 0)
    }
    return try divisions.map { division in
      let key = Self.series(division)
      let number = (next[key.text] ?? 0) + 1
      next[key.text] = number
      return try rule.code(division: key, sequence: number)
    }
  }

  /// Goes on behind numbers that were given elsewhere, as after a take-over of coded addresses.
  package func skip(to last: [DivisionCode: Int64], in transaction: Transaction) async throws {
    let series = last.sorted { $0.key < $1.key }
    try await transaction.execute(
      """
      insert into address_code_series as s (division_code, last)
      select * from unnest(\(series.map(\.key.text))::text[], \(series.map(\.value))::bigint[])
      on conflict (division_code) do update set last = greatest(s.last, excluded.last)
      """)
  }

  /// Codes count within a town, or within what is known when the town is not.
  package static func series(_ division: DivisionCode) -> DivisionCode { division.ancestor(.town) ?? division }
}
