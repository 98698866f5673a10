package import Access
package import Entities
package import YAML

/// Another system that Lifang asks (对接系统), as a data file: its operations, what goes out and what comes back, how long
/// to wait and how often to ask (C-059…C-064, C-198, C-199).
package struct Connector: Sendable {
  package let name: String
  /// 出生医学证明.
  package let label: String
  /// Whose system it is.
  package let system: String
  package let help: String?
  /// Ids of the requirement rows it answers.
  package let source: [String]
  package let authentication: ConnectorAuthentication
  package let limits: ConnectorLimits
  package let operations: [ConnectorOperation]
  /// What one must hold to ask its queries by hand; `nil` for the right to ask any system.
  package let permission: Permission?
  /// The reasons that its queries may be asked for; empty for the usual ones.
  package let purposes: [String]
  package let position: SourcePosition

  /// The operation of this name (接口).
  package func operation(_ name: String) -> ConnectorOperation? { operations.first { $0.name == name } }

  /// The operation that tells whether a material is what it says.
  package var verification: ConnectorOperation? { operations.first { $0.use == .verify } }
}

/// How the other system knows that it is Lifang who asks (认证方式).
package enum ConnectorAuthentication: String, Sendable, Hashable, CaseIterable {
  /// HMAC-SM3 over method, path, time, number and the digest of the body; see ``ConnectorSignature``.
  case signature
  /// `Authorization: Bearer`.
  case key

  package var label: String { self == .signature ? "HMAC-SM3 签名" : "令牌" }
}

/// How long and how often (时限、重试、熔断、配额).
package struct ConnectorLimits: Sendable, Hashable {
  /// Seconds for one try.
  package var timeout = 5
  /// Tries in all.
  package var attempts = 2
  /// Milliseconds before the second try; each further one waits twice as long.
  package var delay = 300
  /// Calls a minute of one node.
  package var quota = 120
  /// Failures in a row after which it is left alone.
  package var failures = 5
  /// Seconds it is left alone at first; each further time twice as long.
  package var pause = 30

  package init() {}
}

/// One thing that the other system can be asked (接口).
package struct ConnectorOperation: Sendable {
  /// What the answer is for.
  package enum Use: String, Sendable, Hashable, CaseIterable {
    /// 核验: whether a material or a person is what it says.
    case verify
    /// 复用: fills a form in.
    case fill
    /// 比对提醒: whether somebody is on a list; a yes is an alert for officers.
    case screen
    /// 同步: gives rows page by page, which a feed keeps a register in step with (A-158…A-160).
    case feed
    /// 查询: officers ask it by hand, with a purpose.
    case query
    /// Something else that a module asks for by name.
    case call

    package var label: String {
      switch self {
      case .verify: "核验"
      case .fill: "带入"
      case .screen: "比对提醒"
      case .feed: "同步"
      case .query: "查询"
      case .call: "办理"
      }
    }
  }

  package let name: String
  package let label: String
  package let use: Use
  /// Behind the address of the system; asked with `POST`, since personal data belong into no address.
  package let path: String
  package let request: [ConnectorField]
  package let response: [ConnectorField]
  /// The list of an answer that has one.
  package let rows: ConnectorRows?
  /// Over the response; when it holds the answer is yes.
  package let yes: Expression?
  /// When it holds the answer is no; neither is unknown.
  package let no: Expression?
  /// The field of the response that says in words why.
  package let reason: String?
  /// Fields of the response that hold resident ids: only they themselves are shown the answer on line.
  package let owners: [String]
  package let fills: [ConnectorFill]
  package let position: SourcePosition
}

/// The list in an answer (逐条数据): objects of one level, beside the response's own members.
package struct ConnectorRows: Sendable {
  /// The member that holds it.
  package let name: String
  package let fields: [ConnectorField]
  /// What is opened from a row, such as the pictures of an archive.
  package let opens: ConnectorOpening?

  package func field(_ name: String) -> ConnectorField? { fields.first { $0.name == name } }
}

/// Another query of the same system that a row of an answer leads to (查看).
package struct ConnectorOpening: Sendable {
  package let label: String
  package let operation: String
  /// Field of its request and field of the row.
  package let values: [(field: String, from: String)]
}

/// A member of a request or an answer; JSON of one level.
package struct ConnectorField: Sendable {
  package let name: String
  package let label: String
  /// A `file` comes as Base64, and the log keeps its size only.
  package let type: FieldType
  package let isRequired: Bool
  /// How the log shows it; personal data have one.
  package let mask: FieldDeclaration.Mask?
  /// Fields of a form or a case that it is taken from; the first that is filled in counts.
  package let sources: [String]
  /// Invented; for the contract and for trying a connection out.
  package let example: String?
}

/// Which fields of a form an answer fills in (信息复用, C-033).
package struct ConnectorFill: Sendable {
  package let form: String
  /// The field of the form that is typed; its request field has it among its sources.
  package let by: String
  /// Field of the form and field of the response.
  package let fields: [(field: String, from: String)]
}
