package import HTML

/// Pages about the same thing, side by side. Each is an address of its own.
package struct Tabs: HTMLConvertible, Sendable {
  package struct Tab: Sendable, Hashable {
    package let label: String
    package let path: String
    package let isCurrent: Bool
    package let count: Int?

    package init(_ label: String, path: String, isCurrent: Bool = false, count: Int? = nil) {
      self.label = label
      self.path = path
      self.isCurrent = isCurrent
      self.count = count
    }
  }

  let tabs: [Tab]
  let label: String

  package init(_ tabs: [Tab], label: String = "相关页面") {
    self.tabs = tabs
    self.label = label
  }

  package var html: HTML {
    nav(.class("tabs"), .aria(.label, label)) {
      ul {
        for tab in tabs {
          li {
            a(.href(tab.path), .when(tab.isCurrent, .aria(.current, "page"))) {
              tab.label
              if let count = tab.count { span(.class("tab-count")) { grouped(count) } }
            }
          }
        }
      }
    }
  }
}
