import Core
import Entities
import SQL

/// 街路巷居委会对照 (C-487): the committee of an address by its road and number.
enum RoadCommunities {
  private struct Part {
    let road: Int64
    let division: String
    let community: String
    let from: Int
    let to: Int
    let parity: String

    func holds(_ number: Int?) -> Bool {
      guard let number else { return from == 0 && to == .max && parity == "all" }
      return (from...to).contains(number) && (parity == "all" || (parity == "odd") == (number % 2 == 1))
    }
  }

  /// Completes the division of addresses that were entered down to the town only, and refuses a committee that the road's
  /// numbers do not belong to. A road of the same name in another town is another road. Rows of a list keep what they say: their list may be newer.
  static func fill(_ drafts: inout [RecordDraft], in transaction: Transaction) async throws {
    let indices = drafts.indices.filter { drafts[$0].refusal == nil && drafts[$0]["road"].text != nil }
    let names = Set(indices.compactMap { drafts[$0]["road"].text })
    guard !names.isEmpty else { return }
    let rows = try await transaction.query(
      """
      select r.id, r.name as road, m.division_code, d.name as community, coalesce(m.number_from, 0) as first,
        m.number_to as last, m.parity
      from road_community m join road r on r.id = m.road_id join division d on d.code = m.division_code
      where r.name = any(\(names.sorted())) and m.active
      """)
    if rows.isEmpty { return }
    var parts: [String: [Part]] = [:]
    for row in rows {
      parts[try row.get("road"), default: []].append(
        Part(
          road: try row.get("id"), division: try row.get("division_code"), community: try row.get("community"),
          from: Int(try row.get("first", as: Int64.self)),
          to: try row.get("last", as: Int64?.self).map { Int($0) } ?? .max,
          parity: try row.get("parity")))
    }
    for index in indices {
      guard let road = drafts[index]["road"].text, let given = drafts[index]["division_code"].text,
        given.utf8.count >= 9
      else { continue }
      let number = drafts[index]["house_number"].text.flatMap { Int($0.prefix { $0.isASCII && $0.isNumber }) }
      let known = drafts[index]["road_id"].integer
      let near = (parts[road] ?? []).filter { part in
        part.division.hasPrefix(given.prefix(9)) && known.map { $0 == part.road } ?? true && part.holds(number)
      }
      if given.utf8.count < 12 {
        let found = near.filter { $0.division.hasPrefix(given) }
        guard Set(found.map(\.division)).count == 1, let part = found.first else { continue }
        drafts[index]["division_code"] = .text(part.division)
        if drafts[index]["community"].isBlank { drafts[index]["community"] = .text(part.community) }
      } else if drafts[index].row == nil, let part = near.first, !near.contains(where: { given.hasPrefix($0.division) })
      {
        drafts[index].refuse(
          Refusal(
            .unprocessable, "address-committee",
            "\(road)\(number.map { "\($0)号" } ?? "")按对照属于\(part.community)，与所填的居委会不符。请改正，或先修改街路巷居委会对照。",
            field: "division_code"))
      }
    }
  }
}
