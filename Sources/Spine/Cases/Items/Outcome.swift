package import Entities
package import YAML

/// What a completed case changes in the registers (办结落实), declared once for all items of a form.
package struct Outcome: Sendable {
  /// One record made or changed.
  package struct Change: Sendable {
    package struct Assignment: Sendable {
      package let field: String
      package let value: Expression
    }

    package let register: String
    /// The field and value by which the record is found; `nil` always makes a new one.
    package let find: Assignment?
    package let set: [Assignment]
    /// Further values of a record that has to be made, because none was looked for or found; `nil` makes none.
    package let create: [Assignment]?
    package let when: Expression?
    package let position: SourcePosition
  }

  package let form: String
  package let label: String
  package let changes: [Change]

  /// The names that its expressions may use beside the form's fields: those of the case.
  static let caseFields = [
    "number", "subject_name", "subject_document", "applicant_name", "applicant_document", "applicant_phone",
    "division_code",
  ]
}
