import Access
import Core
package import DoorPlates
package import Entities
import EntitiesWeb
import HTML
package import HTTP
import Shell
package import Site
package import SpineWeb

/// 走访登记 on the telephone at the door: after scanning a plate, or by its code, also without a network.
package struct VisitRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let photos: FieldPhotos
  let visits: Visits

  package init(site: Site, store: RecordStore, photos: FieldPhotos, visits: Visits) {
    self.site = site
    self.store = store
    self.photos = photos
    self.visits = visits
  }

  package func register(in router: inout Router) {
    router.on(.get, "/inspection/visit", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/inspection/visit", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await enter(visit)
    }
    router.on(.get, "/visits/{id}/confirm", at: site) { visit in try await askConfirmation(visit, nil, []) }
    router.on(.post, "/visits/{id}/confirm", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await confirm(visit)
    }
    router.on(.get, "/visits/mine", at: site) { visit in try await mine(visit, []) }
    router.on(.post, "/visits/{id}/answer", at: site) { visit in try await answer(visit) }
  }

  private func permit(_ visit: Visit) throws {
    try visit.principal.require(Permission(VisitRules.entity, "create"), toDo: "登记走访")
  }

  private func records(_ visit: Visit) -> Records {
    store.records(as: visit.principal, purpose: "走访登记", origin: visit.request.origin)
  }

  /// Where somebody goes on from a finished form: a page that is at hand without a network, if there is one for them.
  private func back(_ visit: Visit) -> String {
    visit.principal.may(Permission(InspectionRules.entity, "submit")) ? "/inspection" : "/r/\(VisitRules.entity)"
  }

  // MARK: Entering

  static let columns = ["code", "full_name", "location", "police_station_id", "beat", "community"]

  /// The address of a code of an address or the number of a plate, within the reader's scope.
  private func address(_ text: String, _ visit: Visit) async throws -> Record? {
    let code = TextForms.trimmed(text)
    guard !code.isEmpty, code.utf8.count <= 32 else { return nil }
    if let found = try await one("address", "code", code, VisitRoutes.columns, visit) { return found }
    guard visit.principal.may(Permission(DoorPlate.entity, "view")),
      let plate = try await one(DoorPlate.entity, "number", code, ["code"], visit), let real = plate["code"].text
    else { return nil }
    return try await one("address", "code", real, VisitRoutes.columns, visit)
  }

  private func one(_ register: String, _ field: String, _ text: String, _ columns: [String], _ visit: Visit)
    async throws -> Record?
  {
    try await records(visit).list(
      ListQuery(register, filters: [ListFilter(field, .equals(.text(text)))], columns: columns, limit: 1)
    ).records.first
  }

  private func ask(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    try permit(visit)
    let earlier = (typed?.first("correction_of_id") ?? visit.request.query.first("correct")).flatMap { Int64($0) }
    var corrected: Record?
    if let earlier { corrected = try await records(visit).get(VisitRules.entity, earlier) }
    let code = typed?.first("code") ?? corrected?["code"].text ?? visit.request.query.first("code") ?? ""
    let address = try await address(code, visit)
    if !code.isEmpty, address == nil, typed == nil { throw Visits.unknownAddress }
    let page = VisitPage(
      address: address, code: code, corrected: corrected, catalog: store.catalog, typed: typed, errors: errors,
      owner: visit.principal.id, client: site.newVisitor(), back: back(visit))
    return try await visit.page(
      corrected == nil ? "走访登记" : "更正走访", status: status, crumbs: [Crumb("走访登记", "/r/\(VisitRules.entity)")],
      subtitle: address?["full_name"].text, scripts: [.inspection]
    ) { page }
  }

  private func enter(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let form = try await visit.request.body.form()
    let client = form.first("client_id").flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 } ?? site.newVisitor()
    if let known = try await visits.known(client, by: visit.principal) {
      return try entered(visit, .already, known, false)
    }
    do {
      let values = try await values(form, visit)
      let done = try await visits.enter(
        values, client: client, by: visit.principal, origin: visit.request.origin)
      return try entered(visit, done.outcome, done.id, values["ask_confirmation"]?.boolean == true)
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .tooLarge, .conflict, .notFound].contains(refusal.kind)
    {
      return try await ask(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
  }

  private func values(_ form: FormData, _ visit: Visit) async throws -> [String: Value] {
    guard let address = try await address(form.first("code") ?? "", visit) else { throw Visits.unknownAddress }
    let register = Register(
      try store.entity(VisitRules.entity), catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: VisitPage.asked)
    if let refusal = Refusal(
      all: reader.errors.map { Refusal(.invalid, "field-invalid", $0.message, field: $0.field) })
    {
      throw refusal
    }
    guard reader.values["result"]?.isNull == false else {
      throw Refusal(.invalid, "field-required", "请选择走访结果。", field: "result")
    }
    let position = try FieldPosition(form, "position")
    let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: false)
    var values = reader.values.filter { !$0.value.isBlank }
    values.merge(position.values(place: "position", measured: "measured", accuracy: "accuracy")) { $1 }
    if !kept.shown.isEmpty { values["photo"] = .list(kept.shown) }
    values["address_id"] = .integer(address.id)
    values["visited_at"] = .instant(FieldForm.taken(form.first("taken_at"), now: store.clock.now()))
    if let earlier = form.first("correction_of_id").flatMap({ Int64($0) }) {
      values["correction_of_id"] = .integer(earlier)
    }
    return values
  }

  private func entered(_ visit: Visit, _ outcome: Visits.Outcome, _ id: Int64, _ isAsked: Bool) throws -> Response {
    let said =
      outcome == .already ? "这次走访已经登记过，没有重复登记。" : isAsked ? "已登记走访，请住户确认。" : "已登记走访。"
    let next = outcome == .taken && isAsked ? "/visits/\(id)/confirm" : back(visit)
    if visit.wantsJSON {
      return .json(["outcome": .string(outcome.rawValue), "message": .string(said), "next": .string(next)])
    }
    return try visit.redirect(to: next, saying: said)
  }

  // MARK: Confirming on the officer's telephone

  private func askConfirmation(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200)
    async throws -> Response
  {
    try permit(visit)
    let record = try await visits.waiting(try visit.request.integer("id"), of: visit.principal)
    let page = ConfirmPage(
      visit: record,
      telephones: try await visits.telephones(
        at: record, for: visit.principal, origin: visit.request.origin),
      chosen: typed?.first("person") ?? visit.request.query.first("person"), typed: typed, errors: errors)
    return try await visit.page(
      "被访确认", status: status, crumbs: [Crumb("走访登记", "/r/\(VisitRules.entity)")],
      subtitle: record["full_name"].text, scripts: [.signature]
    ) { page }
  }

  private func confirm(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    do {
      if form.first("way") == Visits.Way.code.rawValue {
        guard let person = form.first("person").flatMap({ Int64($0) }) else {
          throw Refusal(.invalid, "field-required", "请选择验证码发给谁。", field: "person")
        }
        if form.first("do") == "send" {
          try await visits.send(to: person, for: id, by: visit.principal, origin: visit.request.origin)
          return try visit.redirect(to: "/visits/\(id)/confirm?person=\(person)", saying: "验证码已发到住户登记的手机，请住户告诉您。")
        }
        try await visits.confirm(
          id, code: form.first("code") ?? "", of: person, by: visit.principal, origin: visit.request.origin)
      } else {
        // Refused before pictures are kept.
        _ = try await visits.waiting(id, of: visit.principal)
        let kept = try await photos.keep(form, "signature", by: visit.principal, withOriginals: false)
        try await visits.confirm(
          id, signer: TextForms.trimmed(form.first("signer") ?? ""), signature: kept.shown.first,
          by: visit.principal, origin: visit.request.origin)
      }
      return try visit.redirect(to: "/r/\(VisitRules.entity)/\(id)", saying: "住户已确认。")
    } catch let refusal as Refusal where !visit.wantsJSON && refusal.field != nil {
      return try await askConfirmation(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
  }

  // MARK: The household's own account

  private func mine(_ visit: Visit, _ errors: [FieldError], status: Int = 200) async throws -> Response {
    let found = try await visits.mine(visit.principal)
    let page = HouseholdVisits(visits: found, errors: errors)
    return try await visit.page("走访确认", status: status, subtitle: "民警到您登记的住址走访的记录") { page }
  }

  private func answer(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    do {
      guard let answer = form.first("answer"), ["confirmed", "disputed"].contains(answer) else {
        throw Refusal(.invalid, "field-required", "请选择是否属实。", field: "answer")
      }
      try await visits.answer(
        id, isSo: answer == "confirmed", note: TextForms.trimmed(form.first("note") ?? ""), by: visit.principal,
        origin: visit.request.origin)
      return try visit.redirect(to: "/visits/mine", saying: answer == "confirmed" ? "已确认。谢谢您的配合。" : "已提出异议，派出所会核实。")
    } catch let refusal as Refusal where !visit.wantsJSON && refusal.kind == .invalid {
      return try await mine(visit, [FieldError](refusal), status: 400)
    }
  }
}
