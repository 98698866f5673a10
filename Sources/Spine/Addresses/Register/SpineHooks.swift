import Access
import Core
package import Entities
import SQL

/// What the spine's registers fill in and refuse by themselves, wherever they are written: forms, imports, API.
package enum SpineHooks {
  package static func all(gazetteer: Gazetteer, series: AddressCodeSeries = AddressCodeSeries()) -> RecordHooks {
    var hooks = RecordHooks()
    addresses(&hooks, gazetteer, series)
    divisions(&hooks)
    SurveyDates.addHooks(to: &hooks)
    CodeRules.addHooks(to: &hooks)
    return hooks
  }

  // MARK: Addresses

  /// An address is made of its parts: name, kind and keys follow from them, the code is given once (A-069, D3-021).
  private static func addresses(_ hooks: inout RecordHooks, _ gazetteer: Gazetteer, _ series: AddressCodeSeries) {
    hooks.beforeInsert("address") { drafts, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", "address") }
      try await RoadCommunities.fill(&drafts, in: transaction)
      let given = drafts.compactMap { $0["code"].text.map { AddressCode(canonical: $0) } }
      let taken = given.isEmpty ? [] : try await AddressCodeLedger.taken(given, in: transaction)
      var divisions: [(index: Int, division: DivisionCode)] = []
      var addresses: [Int: StandardAddress] = [:]
      for index in drafts.indices where drafts[index].refusal == nil {
        do throws(Refusal) {
          let address = try standard(drafts[index].values, gazetteer)
          fill(&drafts[index].values, address)
          addresses[index] = address
          if let code = drafts[index]["code"].text, taken.contains(code) { throw codeUsed }
          if drafts[index]["code"].isNull { divisions.append((index, address.division)) }
        } catch {
          drafts[index].refuse(error)
        }
      }
      try await AddressLinks.fill(&drafts, addresses, in: transaction)
      guard !divisions.isEmpty else { return }
      let codes = try await series.take(divisions.map(\.division), in: transaction)
      for (code, item) in zip(codes, divisions) { drafts[item.index].values["code"] = .text(code.text) }
    }
    hooks.beforeUpdate("address") { changes, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", "address") }
      var addresses: [Int: StandardAddress] = [:]
      for index in changes.indices where changes[index].alters("code") { changes[index].refuse(codeKept) }
      for index in changes.indices where StandardAddress.fieldNames.contains(where: changes[index].alters) {
        do throws(Refusal) {
          let address = try standard(changes[index].after, gazetteer)
          fill(&changes[index].changes, address)
          addresses[index] = address
        } catch {
          changes[index].refuse(error)
        }
      }
      try await AddressLinks.follow(&changes, addresses, in: transaction)
    }
  }

  private static let codeUsed = Refusal(
    .conflict, "address-code-used", "这个地址编码已经编给过别的地址，终身不再使用，没有保存。请去掉编码，由系统编制新码。", field: "code")

  private static let codeKept = Refusal(
    .conflict, "address-code-kept", "地址编码终身不变，没有改动。地名、门牌号有变化的，改地址各段即可，编码不用换。", field: "code")

  private static func standard(_ values: [String: Value], _ gazetteer: Gazetteer) throws(Refusal) -> StandardAddress {
    guard let code = values["division_code"]?.text, let division = DivisionCode(code) else {
      throw Refusal(.unprocessable, "address-division", "请选择所在区划，至少到区县。", field: "division_code")
    }
    let parts = AddressParts { name in values[name]?.text.flatMap { $0.isEmpty ? nil : $0 } }
    return try StandardAddress(division: division, parts: parts, gazetteer: gazetteer)
  }

  private static func fill(_ values: inout [String: Value], _ address: StandardAddress) {
    for (name, text) in zip(StandardAddress.fieldNames, address.fieldTexts) where name != "division_code" {
      values[name] = text.map { .text($0) } ?? .null
    }
  }

  // MARK: Divisions

  /// The full name and the code above follow from the parent (D3-017).
  private static func divisions(_ hooks: inout RecordHooks) {
    hooks.beforeInsert("division") { drafts, records in
      for index in drafts.indices {
        let above = try await parent(drafts[index]["parent_id"], records)
        drafts[index].values["full_name"] = .text((above?.name ?? "") + (drafts[index]["name"].text ?? ""))
        drafts[index].values["parent_code"] = above.map { .text($0.code) } ?? .null
      }
    }
    hooks.beforeUpdate("division") { changes, records in
      for index in changes.indices where changes[index].alters("parent_id") || changes[index].alters("name") {
        let above = try await parent(changes[index]["parent_id"], records)
        changes[index].changes["full_name"] = .text((above?.name ?? "") + (changes[index]["name"].text ?? ""))
        changes[index].changes["parent_code"] = above.map { .text($0.code) } ?? .null
      }
    }
  }

  private static func parent(_ id: Value, _ records: Records) async throws -> (code: String, name: String)? {
    guard let id = id.integer, let transaction = records.transaction,
      let row = try await transaction.query("select code, full_name from division where id = \(id)").first
    else { return nil }
    return (try row.get("code"), try row.get("full_name", as: String?.self) ?? "")
  }
}
