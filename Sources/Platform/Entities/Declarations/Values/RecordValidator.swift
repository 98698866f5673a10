package import Core

/// Checks whole records of one entity against its declaration, in memory.
///
/// Made once and used for many records; what needs the database (uniqueness, references) is the store's.
package struct RecordValidator: Sendable {
  private let entity: EntityDeclaration
  private let dictionaries: [String: DictionaryDeclaration]
  /// The condition under which the section that holds a field is shown.
  private let sections: [String: Expression]

  package init(_ entity: EntityDeclaration, catalog: Catalog) {
    self.entity = entity
    var dictionaries: [String: DictionaryDeclaration] = [:]
    for name in entity.fields.compactMap(\.dictionary) { dictionaries[name] = catalog.dictionary(name) }
    self.dictionaries = dictionaries
    var sections: [String: Expression] = [:]
    for section in entity.form {
      if let visible = section.visible { for name in section.fields { sections[name] = visible } }
    }
    self.sections = sections
  }

  /// Everything that is wrong with the record, in the order of the fields and then of the rules.
  ///
  /// - Parameters:
  ///   - values: every stored field's value; absent ones count as null.
  ///   - previous: the values before a change: what the change leaves alone may keep a retired code.
  package func refusals(
    for values: [String: Value], previous: [String: Value]? = nil, in context: EvaluationContext
  ) -> [Refusal] {
    var refusals: [Refusal] = []
    let lookup = { (name: String) -> Value in values[name] ?? .null }
    for field in entity.fields where field.isStored {
      let value = lookup(field.name)
      do throws(Refusal) {
        if value.isBlank {
          if try isMissed(field, context, lookup) {
            refusals.append(ValueRules.refusal("required", "还没有填写，请填写后再提交", field))
          }
        } else if let refusal = ValueRules.refusal(value, field, field.dictionary.flatMap { dictionaries[$0] })
          ?? retired(value, field, previous?[field.name])
        {
          refusals.append(refusal)
        }
      } catch {
        refusals.append(error)
      }
    }
    // Rules speak about values that are right by themselves.
    guard refusals.isEmpty else { return refusals }
    for rule in entity.rules {
      do throws(Refusal) {
        if try rule.check.evaluate(in: context, lookup) == .boolean(false) {
          refusals.append(Refusal(.unprocessable, "rule", rule.message, field: rule.field))
        }
      } catch {
        refusals.append(error)
      }
    }
    return refusals
  }

  /// Whether a blank field has to be filled in: only what the form shows can be asked for.
  private func isMissed(_ field: FieldDeclaration, _ context: EvaluationContext, _ lookup: (String) -> Value)
    throws(Refusal) -> Bool
  {
    guard field.required || field.requiredWhen != nil, !field.hidden else { return false }
    if let visible = field.visible, try !visible.holds(in: context, lookup) { return false }
    if let visible = sections[field.name], try !visible.holds(in: context, lookup) { return false }
    if field.required { return true }
    return try field.requiredWhen?.holds(in: context, lookup) ?? false
  }

  private func retired(_ value: Value, _ field: FieldDeclaration, _ previous: Value?) -> Refusal? {
    guard let dictionary = field.dictionary.flatMap({ dictionaries[$0] }) else { return nil }
    let codes = value.list ?? value.text.map { [$0] } ?? []
    let before = previous?.list ?? previous?.text.map { [$0] } ?? []
    guard let code = codes.first(where: { dictionary.code($0)?.retired == true && !before.contains($0) }) else {
      return nil
    }
    return ValueRules.refusal("retired-code", "里的“\(dictionary.label(of: code) ?? code)”已停用，请选择其他项", field)
  }
}

extension RecordValidator {
  /// The values a new record starts with, by the declared defaults.
  package func defaults(in context: EvaluationContext) throws(Refusal) -> [String: Value] {
    var values: [String: Value] = [:]
    for field in entity.fields {
      guard let expression = field.defaultValue else { continue }
      values[field.name] = try expression.stored(as: field, in: context) { _ in .null }
    }
    return values
  }
}
