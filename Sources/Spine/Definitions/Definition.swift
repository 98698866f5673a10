package import Core
import Entities

/// What administrators design in the browser (设计器): each kind is a text with the rules and checks of the files.
package enum DefinitionKind: String, Sendable, Hashable, CaseIterable {
  case process, item, materials, calendar, message

  package var label: String {
    switch self {
    case .process: "审批流程"
    case .item: "办事事项"
    case .materials: "材料目录"
    case .calendar: "工作日历"
    case .message: "消息模板"
    }
  }

  /// The kind of declaration; `nil` for processes, which are BPMN files.
  var document: DeclarationDocument.Kind? {
    switch self {
    case .process: nil
    case .item: .item
    case .materials: .materials
    case .calendar: .calendar
    case .message: .message
    }
  }

  /// How its files end.
  package var suffix: String { self == .process ? "bpmn" : "yaml" }
}

/// Which definition.
package struct DefinitionKey: Sendable, Hashable {
  package let kind: DefinitionKind
  package let name: String

  package init(_ kind: DefinitionKind, _ name: String) {
    self.kind = kind
    self.name = name
  }

  /// The file that findings name.
  package var file: String { "\(name).\(kind.suffix)" }
}

/// A version that was published (已发布版本); 0 is what came with the product or the city's folder.
package struct DefinitionRelease: Sendable, Hashable {
  package let version: Int
  package let note: String
  package let draftedBy: String
  package let publishedBy: String
  package let publishedAt: Instant

  /// How a version is called: 交付版, 第 3 版.
  package static func label(_ version: Int) -> String { version == 0 ? "交付版" : "第 \(version) 版" }
}

/// A text that is being worked on (草稿).
package struct DefinitionDraft: Sendable {
  package let content: String
  /// The version it began as.
  package let base: Int
  /// Who changed it last.
  package let author: Int64
  package let authorName: String
  package let updatedAt: Instant
  /// The latest trial of this very text (试运行); `nil` while there is none.
  package let trial: TrialReport?
}

/// A line of the list of definitions.
package struct DefinitionEntry: Sendable {
  package let key: DefinitionKey
  package let label: String
  /// In force; `nil` for one that was never published.
  package let version: Int?
  /// When what is in force was published or gone back to; `nil` for what was delivered.
  package let since: Instant?
  /// Who drafted its first version and when that was published (创建); `nil` for what was delivered.
  package let created: Creation?
  package let hasDraft: Bool
  package let isTried: Bool
}

extension DefinitionEntry {
  package struct Creation: Sendable, Hashable {
    package let by: String
    package let at: Instant
  }
}

/// What came of putting a version in force, an entry of the history (版本记录).
package struct DefinitionChange: Sendable {
  package let version: Int
  package let isRollback: Bool
  package let at: Instant
  package let by: String
  package let note: String
}
