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
    /// The name by which later changes mean the person of this one (`as`).
    package let name: String?
    /// The change that has to have been made (`after`).
    package let after: String?
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

  /// Whom a change is about: the person of an earlier change, or one found by resident id.
  package enum Subject: Sendable {
    case change(String)
    case residentID(Expression)
  }

  /// Something done with a household (户), as ``Households/HouseholdBook`` does it.
  package struct HouseholdChange: Sendable {
    /// What a change of a household is (户成员变动).
    package enum Kind: String, Sendable, CaseIterable {
      /// 入户, 立户或分户, 集体户立户, 离户, 户主变更, 与户主关系变更, 变更户别, 并户, 恢复原户.
      /// 变动恢复 (`revert`) puts back what an earlier case changed.
      case join, establish, collective, leave, head, relate, kind, merge, rejoin, revert
    }

    /// What an expression is for.
    package enum Part: String, Sendable, Hashable, CaseIterable {
      /// 户号, of the household that is meant; `from`, of the one that is left by a split.
      case number, from
      /// The resident id of somebody in the household that is meant.
      case of
      /// What the collective household that is meant is called.
      case collective
      /// To the head; `host`: what the head is to the person.
      case relation, host
      /// People, a line each: those who come along.
      case members
      case address
      /// 户别.
      case kind
      /// The name of whoever becomes head instead of the one who leaves.
      case successor
      /// Why a household that is left by all is closed.
      case reason
      /// The resident id of the keeper of a collective household.
      case keeper
      /// The number of the change that is put back (变动编号).
      case change
    }

    package let kind: Kind
    package let subject: Subject?
    package let parts: [Part: Expression]
    package let when: Expression?
    package let position: SourcePosition
  }

  /// A citizen identification number is assigned (编制公民身份号码).
  package struct NumberChange: Sendable {
    package let subject: Subject
    /// What the form says, which has to agree with the person's record; `nil` takes the record's.
    package let birthDate: Expression?
    package let sex: Expression?
    /// A code of `resident_number_cause`.
    package let cause: String
    package let when: Expression?
    package let position: SourcePosition
  }

  /// One change, in the order in which they are made.
  package enum Step: Sendable {
    case record(Change)
    case household(HouseholdChange)
    case number(NumberChange)
  }

  /// What the ledger of changes calls a case (变动类别).
  package struct Naming: Sendable {
    /// A code of `household_change_kind`.
    package let kind: String
    /// `nil` for every other case.
    package let when: Expression?
  }

  /// What the registers hold of somebody whom the form names: proposed at the window (C-325) and compared when it is handed in
  /// (录入项约束, C-035).
  package struct Known: Sendable {
    package enum Source: Sendable, Hashable {
      /// A field of the person.
      case person(String)
      /// A field of the household (户) that the person belongs to.
      case household(String)
    }

    /// Of the form, or the division of the case.
    package let field: String
    /// The field with the resident id of whom it is about.
    package let of: String
    package let source: Source
    /// Whether what is typed has to agree with it.
    package let isCompared: Bool
    package let when: Expression?
  }

  package let form: String
  package let label: String
  package let known: [Known]
  /// The first that holds names the case; none for forms that change no household and nobody's registration.
  package let namings: [Naming]
  package let changes: [Step]
  package let issues: [Issue]

  /// The names that its expressions may use beside the form's fields: those of the case.
  static let caseFields = [
    "number", "subject_name", "subject_document", "applicant_name", "applicant_document", "applicant_phone",
    "division_code",
  ]
}
