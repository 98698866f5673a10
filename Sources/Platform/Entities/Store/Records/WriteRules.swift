import Access
import Core
import Search

/// Everything that is decided about a record before it is written: defaults, number, validation.
struct WriteRules {
  let entity: EntityDeclaration
  let store: RecordStore
  let catalog: Catalog
  let context: EvaluationContext
  private let validator: RecordValidator

  init(_ entity: EntityDeclaration, _ records: Records) {
    self.entity = entity
    store = records.store
    catalog = records.store.catalog
    context = records.evaluation
    validator = RecordValidator(entity, catalog: catalog)
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
      guard field.editable || input != .form else {
        return Refusal(.forbidden, "field-not-editable", "\(field.label)由系统填写，不能修改。", field: name)
      }
      return nil
    }
  }

  /// Gives fields that were left out their declared defaults.
  func fillDefaults(_ drafts: inout [RecordDraft]) throws(Refusal) {
    let defaults = try validator.defaults(in: context)
    guard !defaults.isEmpty else { return }
    for index in drafts.indices { drafts[index].values.merge(defaults) { given, _ in given } }
  }

  /// Everything that is wrong with the values of a record.
  ///
  /// - Parameter previous: the values before a change.
  func faults(of values: [String: Value], previous: [String: Value]? = nil) -> [Refusal] {
    validator.refusals(for: values, previous: previous, in: context)
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

  /// What the text search finds the record by, as the text of a `tsvector`: its searched fields, codes by their labels,
  /// names and addresses also by their pinyin.
  func searchVector(_ value: (String) -> Value) -> String {
    var lexemes = Lexemes()
    for name in entity.list.search {
      guard let field = entity.field(name), field.isStored, !field.encrypted, !value(name).isNull else { continue }
      let plain = value(name).plainText
      let text = field.dictionary.flatMap { catalog.dictionary($0)?.label(of: plain) } ?? plain
      lexemes.add(of: text, pinyin: field.type == .longtext ? nil : store.pinyin)
    }
    return lexemes.vector
  }
}

/// Where the values of a write come from.
package enum WriteInput: Sendable, Hashable {
  /// A person or an outside program: fields declared `editable: false` are refused.
  case form
  /// Lifang's own code, which may set every stored field. What somebody who was shown masks has typed may be among it.
  case code
  /// Values that code worked out: it means each as it stands, also when it empties a date that shows as nothing.
  case exact
}
