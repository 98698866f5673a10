import Access
import Core
import Entities

/// What a telephone of the register of population proves of a visit.
enum HouseholdPhone {
  /// Reads telephones in clear, to send to them and to compare; without a purpose, since the person's own list of looks has
  /// those of people, which are made apart.
  static func reader(_ records: Records) throws -> Records {
    guard let transaction = records.transaction else { throw Fault("visit-without-transaction") }
    return records.store.records(as: .system, origin: records.origin).within(transaction).plain
  }

  /// Whether the telephone was registered before the visit and not by the officer who made it, and its owner lived there
  /// already: whoever confirms has to be somebody else.
  static func isSettled(_ person: Int64, for visit: [String: Value], _ records: Records) async throws -> Bool {
    guard let officer = visit["officer_id"]?.integer, let time = visit["visited_at"]?.instant else { return false }
    let versions = try await reader(records).versions("person", person)
    guard let phone = beginning(of: "phone", versions), let home = beginning(of: "address_id", versions) else {
      return false
    }
    return phone.by != officer && phone.time < time && home.time < time
  }

  /// Since when a field says what it says now, and who wrote that.
  ///
  /// - Parameter versions: the latest first.
  static func beginning(of field: String, _ versions: [RecordVersion]) -> (by: Int64, time: Instant)? {
    guard let current = versions.first?.record else { return nil }
    guard let earlier = versions.first(where: { $0.record[field] != current[field] }) else {
      return (current.createdBy, current.createdAt)
    }
    guard let by = earlier.endedBy, let time = earlier.validTo else { return nil }
    return (by, time)
  }
}
