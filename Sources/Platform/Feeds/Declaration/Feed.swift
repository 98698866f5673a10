package import Connectors
package import Entities
package import YAML

/// What keeps a register in step with another system (同步源), as a data file: which rows come from where, how they are
/// cleaned, which of our fields they fill, and what their disappearance means (A-015, A-050, A-074, A-158…A-160).
package struct Feed: Sendable {
  package let name: String
  /// 一标三实标准地址.
  package let label: String
  package let help: String?
  /// Ids of the requirement rows it answers.
  package let source: [String]
  /// The register that is filled.
  package let register: String
  package let connector: String
  /// The operation that gives pages of changes; a file has the same rows.
  package let operation: String
  /// The members of a row, as the connector's contract has them.
  package let rows: [ConnectorField]
  package let counts: FeedCounts?
  /// The member by which the other side knows a row; kept beside our record, whose own code never changes by it.
  package let key: String
  /// The member that people recognise a row by.
  package let title: String
  /// The member that says in which division it lies, for counting.
  package let division: String?
  /// Rows asked for at a time, and rows of one transaction.
  package let page: Int
  /// Over a cleaned row: whether it is gone on the other side.
  package let deleted: Expression?
  package let clean: [FeedRule]
  package let interpret: FeedInterpretation?
  /// Fields that follow the other side.
  package let set: [FeedAssignment]
  /// Fields that a new record gets, and which never follow.
  package let create: [FeedAssignment]
  package let references: [FeedReference]
  /// Unique fields by which a row that was never seen finds a record that we have already.
  package let match: [String]
  /// Fields that are held back together.
  package let together: Set<String>
  package let hold: FeedHold?
  /// What a record becomes that is gone on the other side; never deleted.
  package let cancel: [FeedAssignment]
  /// Percent of the records that a full run may cancel without asking.
  package let vanish: Int
  /// The declaration as text: rows that were seen under another one are looked at again.
  package let text: String
  package let position: SourcePosition

  /// The fields that follow the other side, whoever computes them.
  package var followed: [String] {
    (interpret?.shape.fields ?? []) + set.map(\.field) + references.filter { !$0.isOnce }.map(\.field)
  }
}

/// How many records the other side has, by division (对方计数).
package struct FeedCounts: Sendable {
  package let operation: String
  /// Members of a row of that operation.
  package let division: String
  package let count: String
}

/// One step of cleaning (清洗规则), in the order of the declaration.
package enum FeedRule: Sendable {
  package enum Otherwise: String, Sendable, CaseIterable { case keep, blank, refuse }

  /// Blanks and invisible characters at both ends go, those within become one.
  case trim([String])
  /// Full-width letters, figures and signs become plain ones.
  case fold([String])
  /// Words that stand for nothing, such as 无 and 不详.
  case blank([String], Set<String>)
  case map(String, [String: String], Otherwise)
  /// Labels of a dictionary become its codes; what is neither refuses the row.
  case dictionary(String, String)
  /// Codes of divisions become those of today.
  case division([String])
  /// Dates in any of the forms that people write.
  case date([String])
  case set(String, Expression, when: Expression?)
  case drop(Expression, reason: String)
}

/// A field of ours and what it becomes.
package struct FeedAssignment: Sendable {
  package let field: String
  package let value: Expression
  package let position: SourcePosition
}

/// A field of ours that refers to a record which another feed, or this one, keeps in step.
package struct FeedReference: Sendable {
  package let field: String
  package let feed: String
  /// The member that holds the other side's key of that record.
  package let key: String
  /// Only new records get it.
  package let isOnce: Bool
}

/// Records about which something is open are not changed (存疑不覆盖).
package struct FeedHold: Sendable {
  package let register: String
  /// The field that refers to our record.
  package let field: String
  package let when: Expression
}

/// What takes several members of a row together, such as an address in words (标准化).
package struct FeedInterpretation: Sendable {
  package let shape: FeedInterpreterShape
  /// Input of the interpreter and member of the row.
  package let inputs: [String: String]
}

/// What an interpreter reads and fills, known before it is made.
package struct FeedInterpreterShape: Sendable, Hashable {
  package let name: String
  package let register: String
  package let inputs: [String]
  package let required: [String]
  /// The fields of ours that it fills.
  package let fields: [String]

  package init(name: String, register: String, inputs: [String], required: [String], fields: [String]) {
    self.name = name
    self.register = register
    self.inputs = inputs
    self.required = required
    self.fields = fields
  }
}
