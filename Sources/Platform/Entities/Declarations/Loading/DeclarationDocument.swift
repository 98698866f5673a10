package import YAML

/// One declaration as YAML, before it is merged with its overlays and understood.
package struct DeclarationDocument: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    case entity, dictionary, parameters, role, menu, permissions
    /// Kinds that modules above understand: service items (事项), catalogues of materials, working calendars, what
    /// completed cases change in the registers, templates of messages, systems of others that are asked, what is shared with
    /// others, documents on paper, artworks of door plates, what is kept in step with systems of others, reports.
    case item, materials, calendar, outcome, message, connector, resources, document, plate, feed, report

    /// The folder of an area that holds declarations of this kind.
    var folder: String {
      switch self {
      case .entity: "entities"
      case .dictionary: "dictionaries"
      case .parameters: "parameters"
      case .role: "roles"
      case .menu: "menus"
      case .permissions: "permissions"
      case .item: "items"
      case .materials: "materials"
      case .calendar: "calendars"
      case .outcome: "outcomes"
      case .message: "messages"
      case .connector: "connectors"
      case .resources: "resources"
      case .document: "documents"
      case .plate: "plates"
      case .feed: "feeds"
      case .report: "reports"
      }
    }

    package var label: String {
      switch self {
      case .entity: "实体"
      case .dictionary: "字典"
      case .parameters: "参数组"
      case .role: "角色"
      case .menu: "菜单"
      case .permissions: "权限"
      case .item: "事项"
      case .materials: "材料目录"
      case .calendar: "工作日历"
      case .outcome: "办结落实"
      case .message: "消息模板"
      case .connector: "对接系统"
      case .resources: "信息资源目录"
      case .document: "文书"
      case .plate: "门牌版式"
      case .feed: "同步源"
      case .report: "报表"
      }
    }

    /// The key that says that a document changes another one.
    var overlayKey: String { "extend_\(rawValue)" }
  }

  package let kind: Kind
  package let name: String
  /// Whether it changes a declaration that exists instead of making one.
  let extends: Bool
  package let node: YAMLNode
  package let origin: DeclarationOrigin
  /// The area by the folder it lay in, if it lay in one.
  package let area: String?
  /// Whether it holds labels that are laid on whatever they meet (``Catalog/labelled(_:)``).
  private(set) var givesWay = false

  /// The same, to be laid on whatever it meets.
  var givingWay: DeclarationDocument {
    var copy = self
    copy.givesWay = true
    return copy
  }

  /// Where the name stands.
  package var namePosition: SourcePosition { node.mapping?.first { $0.key == key }?.value.position ?? node.position }

  private var key: String { extends ? kind.overlayKey : kind.rawValue }

  /// Recognises the kind of declaration by its key; reports and returns `nil` when there is none.
  init?(_ node: YAMLNode, origin: DeclarationOrigin, area: String?, folder: String?, _ collector: FindingCollector) {
    guard let entries = node.mapping else {
      collector.error(node.position, "声明应写成键值对，却是\(node.kindLabel)")
      return nil
    }
    let keys = Kind.allCases.map(\.rawValue) + Kind.allCases.map(\.overlayKey)
    let matches = entries.filter { entry in keys.contains(entry.key) && (entry.value.text != nil || entry.value.isNull)
    }
    guard let match = matches.first else {
      let folderKind = Kind.allCases.first { $0.folder == folder }
      let wanted =
        folderKind.map { "应有键 \($0.rawValue) 或 \($0.overlayKey)" } ?? "应有下列键之一：\(keys.joined(separator: "、"))"
      collector.error(node.position, "看不出这是哪一种声明，\(wanted)")
      return nil
    }
    if matches.count > 1 {
      collector.error(matches[1].keyPosition, "一个文件只能声明一样东西，已有 \(match.key)，又有 \(matches[1].key)")
      return nil
    }
    extends = match.key.hasPrefix("extend_")
    guard let kind = Kind(rawValue: extends ? String(match.key.dropFirst(7)) : match.key) else { return nil }
    if let folder, folder != kind.folder {
      collector.error(match.keyPosition, "\(kind.label)应放在文件夹 \(kind.folder) 里，这里是 \(folder)")
    }
    guard let name = match.value.text, DeclarationName.isValid(name) else {
      collector.error(
        match.value.position,
        "\(kind.label)的名称只用小写字母、数字和下划线，以字母开头，最多 \(DeclarationName.maximumLength) 个字符")
      return nil
    }
    self.kind = kind
    self.name = name
    self.node = node
    self.origin = origin
    self.area = area
  }

  /// The same declaration with another content.
  func replacing(_ node: YAMLNode, origin: DeclarationOrigin) -> DeclarationDocument {
    DeclarationDocument(kind: kind, name: name, extends: extends, node: node, origin: origin, area: area)
  }

  private init(
    kind: Kind, name: String, extends: Bool, node: YAMLNode, origin: DeclarationOrigin, area: String?
  ) {
    self.kind = kind
    self.name = name
    self.extends = extends
    self.node = node
    self.origin = origin
    self.area = area
  }
}
