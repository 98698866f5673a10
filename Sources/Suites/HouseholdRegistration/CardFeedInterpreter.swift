import Access
import Core
package import Entities
package import Feeds
package import SQL

/// Finds whose identity card was made (身份证制证信息, C-555): the person of the register with that number and name. Nobody is
/// registered by a card; whoever is not there yet is tried again with each run.
package struct CardFeedInterpreter: FeedInterpreter {
  package static let shape = FeedInterpreterShape(
    name: "identity_card", register: "person", inputs: ["resident_id", "name", "issued_on", "expires_on"],
    required: ["resident_id", "name", "issued_on"], fields: ["card_issued_on", "card_expires_on"])

  package var shape: FeedInterpreterShape { CardFeedInterpreter.shape }

  private let store: RecordStore

  package init(_ store: RecordStore) { self.store = store }

  package func interpret(_ rows: [FeedInterpreterInput], in transaction: Transaction) async throws
    -> [FeedUnderstanding]
  {
    let records = store.records(as: .system, purpose: "身份证制证信息").plain.within(transaction)
    var understood: [FeedUnderstanding] = []
    for row in rows { understood.append(try await understand(row, records)) }
    return understood
  }

  private func understand(_ row: FeedInterpreterInput, _ records: Records) async throws -> FeedUnderstanding {
    guard let number = ResidentID(row.values["resident_id"]?.text ?? "") else {
      return .refused("公民身份号码不正确，请制证系统核对")
    }
    guard let person = try await records.find("person", where: "resident_id", equals: .text(number.text)) else {
      return .refused("人口登记里没有这个公民身份号码，登记后自动再试")
    }
    guard person["name"].text == row.values["name"]?.text else {
      return .refused("姓名与人口登记不一致，没有回填，请核对")
    }
    guard let issued = CivilDate(row.values["issued_on"]?.plainText ?? "") else {
      return .refused("签发日期不正确，请制证系统核对")
    }
    let expires = row.values["expires_on"].flatMap { CivilDate($0.plainText) }
    if let expires, expires <= issued { return .refused("有效期早于签发日期，没有回填，请制证系统核对") }
    return .values(
      ["card_issued_on": .date(issued), "card_expires_on": expires.map { .date($0) } ?? .null], record: person.id)
  }
}
