import Access
import Core
package import Entities
import SQL

/// Enters plates whose code or proof is wrong into the register 可疑门牌, where officers see them (A-057).
///
/// One record a code and day, with how often it was scanned, and a bound for a day, so that nobody fills the register by
/// making codes up.
package struct PlateSuspicions: Sendable {
  package enum Reason: String, Sendable, Hashable {
    /// The proof is wrong.
    case forged
    /// The city never gave this code.
    case unknown
    /// The code was given, and its address is no longer there.
    case withdrawn
  }

  package static let entity = "plate_suspicion"
  /// New records a day at most.
  static let dailyLimit: Int64 = 2000

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// Notes one scan.
  ///
  /// - Parameters:
  ///   - code: what stands for the address code, whatever it is.
  ///   - text: the whole content, as scanned.
  package func note(_ reason: Reason, code: String, text: String) async throws {
    let code = String(code.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }.prefix(40))
    let key = "\(store.clock.today()) \(code)"
    do {
      try await store.transaction(as: .system) { records in try await note(reason, code, text, key, records) }
    } catch let refusal as Refusal where refusal.code == "duplicate" {
      // Two scans at once: the other one has made the record.
      try await store.transaction(as: .system) { records in try await note(reason, code, text, key, records) }
    }
  }

  private func note(_ reason: Reason, _ code: String, _ text: String, _ key: String, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("suspicion-without-transaction") }
    let now = store.clock.now()
    let found = try await transaction.query("select id, scans from plate_suspicion where key = \(key) for update").first
    if let found {
      let scans: Int64 = try found.get("scans")
      // A crowd at one plate would write a version each; after a hundred, one in a hundred is enough to tell.
      if scans >= 100, !scans.isMultiple(of: 100) {
        let id: Int64 = try found.get("id")
        try await transaction.execute("update plate_suspicion set scans = scans + 1 where id = \(id)")
        return
      }
      try await records.update(
        PlateSuspicions.entity, try found.get("id"), version: nil,
        ["scans": .integer(scans + 1), "last_at": .instant(now)], input: .code)
      return
    }
    let today: Int64 =
      try await transaction.query(
        "select count(*) as n from plate_suspicion where starts_with(key, \("\(store.clock.today()) "))"
      ).first?.get("n") ?? 0
    guard today < PlateSuspicions.dailyLimit else { return }
    let address = try await transaction.query("select id, division_code from address where code = \(code)").first
    var values: [String: Value] = [
      "code": .text(code.isEmpty ? "（读不出）" : code), "reason": .text(reason.rawValue),
      "text": .text(String(text.prefix(300))), "first_at": .instant(now), "last_at": .instant(now), "key": .text(key),
    ]
    if let address {
      values["address_id"] = .integer(try address.get("id"))
      values["division_code"] = .text(try address.get("division_code"))
    } else {
      let division = try await transaction.query(
        "select code from division where starts_with(\(code), code) order by length(code) desc limit 1"
      ).first
      if let division { values["division_code"] = .text(try division.get("code")) }
    }
    try await records.insert(PlateSuspicions.entity, values, input: .code)
  }
}
