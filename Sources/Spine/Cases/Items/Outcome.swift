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

  /// A document that a case results in (办理结果).
  package struct Issue: Sendable {
    /// When it is issued.
    package enum Moment: Sendable, Hashable {
      /// The decision to grant is made; what is sent by courier exists by then.
      case decided
      /// The case is over and the registers are changed.
      case finished
      /// A step of the process is done, such as 签发准迁证.
      case step(String)
    }

    package let document: String
    package let moment: Moment
    package let when: Expression?
    /// The field and value by which the document's record is found; `nil` makes it of the form or the case itself.
    package let find: Change.Assignment?
    /// The number of the document that it takes the place of.
    package let replaces: Expression?
    package let position: SourcePosition
  }

  package let form: String
  package let label: String
  package let changes: [Change]
  package let issues: [Issue]

  /// The names that its expressions may use beside the form's fields: those of the case.
  static let caseFields = [
    "number", "subject_name", "subject_document", "applicant_name", "applicant_document", "applicant_phone",
    "division_code",
  ]
}
