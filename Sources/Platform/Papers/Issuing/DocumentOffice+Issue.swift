package import Access
package import Audit
import Core
import Crypto
package import Entities
package import SQL

extension DocumentOffice {
  /// Issues a document of a record as whoever asks for it at the counter.
  ///
  /// They need the template's permission, the record within their scope and the clearance for everything it shows.
  /// - Parameter register: where `id` belongs, when it is asked for from another register's record (``DocumentOrigin``).
  /// - Throws: ``Refusal`` `permission-missing`, `record-missing`, `document-clearance`, `purpose-missing`,
  ///   `document-condition`.
  package func issue(
    _ name: String, from register: String? = nil, _ id: Int64, for purpose: String, by principal: Principal,
    origin: Origin = .inside
  ) async throws -> Record {
    let template = try template(name)
    try await require(template, from: register, id, principal)
    let purpose = String(TextForms.trimmed(purpose).prefix(200))
    guard !purpose.isEmpty else {
      throw Refusal(.invalid, "purpose-missing", "还没有填写用途。请写明为谁、为何打印，用途会记入台账和审计。", field: "purpose")
    }
    guard let unit = principal.unit else {
      throw Refusal(.forbidden, "document-unit", "您没有所属机构，不能签发“\(template.label)”。请联系本单位的系统管理员。")
    }
    let issued = try await store.database.transaction { transaction in
      let subject = try await subject(template, from: register, id, for: principal, purpose, origin, in: transaction)
      return try await issue(
        template, of: subject, Occasion(purpose: purpose, unit: (unit.id, unit.division)), by: principal,
        origin: origin, in: transaction)
    }
    // Somebody stands at the counter and waits for it.
    try await settle(issued.id)
    return issued
  }

  /// What must hold of somebody who wants to print a document of a record.
  package func require(
    _ template: DocumentTemplate, from register: String?, _ id: Int64, _ principal: Principal
  ) async throws {
    guard let permission = template.permission else {
      throw Refusal(.forbidden, "document-case-only", "“\(template.label)”由办件办理时签发，不能单独打印。请从办件页面打印。")
    }
    try principal.require(permission, toDo: "打印\(template.label)")
    let entity = register ?? template.entity
    guard entity == template.entity || template.origins.contains(where: { $0.register == entity }) else {
      throw Refusal(.notFound, "document-unknown", "“\(template.label)”不能从这条记录打印。请从记录页面重新进入。")
    }
    guard try await store.records(as: principal).reaches(entity, id) else {
      throw Refusal(.notFound, "record-missing", "没有找到这条记录：它可能已被删除，或不在您的数据范围内。请返回列表重新查找。")
    }
    guard principal.clearance >= template.classification else {
      throw Refusal(
        .forbidden, "document-clearance",
        "“\(template.label)”印有\(template.classification.label)信息，超过您的查看级别，不能打印。需要时请向本单位的系统管理员申请。")
    }
  }

  /// The record of the document's own register.
  private func subject(
    _ template: DocumentTemplate, from register: String?, _ id: Int64, for principal: Principal, _ purpose: String,
    _ origin: Origin, in transaction: Transaction
  ) async throws -> Int64 {
    guard let register, register != template.entity,
      let way = template.origins.first(where: { $0.register == register })
    else { return id }
    let subjects = [register, template.entity]
    let records = store.records(as: principal.entrusted(with: subjects), purpose: purpose, origin: origin)
      .within(transaction)
    let record = try await records.get(register, id, reveal: true)
    let context = EvaluationContext(now: store.clock.now(), principal: principal)
    let value = try way.value.evaluate(in: context) { record[$0] }
    if !value.isBlank, let found = try await records.find(template.entity, where: way.field, equals: value) {
      return found.id
    }
    let entity = try store.entity(template.entity)
    throw Refusal(
      .unprocessable, "document-subject", "没有找到对应的\(entity.label)，不能打印“\(template.label)”。请先登记\(entity.label)后再打印。")
  }

  /// Issues a document, with the caller having judged who may: enters it with the values it is to be set from, and makes
  /// void what it takes the place of.
  ///
  /// - Throws: ``Refusal`` `document-condition` with what to do instead.
  package func issue(
    _ template: DocumentTemplate, of id: Int64, _ occasion: Occasion, by principal: Principal, origin: Origin,
    in transaction: Transaction
  ) async throws -> Record {
    guard keys.current != nil, let series = template.series else { throw Fault("document-unsigned", template.name) }
    let now = store.clock.now()
    let today = now.chinaTime.date
    let until = template.validity.map { today.adding(days: $0 - 1) }
    let reader = reader(template, for: principal, purpose: "签发\(template.label)：\(occasion.purpose)", origin: origin)
      .within(transaction)
    let unit: String? = try await transaction.query("select name from unit where id = \(occasion.unit.id)").first?
      .get("name")
    var content = try await content(
      template, of: id, reader,
      facts: [
        "paper_date": .date(today), "paper_until": until.map { .date($0) } ?? .null,
        "paper_unit": .text(unit ?? ""), "paper_officer": .text(principal.name),
        "paper_purpose": .text(occasion.purpose),
      ])
    for condition in template.conditions where try !content.holds(condition.check) {
      throw Refusal(.unprocessable, "document-condition", condition.message)
    }
    let ledger = ledger(principal, origin).within(transaction)
    let code = newCode()
    let document = try template.holderDocument?.evaluate(in: content.context) { content[$0] }
    let values: [String: Value] = [
      "series": .text(series), "code": .text(code), "template": .text(template.name),
      "version_digest": .text(template.version), "label": .text(template.label),
      "holder_name": .text(String(try content.fill(template.holder).prefix(60))),
      "holder_document": document ?? .null, "register": .text(template.entity), "subject_id": .integer(id),
      "service_case_id": occasion.caseID.map { .integer($0) } ?? .null, "unit_id": .integer(occasion.unit.id),
      "unit_name": .text(unit ?? ""), "officer_id": principal.kind == .user ? .integer(principal.id) : .null,
      "division_code": .text(occasion.unit.division), "purpose": .text(occasion.purpose),
      "issued_at": .instant(now), "valid_until": until.map { .date($0) } ?? .null, "state": .text("valid"),
      "prints": .integer(0),
    ]
    let entry = try await ledger.insert(IssuedDocument.entity, values.filter { !$0.value.isNull }, input: .code)
    let number = entry["number"].text ?? ""
    content.set("paper_number", .text(number))
    try await keep(content, for: entry.id, in: transaction)
    try await supersede(template, id, by: entry, occasion, ledger)
    return entry
  }

  /// The ledger as the office itself writes it.
  func ledger(_ principal: Principal, _ origin: Origin) -> Records {
    let subjects = [IssuedDocument.entity, IssuedDocument.printing, "service_case"]
    return store.records(as: principal.entrusted(with: subjects), purpose: "证照台账", origin: origin)
  }

  /// Earlier documents that the new one takes the place of become void.
  private func supersede(
    _ template: DocumentTemplate, _ id: Int64, by new: Record, _ occasion: Occasion, _ ledger: Records
  ) async throws {
    var old: Set<Int64> = []
    if template.isSingle {
      old.formUnion(
        try await valid(
          [
            ListFilter("template", .equals(.text(template.name))), ListFilter("subject_id", .equals(.integer(id))),
          ], ledger))
    }
    // The number was typed by whoever applied, so it counts for their own document only.
    if let replaced = occasion.replaces {
      let own = try await holder(of: new.id, ledger)
      for one in try await valid([ListFilter("number", .equals(.text(replaced)))], ledger)
      where try await holder(of: one, ledger).isSame(as: own) {
        old.insert(one)
      }
    }
    old.remove(new.id)
    for one in old.sorted() {
      try await ledger.update(
        IssuedDocument.entity, one, version: nil,
        [
          "state": .text("void"), "void_reason": .text("已换发新证，编号 \(new[IssuedDocument.number] ?? "")"),
          "voided_at": .instant(store.clock.now()),
        ], input: .code)
    }
  }

  private func valid(_ filters: [ListFilter], _ ledger: Records) async throws -> [Int64] {
    try await ledger.list(
      ListQuery(
        IssuedDocument.entity, filters: filters + [ListFilter("state", .equals(.text("valid")))], columns: ["id"],
        limit: 100)
    ).records.map(\.id)
  }

  private func holder(of document: Int64, _ ledger: Records) async throws -> Holder {
    let entry = try await ledger.get(IssuedDocument.entity, document, reveal: true)
    return Holder(name: entry["holder_name"].text ?? "", document: entry["holder_document"].text)
  }
}

/// Whose a document is.
private struct Holder {
  let name: String
  let document: String?

  /// By number, and by name where one of the two has none.
  func isSame(as other: Holder) -> Bool {
    if let document, let known = other.document { return document == known }
    return !name.isEmpty && name == other.name
  }
}
