package import Access
package import Audit
package import Core
import Entities
import SQL

/// Where somebody whom an alert is about was last known to be, as our own registers have it (C-034: 提醒定位).
package struct Sighting: Sendable {
  /// What is known, such as 居住登记.
  package let kind: String
  package let on: CivilDate
  package let place: String
  /// The record that says so.
  package let register: String
  package let record: Int64
}

extension CaseStore {
  /// Looks up where the person of an alert was last known to be: stays that were registered, the address of the person, and
  /// other business at the windows; the latest first. Only what the officer may see, each look audited with its purpose.
  ///
  /// - Throws: ``Refusal`` `alert-missing` alike for alerts of other cases and for who may not handle them,
  ///   `alert-unnamed` when the case no longer names the person.
  package func whereabouts(
    of alert: Int64, in view: CaseView, purpose: String, by principal: Principal, origin: Origin = .inside
  ) async throws -> [Sighting] {
    guard view.access != .applicant, principal.may(Permission("case_alert", "handle")),
      let found = view.alerts.first(where: { $0.id == alert })
    else { throw Refusal(.notFound, "alert-missing", "没有这条提醒，或您不能处置它。请回到办件页面查看。") }
    guard let document = try await documents(of: view.id, view.item)[found["person"].text ?? ""] else {
      throw Refusal(.conflict, "alert-unnamed", "办件里已经没有“\(found["person"].text ?? "")”的身份证号，没有查询。请核对申请内容。")
    }
    let own = store.records(as: principal, purpose: purpose, origin: origin)
    let system = store.records(as: .system, purpose: purpose, origin: origin).plain
    var sightings: [Sighting] = []
    if principal.may(Permission("person", "view")),
      let person = try await system.find("person", where: "resident_id", equals: .text(document))
    {
      sightings += try await home(of: person.id, own)
      sightings += try await stays(of: person.id, own)
    }
    sightings += try await business(of: document, besides: view.id, own, system)
    return sightings.sorted { $0.on > $1.on }
  }

  /// The resident ids that a case names, by how its alerts call their holders.
  private func documents(of id: Int64, _ item: ServiceItem) async throws -> [String: String] {
    let records = store.records(as: .system, purpose: "比对提醒核查")
    let record = try await records.get(ServiceCase.entity, id)
    let form = try await records.attached(item.form, to: id).first
    var known: [String: Value] = [:]
    for field in [ServiceCase.entity, item.form].compactMap({ store.catalog.entity($0) }).flatMap(\.fields)
    where field.type == .residentID {
      let value = form?[field.name] ?? .null
      known[field.name] = value.isBlank ? record[field.name] : value
    }
    return Dictionary(
      people(in: known.filter { !$0.value.isBlank }, item).map { ($0.label, $0.document) },
      uniquingKeysWith: { a, _ in a })
  }

  /// Where the register of population has them, when that is within sight.
  private func home(of person: Int64, _ own: Records) async throws -> [Sighting] {
    do {
      let record = try await own.get("person", person, columns: ["address_id", "updated_at"])
      guard let place = record.titles["address_id"], let at = record["updated_at"].instant else { return [] }
      return [Sighting(kind: "人口登记住址", on: at.chinaTime.date, place: place, register: "person", record: person)]
    } catch let refusal as Refusal where refusal.kind == .notFound {
      return []
    }
  }

  private func stays(of person: Int64, _ own: Records) async throws -> [Sighting] {
    guard own.principal.may(Permission("residence", "view")) else { return [] }
    return try await own.list(
      ListQuery(
        "residence", filters: [ListFilter("person_id", .equals(.integer(person)))],
        sort: [.init(field: "since", descending: true)],
        columns: ["address_id", "since", "until", "confirmed_on"], limit: 5)
    ).records.compactMap { stay in
      // The last day that somebody knew of.
      let day = stay["until"].date ?? [stay["confirmed_on"].date, stay["since"].date].compactMap(\.self).max()
      guard let day, let place = stay.titles["address_id"] else { return nil }
      let kind = stay["until"].date == nil ? "居住登记（在住）" : "居住登记（已搬离）"
      return Sighting(kind: kind, on: day, place: place, register: "residence", record: stay.id)
    }
  }

  /// Other cases that name them, as applicant or as whom it is about.
  private func business(
    of document: String, besides id: Int64, _ own: Records, _ system: Records
  ) async throws -> [Sighting] {
    var ids: Set<Int64> = []
    for field in ["applicant_document", "subject_document"] {
      let found = try await system.list(
        ListQuery(
          ServiceCase.entity, filters: [ListFilter(field, .equals(.text(document)))],
          sort: [.init(field: "submitted_at", descending: true)], columns: ["number"], limit: 5))
      ids.formUnion(found.records.map(\.id))
    }
    var sightings: [Sighting] = []
    for other in ids.subtracting([id]).sorted() {
      do {
        let record = try await own.get(
          ServiceCase.entity, other, columns: ["item_label", "unit_id", "channel", "submitted_at"])
        guard let at = record["submitted_at"].instant else { continue }
        let place = [record.titles["unit_id"], record.titles["channel"]].compactMap(\.self).joined(separator: " · ")
        sightings.append(
          Sighting(
            kind: "办理“\(record["item_label"].text ?? "")”", on: at.chinaTime.date, place: place,
            register: ServiceCase.entity,
            record: other))
      } catch let refusal as Refusal where refusal.kind == .notFound || refusal.kind == .forbidden {
        continue
      }
    }
    return sightings
  }
}
