package import Access
package import Entities

/// The menu as it is in force (菜单, B1-241): what ships, with the installation's own entries and what it renamed, moved,
/// ordered or hid laid over it.
package struct MenuTree: Sendable {
  /// One entry as it is in force.
  package struct Node: Sendable {
    /// How an entry is delivered.
    package struct Shipped: Sendable, Hashable {
      /// What it is called as delivered.
      package let label: String
      /// The key of its group; `nil` for groups.
      package let parent: String?
      /// Its place as delivered, smallest first.
      package let order: Int
    }

    /// Names the entry for good: `menu.settings`, `/r/address`, `own.17`.
    package let key: String
    /// `nil` for an entry of the installation's own.
    package let shipped: Shipped?
    /// What it is (菜单类型).
    package let kind: MenuEntry.Kind
    /// The list of a register: all that people without a unit are led to.
    package let isRegister: Bool
    /// Where it leads; `nil` for a group.
    package let path: String?
    /// The name of its icon.
    package let icon: String?
    /// Of each, one must be held to see it.
    package let demands: [[Permission]]
    /// Leads to what is not there any more, or demands what nobody understands: never shown.
    package let isBroken: Bool
    /// The record of 权限菜单 that it is, or that changes it.
    package fileprivate(set) var entry: Int64?
    /// What it is called.
    package fileprivate(set) var label: String
    /// The key of its group; `nil` on the highest level.
    package fileprivate(set) var parent: String?
    /// Its place among its neighbours, smallest first.
    package fileprivate(set) var order: Int
    /// Whether it is kept from everybody (隐藏).
    package fileprivate(set) var isHidden: Bool

    /// What the installation changed of a shipped entry, in words.
    package var changes: [String] {
      guard let shipped else { return [] }
      var changes: [String] = []
      if label != shipped.label { changes.append("已改名") }
      if parent != shipped.parent { changes.append("已移动") }
      if order != shipped.order { changes.append("已排序") }
      if isHidden { changes.append("已隐藏") }
      return changes
    }
  }

  /// An entry that somebody sees, with what lies below it.
  package struct Shown: Sendable {
    /// The entry itself.
    package let node: Node
    /// What of it is seen below, in order.
    package let children: [Shown]

    package init(node: Node, children: [Shown]) {
      self.node = node
      self.children = children
    }
  }

  /// So deep the side menu goes: two levels of groups and the pages in them.
  package static let depth = 3

  private var nodes: [String: Node] = [:]
  /// The keys below each group in order; those of the highest level below "".
  private var below: [String: [String]] = [:]

  package init(_ catalog: Catalog, _ entries: [MenuEntry]) {
    var all = MenuTree.shipped(catalog)
    let keys = Dictionary(
      entries.map { ($0.id, $0.shipped ?? "own.\($0.id)") }, uniquingKeysWith: { first, _ in first })
    let arranged = Dictionary(
      entries.map { ($0.shipped ?? "own.\($0.id)", $0) }, uniquingKeysWith: { first, _ in first })
    let demands = MenuTree.demands(all)
    for entry in entries where entry.shipped == nil {
      all.append(MenuTree.own(entry, demands, catalog))
    }
    let groups = Set(all.filter { $0.kind == .group }.map(\.key))
    for index in all.indices {
      let node = all[index]
      guard let entry = arranged[node.key] else { continue }
      all[index].entry = entry.id
      all[index].label = entry.name
      all[index].isHidden = !entry.isActive
      all[index].order = entry.position ?? node.order
      if let parent = entry.parent.flatMap({ keys[$0] }), groups.contains(parent) { all[index].parent = parent }
    }
    arrange(all)
  }

  /// Puts every node below its group; what hangs in a circle stands on the highest level.
  private mutating func arrange(_ all: [Node]) {
    nodes = Dictionary(all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    for node in all where isCircular(node) { nodes[node.key]?.parent = nil }
    let places = Dictionary(all.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    for node in nodes.values { below[node.parent ?? "", default: []].append(node.key) }
    for group in below.keys {
      below[group]?.sort { a, b in
        (nodes[a]?.order ?? 0, places[a] ?? 0) < (nodes[b]?.order ?? 0, places[b] ?? 0)
      }
    }
  }

  private func isCircular(_ node: Node) -> Bool {
    var seen: Set = [node.key]
    var above = node.parent
    while let key = above {
      if !seen.insert(key).inserted { return key == node.key }
      above = nodes[key]?.parent
    }
    return false
  }

  // MARK: Asking

  /// The entry of this key, whoever may see it.
  package func node(_ key: String) -> Node? { nodes[key] }

  /// What stands directly below a group, or on the highest level, in order.
  package func children(of key: String?) -> [Node] { (below[key ?? ""] ?? []).compactMap { nodes[$0] } }

  /// Every entry with how deep it lies, groups before what is in them.
  package var outline: [(depth: Int, node: Node)] {
    var rows: [(depth: Int, node: Node)] = []
    func add(_ parent: String?, _ depth: Int) {
      for node in children(of: parent) {
        rows.append((depth, node))
        if node.kind == .group { add(node.key, depth + 1) }
      }
    }
    add(nil, 0)
    return rows
  }

  /// How deep a group lies: 1 on the highest level.
  package func level(of key: String) -> Int {
    var level = 1
    var above = nodes[key]?.parent
    while let key = above, level < 20 { (level, above) = (level + 1, nodes[key]?.parent) }
    return level
  }

  /// How many levels of groups stand in a group, itself counted.
  package func height(of key: String) -> Int {
    1 + (children(of: key).filter { $0.kind == .group }.map { height(of: $0.key) }.max() ?? 0)
  }

  /// What `principal` sees: entries they may open, and groups that lead to one.
  package func shown(to principal: Principal) -> [Shown] { shown(to: principal, below: nil) }

  private func shown(to principal: Principal, below parent: String?) -> [Shown] {
    children(of: parent).compactMap { node in
      if node.isHidden || node.isBroken || !node.demands.allSatisfy({ $0.contains(where: principal.may) }) {
        return nil
      }
      guard node.kind == .group else { return Shown(node: node, children: []) }
      let children = shown(to: principal, below: node.key)
      return children.isEmpty ? nil : Shown(node: node, children: children)
    }
  }
}

// MARK: What ships

extension MenuTree {
  /// Declared groups with the registers, prepared queries and pages placed in them, as they are delivered.
  private static func shipped(_ catalog: Catalog) -> [Node] {
    let menus = catalog.menus.sorted { ($0.order, $0.label) < ($1.order, $1.label) }
    let groups = Dictionary(menus.map { ($0.label, "menu.\($0.name)") }, uniquingKeysWith: { first, _ in first })
    var nodes = menus.filter { groups[$0.label] == "menu.\($0.name)" }.map { menu in
      node("menu.\(menu.name)", menu.label, nil, menu.order, kind: .group, icon: menu.icon)
    }
    for entity in catalog.entities {
      guard let menu = entity.menu, let group = groups[menu.group] else { continue }
      let path = "/r/\(entity.name)"
      let view = Permission(entity.name, "view")
      nodes.append(
        node(path, menu.label ?? entity.label, group, menu.order, path: path, demands: [[view]], isRegister: true))
      for query in entity.list.queries {
        let path = "\(path)?view=\(query.name)"
        nodes.append(node(path, query.label, group, query.order ?? menu.order, path: path, demands: [[view]]))
      }
    }
    var keys = Set(nodes.map(\.key))
    for menu in menus {
      for page in menu.items {
        // One page may stand twice, for those who hold one permission or another.
        let isFirst = keys.insert(page.path).inserted
        let key = isFirst ? page.path : "\(page.path)#\(page.permission?.description ?? "")"
        nodes.append(
          node(
            key, page.label, groups[menu.label], page.order, path: page.path,
            demands: page.permission.map { [[$0]] } ?? []))
      }
    }
    return nodes
  }

  private static func node(
    _ key: String, _ label: String, _ parent: String?, _ order: Int, kind: MenuEntry.Kind = .page, path: String? = nil,
    icon: String? = nil, demands: [[Permission]] = [], isRegister: Bool = false
  ) -> Node {
    Node(
      key: key, shipped: .init(label: label, parent: parent, order: order), kind: kind, isRegister: isRegister,
      path: path, icon: icon, demands: demands, isBroken: false, entry: nil, label: label, parent: parent,
      order: order, isHidden: false)
  }

  /// What the shipped menu demands for each page, without what stands behind its `?`: any one of these permissions.
  private static func demands(_ nodes: [Node]) -> [String: [Permission]] {
    var demands: [String: [Permission]] = [:]
    for node in nodes {
      guard let path = node.path.map(MenuTree.page) else { continue }
      demands[path, default: []] += node.demands.joined()
    }
    return demands
  }

  /// An entry of the installation's own; it is shown to those only who may open what it leads to, whatever it demands
  /// itself.
  private static func own(_ entry: MenuEntry, _ demands: [String: [Permission]], _ catalog: Catalog) -> Node {
    var wanted = entry.permission.map { [[$0]] } ?? []
    var isBroken = entry.isBroken
    if entry.kind == .page, let path = entry.path.map(page) {
      let parts = path.split(separator: "/")
      if parts.first == "r", parts.count > 1 {
        let register = String(parts[1])
        isBroken = isBroken || catalog.entity(register) == nil
        wanted.append([Permission(register, "view")])
      } else if let known = demands[path], !known.isEmpty {
        wanted.append(known)
      }
    }
    return Node(
      key: "own.\(entry.id)", shipped: nil, kind: entry.kind, isRegister: false, path: entry.path, icon: entry.icon,
      demands: wanted, isBroken: isBroken, entry: entry.id, label: entry.name, parent: nil, order: 1000,
      isHidden: false)
  }

  /// A path without what stands behind `?` and `#`.
  private static func page(_ path: String) -> String {
    String(path.prefix { $0 != "?" && $0 != "#" })
  }
}
