import HTML

/// The menu on the left, by suite; groups open and close without scripts, the page's own group is open.
struct SideMenu {
  let items: [MenuItem]
  let path: String
  /// The path of the entry that the page belongs to: of several that hold it the deepest, as `/designs/message` within
  /// `/designs`. A page that no entry holds belongs where its crumbs lead.
  private let current: String?

  /// - Parameter crumbs: the paths of the way to the page, from the top.
  init(items: [MenuItem], path: String, crumbs: [String] = []) {
    self.items = items
    self.path = path
    func holders(_ items: [MenuItem], of path: String) -> [String] {
      items.flatMap {
        holders($0.children, of: path) + ($0.children.isEmpty && $0.contains(path) ? [$0.path ?? ""] : [])
      }
    }
    current = ([path] + crumbs.reversed()).lazy.compactMap { holders(items, of: $0).max { $0.count < $1.count } }.first
  }

  private func holdsCurrent(_ item: MenuItem) -> Bool {
    item.children.isEmpty ? current != nil && item.path == current : item.children.contains { holdsCurrent($0) }
  }

  var html: HTML {
    nav(.id("menu"), .class("sidemenu"), .aria(.label, "主菜单")) {
      a(.class("menu-close button button-quiet button-icon"), .href("#content"), .data("data-menu-close")) {
        Icon.close.html(named: "收起菜单")
      }
      ul(.class("menu-root")) {
        for item in items { entry(item, level: 1) }
      }
    }
  }

  private func entry(_ item: MenuItem, level: Int) -> HTML {
    if item.children.isEmpty { return li { leaf(item, level: level) } }
    let isOpen = holdsCurrent(item)
    return li {
      details(.open(isOpen), .data("data-menu-group", item.label), .class("menu-group")) {
        summary(.class("menu-item level-\(level)"), .class(isOpen ? "holds-current" : nil), .title(item.label)) {
          item.icon?.html()
          span(.class("menu-label")) { item.label }
          CountBadge(item.count, noun: "条待办")
          Icon.right.html(class: "caret")
        }
        ul {
          for child in item.children { entry(child, level: level + 1) }
        }
      }
    }
  }

  private func leaf(_ item: MenuItem, level: Int) -> HTML {
    let isCurrent = holdsCurrent(item)
    return a(
      .class("menu-item level-\(level)"), .href(item.path ?? "#"), .title(item.label),
      .when(isCurrent, .aria(.current, item.path == path ? "page" : "true"))
    ) {
      item.icon?.html()
      span(.class("menu-label")) { item.label }
      CountBadge(item.count, noun: "条待办")
    }
  }
}
