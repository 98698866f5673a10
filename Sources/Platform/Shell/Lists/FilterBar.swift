package import HTML

/// What narrows a list: a search box, the filters a person of this trade reaches for first, the rest behind 更多.
///
/// A plain `GET` form: the filters live in the address. Scripts send it as soon as a choice changes.
package struct FilterBar: HTMLConvertible {
  let path: String
  let search: Search?
  let basic: [Field]
  let more: [Field]
  let moreInForce: Int
  let kept: [HiddenField]

  package struct Search: Sendable {
    /// The name of the query item.
    package let name: String
    package let value: String
    /// What is searched: `名称、编码`.
    package let hint: String

    package init(name: String = "q", value: String, hint: String) {
      self.name = name
      self.value = value
      self.hint = hint
    }
  }

  /// - Parameters:
  ///   - path: the list's own path.
  ///   - moreInForce: how many of `more` are set; the drawer stays closed and says so, the chips show them.
  ///   - kept: query items to carry along, such as the sort order.
  package init(
    path: String, search: Search?, basic: [Field], more: [Field] = [], moreInForce: Int = 0,
    kept: [HiddenField] = []
  ) {
    self.path = path
    self.search = search
    self.basic = basic
    self.more = more
    self.moreInForce = moreInForce
    self.kept = kept
  }

  package var html: HTML {
    form(.class("filters"), .role("search"), .method(.get), .action(path), .data("data-filters")) {
      kept
      div(.class("filters-basic")) {
        if let search { searchBox(search) }
        for field in basic { field.filterHTML }
        div(.class("filters-actions")) {
          button(.class("button button-normal"), .type("submit")) { "查询" }
          if !more.isEmpty || !basic.isEmpty { drawerToggle }
        }
      }
      if !more.isEmpty { drawer }
    }
  }

  private func searchBox(_ search: Search) -> HTML {
    div(.class("filter filter-search")) {
      element("label", .class("visually-hidden"), .for("filter-q")) { "搜索\(search.hint)" }
      Icon.search
      input(
        .id("filter-q"), .type("search"), .name(search.name), .value(search.value), .placeholder("搜索\(search.hint)"),
        .autocomplete("off"), .data("data-list-search"), .aria(.keyshortcuts, "/"))
    }
  }

  /// A checkbox that opens the drawer below, so that it works without scripts and inside a form. On a phone it opens the
  /// basic filters too.
  private var drawerToggle: HTML {
    element(
      "label", .class("button button-quiet filters-toggle"), .class(more.isEmpty ? "only-phone" : nil)
    ) {
      input(.type("checkbox"), .class("visually-hidden"), .data("data-filters-toggle"))
      Icon.filter
      span { more.isEmpty ? "筛选" : "更多筛选" }
      CountBadge(moreInForce, noun: "项在用")
    }
  }

  private var drawer: HTML {
    div(.class("filters-more")) {
      for field in more { field.filterHTML }
    }
  }
}

/// What is filtered, always visible, each with a link that lifts it.
package struct ActiveFilters: HTMLConvertible, Sendable {
  package struct Chip: Sendable, Hashable {
    package let label: String
    package let value: String
    /// The list without this filter.
    package let removePath: String

    package init(_ label: String, _ value: String, removePath: String) {
      self.label = label
      self.value = value
      self.removePath = removePath
    }
  }

  let chips: [Chip]
  let clearPath: String

  package init(_ chips: [Chip], clearPath: String) {
    self.chips = chips
    self.clearPath = clearPath
  }

  package var html: HTML {
    if chips.isEmpty { return .empty }
    return div(.class("chips"), .role("group"), .aria(.label, "正在使用的筛选")) {
      for chip in chips {
        a(.class("chip"), .href(chip.removePath), .data("data-list-link")) {
          span(.class("chip-label")) { chip.label }
          span { chip.value }
          Icon.close.html(named: "去掉筛选")
        }
      }
      if chips.count > 1 {
        a(.class("chips-clear"), .href(clearPath), .data("data-list-link")) { "全部清除" }
      }
    }
  }
}
