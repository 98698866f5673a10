import Access
import Core
import SQL

/// Everything that is decided about a record before it is written: defaults, number, validation.
struct WriteRules {
  let entity: EntityDeclaration
  let store: RecordStore
  let catalog: Catalog
  let context: EvaluationContext

  init(_ entity: EntityDeclaration, _ records: Records) {
    self.entity = entity
    store = records.store
    catalog = records.store.catalog
    context = EvaluationContext(now: records.store.clock.now(), principal: records.principal)
  }

  /// Refuses fields that do not exist, are computed, belong to the system or are not for typing.
  func refuseForeign(_ values: [String: Value], _ input: WriteInput) -> [Refusal] {
    values.keys.sorted().compactMap { name in
      guard let field = entity.field(name), !FieldDeclaration.systemNames.contains(name) else {
        return Refusal(.invalid, "field-unknown", "\(entity.label)没有名为“\(name)”的字段。请检查后重新提交。", field: name)
      }
      guard field.isStored else {
        return Refusal(.invalid, "field-computed", "\(field.label)由系统计算，不能填写。", field: name)
      }
      guard field.editable || input == .code else {
        return Refusal(.forbidden, "field-not-editable", "\(field.label)由系统填写，不能修改。", field: name)
      }
      return nil
    }
  }

  /// Gives fields that were left out their declared defaults, in declared order.
  func fillDefaults(_ draft: inout RecordDraft) {
    for field in entity.storedFields where draft.values[field.name] == nil {
      guard let formula = field.defaultValue else { continue }
      do {
        draft[field.name] = try formula.stored(as: field, in: context) { draft[$0] }
      } catch {
        draft.refuse(error)
      }
    }
  }

  /// Gives the drafts that have none a number, all of one series in one go.
  func number(_ drafts: inout [RecordDraft]) async throws {
    guard let rule = entity.numbering else { return }
    var members: [String: [Int]] = [:]
    for (index, draft) in drafts.enumerated() where draft.refusal == nil && draft[rule.field].isBlank {
      members[rule.series(entity.name, { draft[$0] }, on: context.today), default: []].append(index)
    }
    for (series, indexes) in members.sorted(by: { $0.key < $1.key }) {
      let first = try await store.numbers.take(series, indexes.count)
      for (place, index) in indexes.enumerated() {
        let draft = drafts[index]
        drafts[index][rule.field] = .text(
          rule.number(first + Int64(place), { draft[$0] }, on: context.today))
      }
    }
  }

  /// The text-search terms of a record, for the fields its list searches.
  func searchTerms(_ value: (String) -> Value) -> SQLValue {
    let texts = entity.list.search.compactMap { name -> String? in
      guard let field = entity.field(name), field.isStored, !field.encrypted else { return nil }
      if let dictionary = field.dictionary, let code = value(name).text {
        return catalog.dictionary(dictionary)?.label(of: code) ?? code
      }
      return value(name).isNull ? nil : value(name).plainText
    }
    return .textArray(SearchTerms.terms(of: texts))
  }
}

/// Where the values of a write come from.
package enum WriteInput: Sendable, Hashable {
  /// A person or an outside program: fields declared `editable: false` are refused.
  case form
  /// Lifang's own code, which may set every stored field.
  case code
}
