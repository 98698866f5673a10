import Core
import Entities

/// The households that lines of the ledger speak of, as they stood before and as they stand.
struct LedgerHouseholds: Sendable {
  /// Those that were changed meanwhile, by number.
  let former: [String: Record]
  let reader: Records

  func now(_ number: String?) async throws -> Record? {
    guard let number else { return nil }
    return try await reader.find(HouseholdBook.entity, where: "number", equals: .text(number))
  }

  func before(_ number: String?) async throws -> Record? {
    guard let number else { return nil }
    if let record = former[number] { return record }
    return try await now(number)
  }
}

/// What a case did to one person or household: what stood before and what stands now.
struct LedgerLine: Sendable {
  let register: String
  /// `nil` for a record that the case made.
  let before: Record?
  let after: Record

  private var isPerson: Bool { register == HouseholdBook.person }

  private func was(_ field: String) -> Value { before?[field] ?? .null }

  /// The fields of registration that differ.
  var altered: [String] {
    HouseholdLedger.facts(of: register).filter { was($0) != after[$0] && !(was($0).isBlank && after[$0].isBlank) }
  }

  var changesAnything: Bool { before == nil || !altered.isEmpty }

  /// The number of the household that it is about: the present one, else the one that was left.
  var household: String? {
    isPerson ? after["household_number"].text ?? was("household_number").text : after["number"].text
  }

  /// What a line is called: a person whose relation alone follows from the change of another is 户成员变动, and a
  /// household that nobody applied to change 户信息变动.
  private func kind(_ kind: String) -> String {
    if kind == "edit" || kind == "revert" { return kind }
    let ofHouseholds = ["household_kind", "head", "split", "merge"].contains(kind)
    if isPerson {
      return altered == ["relation_to_head"] || ["household_kind", "head"].contains(kind) ? "member" : kind
    }
    return ofHouseholds ? kind : "household"
  }

  /// How somebody's place among a household's people changed (户成员变动); `nil` when it did not.
  private var membership: String? {
    guard isPerson else { return nil }
    switch (was("household_number").text, after["household_number"].text) {
    case (nil, nil): return nil
    case (nil, _?): return "joined"
    case (_?, nil): return "left"
    case (let old?, let new?) where old != new: return "moved"
    default: return was("relation_to_head") == after["relation_to_head"] ? nil : "relation"
    }
  }

  /// Everything of a line that does not come from the case.
  func values(_ households: LedgerHouseholds, kind: String) async throws -> [String: Value] {
    var values: [String: Value] = [
      "kind": .text(self.kind(kind)), "changed_on": .date(households.reader.store.clock.now().chinaTime.date),
      "version_before": .integer(Int64(before?.version ?? 0)), "version_after": .integer(Int64(after.version)),
      "household_number": household.map { .text($0) } ?? .null, "state": .text("effective"),
    ]
    let (old, new): (Record?, Record?)
    if isPerson {
      values["subject"] = .text("person")
      values["person_id"] = .integer(after.id)
      values["person_name"] = after["name"]
      values["resident_id"] = after["resident_id"].isBlank ? was("resident_id") : after["resident_id"]
      values["membership"] = membership.map { .text($0) } ?? .null
      values["number_before"] = was("household_number")
      values["number_after"] = after["household_number"]
      values["relation_before"] = was("relation_to_head")
      values["relation_after"] = after["relation_to_head"]
      values["address_before"] = was("registered_address")
      values["address_after"] = after["registered_address"]
      old = try await households.before(was("household_number").text)
      new = try await households.now(after["household_number"].text)
    } else {
      values["subject"] = .text("household")
      values["person_name"] = after["head_name"].isBlank ? was("head_name") : after["head_name"]
      values["resident_id"] = after["head_resident_id"].isBlank ? was("head_resident_id") : after["head_resident_id"]
      values["number_before"] = was("number")
      values["number_after"] = after["number"]
      values["address_before"] = LedgerLine.address(of: before)
      values["address_after"] = LedgerLine.address(of: after)
      (old, new) = (before, after)
    }
    let stands = isPerson ? new : new?["state"].text == "active" ? new : nil
    if let id = (new ?? old)?.id { values["household_id"] = .integer(id) }
    values["kind_before"] = old?["kind"] ?? .null
    values["kind_after"] = stands?["kind"] ?? .null
    values["head_before"] = old?["head_name"] ?? .null
    values["head_after"] = stands?["head_name"] ?? .null
    if let summary = summary(households.reader.store.catalog) { values["summary"] = .text(summary) }
    return values
  }

  private static func address(of household: Record?) -> Value {
    guard let household else { return .null }
    if let text = household["address_text"].text { return .text(text) }
    return household.titles["address_id"].map { .text($0) } ?? .null
  }

  /// Fields that have columns of their own.
  private static let shown: Set<String> = [
    "household_number", "relation_to_head", "registered_address", "address_id", "address_text", "head_name", "kind",
    "resident_id", "head_resident_id", "document_number",
  ]

  /// What else changed, in words: `姓名 王芳 → 王芬芳`. Numbers of documents are named only: they stand in the registers.
  private func summary(_ catalog: Catalog) -> String? {
    guard let entity = catalog.entity(register), before != nil else { return nil }
    let parts = altered.compactMap { name -> String? in
      guard let field = entity.field(name) else { return nil }
      if ["resident_id", "head_resident_id", "document_number"].contains(name) { return "\(field.label)已变更" }
      guard !LedgerLine.shown.contains(name) else { return nil }
      return "\(field.label) \(text(was(name), field, catalog)) → \(text(after[name], field, catalog))"
    }
    return parts.isEmpty ? nil : String(parts.joined(separator: "；").prefix(1000))
  }

  /// The items of the registration card that changed, for somebody who had one before.
  func items(_ catalog: Catalog) -> [(field: String, values: [String: Value])] {
    guard isPerson, before != nil, let entity = catalog.entity(register),
      let facts = catalog.dictionary("registered_fact")
    else { return [] }
    return altered.compactMap { name in
      guard facts.code(name) != nil, let field = entity.field(name) else { return nil }
      return (
        name,
        [
          "person_id": .integer(after.id), "field": .text(name),
          "before": .text(String(text(was(name), field, catalog).prefix(300))),
          "after": .text(String(text(after[name], field, catalog).prefix(300))),
        ]
      )
    }
  }

  private func text(_ value: Value, _ field: FieldDeclaration, _ catalog: Catalog) -> String {
    if value.isBlank { return "（空）" }
    if let dictionary = field.dictionary, let text = value.text {
      return catalog.dictionary(dictionary)?.label(of: text) ?? text
    }
    return value.plainText
  }
}
