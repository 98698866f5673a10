package import HTML

/// A list with its panel: filters, chips, tools, table, pager, and the opened record beside them, so that a clerk never
/// loses the list.
package struct ListView: HTMLConvertible {
  let filters: HTML
  let chips: HTML
  let tools: [Action]
  let views: SavedViews?
  let columns: ColumnChooser?
  let table: HTML
  let pager: HTML
  let panel: HTML?
  /// Whether there is anything above the table.
  private let hasHead: Bool

  package init(
    filters: FilterBar?, chips: ActiveFilters? = nil, tools: [Action] = [], views: SavedViews? = nil,
    columns: ColumnChooser? = nil, table: DataTable, pager: Pager?, panel: HTML? = nil
  ) {
    self.filters = filters?.html ?? .empty
    self.chips = chips?.html ?? .empty
    self.tools = tools
    self.views = views
    self.columns = columns
    self.table = table.html
    self.pager = pager?.html ?? .empty
    self.panel = panel
    hasHead = filters != nil || !tools.isEmpty || views != nil || columns != nil
  }

  package var html: HTML {
    div(.class("split"), .class(panel == nil ? nil : "has-panel"), .data("data-split")) {
      div(.class("list"), .id("list")) {
        if hasHead {
          div(.class("list-head")) {
            filters
            div(.class("list-tools")) {
              views
              tools
              columns
            }
          }
        }
        chips
        table
        pager
      }
      aside(.id("panel"), .class("panel"), .aria(.label, "所选记录"), .tabindex(-1), .data("data-panel")) {
        panel
      }
    }
  }
}

/// Which columns a list shows; the choice is remembered with the person.
package struct ColumnChooser: HTMLConvertible, Sendable {
  let path: String
  let columns: [Choice]

  package struct Choice: Sendable, Hashable {
    package let name: String
    package let label: String
    package let isShown: Bool

    package init(name: String, label: String, isShown: Bool) {
      self.name = name
      self.label = label
      self.isShown = isShown
    }
  }

  /// - Parameter path: `POST column=…&column=…&return=<list>` remembers the choice.
  package init(path: String, columns: [Choice]) {
    self.path = path
    self.columns = columns
  }

  package var html: HTML {
    Dropdown(label: "列", icon: .columns, style: .quiet) {
      form(.method(.post), .action(path), .class("column-chooser"), .data("data-return-here")) {
        formTokenField()
        p(.class("dropdown-title")) { "显示哪些列" }
        for column in columns {
          element("label", .class("dropdown-item check")) {
            input(.type("checkbox"), .name("column"), .value(column.name), .checked(column.isShown))
            span { column.label }
          }
        }
        button(.class("button button-primary"), .type("submit")) { "按所选显示" }
      }
    }.html
  }
}

/// Filters, sort and columns kept under a name.
package struct SavedViews: HTMLConvertible, Sendable {
  package struct View: Sendable, Hashable {
    package let label: String
    package let path: String
    package let isCurrent: Bool

    package init(_ label: String, path: String, isCurrent: Bool = false) {
      self.label = label
      self.path = path
      self.isCurrent = isCurrent
    }
  }

  let views: [View]
  let savePath: String

  /// - Parameter savePath: `POST name=…&return=<list>` keeps what is shown now.
  package init(_ views: [View], savePath: String) {
    self.views = views
    self.savePath = savePath
  }

  package var html: HTML {
    Dropdown(label: views.first { $0.isCurrent }?.label ?? "视图", icon: .save, style: .quiet) {
      p(.class("dropdown-title")) { views.isEmpty ? "还没有保存的视图" : "保存的视图" }
      for view in views {
        a(.class("dropdown-item"), .href(view.path), .when(view.isCurrent, .aria(.current, "true"))) { view.label }
      }
      form(.class("view-save"), .method(.post), .action(savePath), .data("data-return-here")) {
        formTokenField()
        element("label", .for("view-name")) { "把现在的筛选、排序和列存为" }
        input(.id("view-name"), .name("name"), .maxlength(30), .required(), .placeholder("例如：本辖区待核地址"))
        button(.class("button button-normal"), .type("submit")) { "保存视图" }
      }
    }.html
  }
}

/// The record opened beside a list; the same content as its own page, in short.
package struct PanelView: HTMLConvertible {
  let title: String
  let status: Badge?
  let path: String
  let listPath: String?
  let actions: [Action]
  let content: HTML

  /// - Parameters:
  ///   - path: the record's own page.
  ///   - listPath: the list without the panel.
  package init(
    title: String, status: Badge? = nil, path: String, listPath: String? = nil, actions: [Action] = [],
    @HTMLBuilder content: () -> HTML
  ) {
    self.title = title
    self.status = status
    self.path = path
    self.listPath = listPath
    self.actions = actions
    self.content = content()
  }

  package var html: HTML {
    HTML {
      header(.class("panel-head")) {
        div(.class("panel-title")) {
          h2(.tabindex(-1), .data("data-panel-title")) { title }
          status
        }
        a(.class("button button-quiet button-icon"), .href(path)) { Icon.external.html(named: "打开完整页面") }
        a(.class("button button-quiet button-icon"), .href(listPath ?? path), .data("data-panel-close")) {
          Icon.close.html(named: "收起")
        }
      }
      div(.class("panel-body")) { content }
      if !actions.isEmpty { footer(.class("panel-foot")) { ActionBar(actions) } }
    }
  }
}
