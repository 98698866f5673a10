package import Access
import Audit
package import Cases
import Core
package import Entities
import SQL

/// Applications for plates as cases (门牌申领办件, A-014): what is applied for at once at one police station is one case, whose
/// declared process says who reviews it; the plates follow what the case comes to.
package final class PlateApplications: Sendable {
  package static let entity = "plate_application"
  static let item = "plate_apply"

  private let parts = Later<(cases: CaseStore, parameters: Parameters)>("plate-applications")

  package init() {}

  package func begin(_ cases: CaseStore, parameters: Parameters) {
    parts.begin((cases, parameters))
  }

  func addHooks(to hooks: inout RecordHooks) {
    hooks.after(ServiceCase.entity) { [self] events, records in
      for event in events where event.after["item_code"]?.text == PlateApplications.item {
        try await follow(event, records)
      }
    }
  }

  // MARK: Beginning

  /// Puts a plate that is applied for into the application of its police station that this transaction has begun, or
  /// begins one.
  ///
  /// - Throws: ``Refusal`` when nobody answers for the place.
  func enter(_ draft: inout RecordDraft, station: String?, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", DoorPlate.entity) }
    // Kept by the transaction itself, so that what is rolled back with a savepoint is forgotten with it.
    let key = "lifang.plate_application_\(draft["police_station_id"].integer ?? 0)_\(abs(records.principal.actor))"
    let begun = try await transaction.query("select current_setting(\(key), true) as id").first
    if let id = try begun?.get("id", as: String?.self).flatMap(Int64.init) {
      draft["application_id"] = .integer(id)
      return
    }
    let id = try await begin(
      station: station, first: draft["full_name"].text ?? "", division: draft["division_code"].text ?? "", records)
    draft["application_id"] = .integer(id)
    _ = try await transaction.query("select set_config(\(key), \(String(id)), true)")
  }

  private func begin(station: String?, first: String, division: String, _ records: Records) async throws -> Int64 {
    let parts = try self.parts.known()
    var content = CaseContent()
    content.values = [
      "applicant_name": .text(String(records.principal.name.prefix(60))), "division_code": .text(division),
    ]
    content.form = [
      "first_address": .text(String(first.prefix(200))),
      "review_way": .text(try parts.parameters.text("plate.review")),
    ]
    if let station { content.form["station"] = .text(String(station.prefix(80))) }
    let begun = try await parts.cases.start(
      CaseApplication(item: PlateApplications.item, channel: .office, content: content), by: records.principal,
      origin: records.origin, in: records.transaction)
    guard let form = try await records.asSystem.attached(PlateApplications.entity, to: begun.id).first else {
      throw Fault("case-without-form", PlateApplications.entity)
    }
    return form.id
  }

  // MARK: Reviewing

  /// Refuses when somebody who is not asked by the case decides on one of its plates.
  func judge(_ change: RecordChange, _ records: Records) async throws -> Refusal? {
    guard let application = change["application_id"].integer, records.principal.kind != .system,
      let transaction = records.transaction
    else { return nil }
    let id = try await caseID(of: application, records)
    if try await parts.known().cases.asks(records.principal, in: id, transaction) { return nil }
    return Refusal(
      .forbidden, "plate-review-foreign", "这块门牌所在的申领不在您的待办里，没有改动。由流程里的审核人办理，可以在申领办件里看到现在由谁审核。",
      field: "state")
  }

  private func caseID(of application: Int64, _ records: Records) async throws -> Int64 {
    let form = try await records.asSystem.get(
      PlateApplications.entity, application, columns: [ServiceCase.reference])
    guard let id = form[ServiceCase.reference].integer else {
      throw Fault("form-without-case", PlateApplications.entity)
    }
    return id
  }

  // MARK: What the case comes to

  /// The plates that still wait become what the case has become.
  private func follow(_ event: RecordEvent, _ records: Records) async throws {
    guard event.before["state"] != event.after["state"] else { return }
    var changes: [String: Value] = [:]
    // As the log calls it when single plates are concerned.
    let action: String
    switch event.after["state"]?.text {
    case "completed":
      action = "approve"
      changes["state"] = .text(DoorPlate.State.approved.rawValue)
    case "refused":
      action = "refuse"
      changes["state"] = .text(DoorPlate.State.refused.rawValue)
      changes["review_note"] = .text(String((event.after["refusal_reason"]?.text ?? "审核不通过").prefix(300)))
    case "withdrawn", "void":
      action = "withdraw"
      changes["state"] = .text(DoorPlate.State.withdrawn.rawValue)
    default: return
    }
    guard let transaction = records.transaction else { throw Fault("hook-without-transaction", DoorPlate.entity) }
    guard let application = try await records.asSystem.attached(PlateApplications.entity, to: event.id).first else {
      return
    }
    if changes["state"]?.text != DoorPlate.State.withdrawn.rawValue {
      if records.principal.id > 0 { changes["reviewed_by"] = .integer(records.principal.id) }
      changes["reviewed_at"] = .instant(records.store.clock.now())
    }
    let waiting = try await transaction.query(
      "select id from door_plate where application_id = \(application.id) and state = 'pending' order by id"
    ).values(as: Int64.self)
    guard !waiting.isEmpty else { return }
    let refused = try await PlateApplications.write(DoorPlate.entity, waiting.map { ($0, changes) }, records)
    // One that cannot follow would be left behind between two states: the whole review is.
    if let reason = refused.first {
      throw Refusal(.conflict, "plates-not-moved", "\(refused.count) 块门牌不能这样办理，审核没有提交。例如：\(reason)")
    }
    try await records.store.audit.append(
      AuditEntry(
        records.principal, "door_plate.\(action)", entity: PlateApplications.entity, record: application.id,
        origin: records.origin,
        details: [
          "case": .string(event.after["number"]?.text ?? ""), "state": .string(changes["state"]?.text ?? ""),
          "plates": .int(Int64(waiting.count)),
        ]), in: transaction)
  }

  /// Changes many records by a few statements, with the rules of single ones; the reasons of those that were refused.
  static func write(_ entity: String, _ changes: [(id: Int64, values: [String: Value])], _ records: Records)
    async throws -> [String]
  {
    let batch = try RecordBatch(records.asSystem, entity)
    let held = try await batch.hold(changes.map(\.id))
    let items = changes.enumerated().compactMap { number, change in
      held[change.id].map { RecordBatch.Item(number: number, held: $0, values: change.values) }
    }
    return try await batch.write(items).filter { $0.result == .rejected }.map { $0.reason ?? "" }
  }

  /// A case whose last plate was withdrawn is withdrawn itself.
  func close(after event: RecordEvent, _ records: Records) async throws {
    guard event.after["state"]?.text == DoorPlate.State.withdrawn.rawValue, records.principal.kind != .system,
      let application = event.after["application_id"]?.integer, let transaction = records.transaction
    else { return }
    let left = try await transaction.query(
      """
      select 1 from door_plate where application_id = \(application) and state not in ('withdrawn', 'refused') limit 1
      """)
    guard left.isEmpty else { return }
    let id = try await caseID(of: application, records)
    let cases = try parts.known().cases
    let applicant = try await records.asSystem.get(ServiceCase.entity, id, columns: ["applicant_user_id", "state"])
    guard ["active", "supplement", "shelved"].contains(applicant["state"].text) else { return }
    let isOwn = applicant["applicant_user_id"].integer == records.principal.id
    try await cases.move(
      id, .void, opinion: "门牌已逐块撤回", by: isOwn ? records.principal : .system, origin: records.origin,
      in: transaction)
  }

  // MARK: Applications from before

  /// Plates that waited for review before applications were cases get cases, as whoever applied for them (an explicit
  /// step: `lifang plate applications`).
  ///
  /// - Returns: how many cases were begun for how many plates, and why others were left.
  package func adopt(_ store: RecordStore, as principal: @Sendable (Int64) async throws -> Principal) async throws
    -> (cases: Int, plates: Int, left: [String])
  {
    let rows = try await store.database.query(
      """
      select coalesce(applied_by, 0) as applicant, police_station_id, array_agg(id order by id) as plates
      from door_plate where state = 'pending' and application_id is null group by 1, 2 order by 1, 2
      """)
    var (cases, plates) = (0, 0)
    var left: [String] = []
    for row in rows {
      let ids: [Int64] = try row.get("plates")
      do {
        let applicant = try await principal(try row.get("applicant"))
        try await store.transaction(as: applicant, purpose: "转为办件", origin: .inside) { records in
          let first = try await records.asSystem.get(
            DoorPlate.entity, ids[0], columns: ["full_name", "division_code", "police_station_id"])
          let application = try await self.begin(
            station: first.titles["police_station_id"], first: first["full_name"].text ?? "",
            division: first["division_code"].text ?? "", records)
          let refused = try await PlateApplications.write(
            DoorPlate.entity, ids.map { ($0, ["application_id": .integer(application)]) }, records)
          if let reason = refused.first { throw Refusal(.conflict, "plates-not-moved", reason) }
        }
        cases += 1
        plates += ids.count
      } catch let refusal as Refusal {
        left.append("\(ids.count) 块：\(refusal.message)")
      }
    }
    return (cases, plates, left)
  }
}
