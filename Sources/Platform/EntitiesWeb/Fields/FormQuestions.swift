package import Entities

/// What a form asks for by the answers so far (字段联动): sections and fields whose `visible` holds, of which `required` and
/// `required_when` must be filled in.
package struct FormQuestions {
  let context: EvaluationContext
  let answer: (String) -> Value

  /// - Parameter answer: what has been filled in for a field, `.null` for nothing.
  package init(context: EvaluationContext, answer: @escaping (String) -> Value) {
    self.context = context
    self.answer = answer
  }

  /// Whether a condition holds now; what cannot be told yet does not.
  package func holds(_ condition: Expression?) -> Bool {
    guard let condition else { return true }
    return (try? condition.holds(in: context, answer)) ?? false
  }

  package func asks(_ field: FieldDeclaration, of entity: EntityDeclaration) -> Bool {
    let section = entity.form.first { $0.fields.contains(field.name) }
    return holds(section?.visible) && holds(field.visible)
  }

  /// Whether something has to be filled in; of a yes or no, leaving it is the answer.
  package func requires(_ field: FieldDeclaration) -> Bool {
    if field.type == .boolean { return false }
    return field.required || (field.requiredWhen.map { holds($0) } ?? false)
  }

  /// The fields whose answers decide what else is asked.
  package static func deciding(of entity: EntityDeclaration) -> Set<String> {
    var names: Set<String> = []
    for field in entity.fields {
      names.formUnion(field.visible?.fields ?? [])
      names.formUnion(field.requiredWhen?.fields ?? [])
    }
    for section in entity.form { names.formUnion(section.visible?.fields ?? []) }
    return names
  }
}
