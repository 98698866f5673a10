package import Core
package import Entities

/// What one request to a subscriber carries (推送报文).
package struct PushBatch: Sendable {
  /// Tells repetitions of the request: the same changes come under the same number.
  package let number: String
  package let body: [UInt8]
  package let count: Int

  /// What else stands beside a record, such as the QR code of an address.
  package typealias Attachment = @Sendable (_ record: Record) throws -> [(key: String, value: JSON)]

  /// - Returns: `nil` when nothing of the batch concerns the subscriber.
  init?(
    _ batch: ChangeBatch, _ seen: ChangedRecords, _ subscription: Subscription, _ entity: EntityDeclaration,
    _ catalog: Catalog, attaching attachment: Attachment?
  ) throws {
    let form = RecordJSON(entity: entity, catalog: catalog)
    var items: [JSON] = []
    for change in batch.changes {
      var members: [(key: String, value: JSON)] = [("id", .string(PushBatch.number(change, batch)))]
      let record = seen.present[change.record]
      // Of what is not in sight, only what was before this change concerns the subscriber.
      if record == nil, !seen.left.contains(change) { continue }
      let word = record == nil ? "remove" : change.operation == .delete ? "update" : change.operation.rawValue
      members.append(("operation", .string(word)))
      members.append(("recordId", .int(change.record)))
      if let version = change.version { members.append(("version", .int(version))) }
      if let at = change.at { members.append(("at", .string(at.iso8601))) }
      if let record {
        var content = form.encode(record).object ?? []
        if let attachment { content += try attachment(record) }
        members.append(("record", .object(content)))
      }
      items.append(.object(members))
    }
    guard !items.isEmpty else { return nil }
    number = PushBatch.number(batch, subscription)
    count = items.count
    body = PushBatch.body(number, subscription, items)
  }

  /// Carries nothing, for trying out whether the receiver answers.
  init(probe number: String, _ subscription: Subscription) {
    self.number = number
    count = 0
    body = PushBatch.body(number, subscription, [])
  }

  private static func body(_ number: String, _ subscription: Subscription, _ items: [JSON]) -> [UInt8] {
    let json: JSON = [
      "delivery": .string(number), "subscription": .int(subscription.id), "register": .string(subscription.register),
      "changes": .array(items),
    ]
    return Array(json.text.utf8)
  }

  /// Of one change: its number, or the reading of the register and the record.
  private static func number(_ change: NotedChange, _ batch: ChangeBatch) -> String {
    change.number.map { String($0) } ?? "s\(batch.scan)-\(change.record)"
  }

  private static func number(_ batch: ChangeBatch, _ subscription: Subscription) -> String {
    let last = batch.to.scanned.map { "s\($0)" } ?? String(batch.to.position)
    let first = batch.from.scanned.map { "s\($0)" } ?? String(batch.from.position)
    return "\(subscription.id)-\(batch.scan)-\(first)-\(last)"
  }
}
