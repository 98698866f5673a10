package import HTML

/// A column of a table.
package struct Column: Sendable {
  /// What decides alignment, digits and width.
  package enum Kind: String, Sendable {
    case text
    /// Long text that may take two lines.
    case wide
    /// Right-aligned, tabular figures.
    case number
    /// Dates and times, tabular figures, never wrapped.
    case date
    /// Codes and identifiers, tabular figures, never wrapped.
    case code
    /// A ``Badge``.
    case state
    /// Buttons at the end of the row.
    case actions
  }

  package enum Direction: String, Sendable { case ascending, descending }

  package let label: String
  package let kind: Kind
  /// Where the heading leads to sort by this column; `nil` when it cannot be sorted.
  package var sortPath: String?
  /// How rows are sorted by this column now.
  package var sorted: Direction?
  /// What the column means, shown on the heading.
  package var help: String?
  /// Whether it shows where room is short: on a phone, in the card of its row, and beside an open panel. Unless said,
  /// the first five columns, states and buttons do.
  package var isOnPhone: Bool?

  package init(
    _ label: String, _ kind: Kind = .text, sortPath: String? = nil, sorted: Direction? = nil, help: String? = nil,
    isOnPhone: Bool? = nil
  ) {
    self.label = label
    self.kind = kind
    self.sortPath = sortPath
    self.sorted = sorted
    self.help = help
    self.isOnPhone = isOnPhone
  }
}

/// A row of a table; the first cell is its name and link.
package struct TableRow {
  /// The record's id, unique on the page and sent by batch actions.
  package let id: String
  /// How the record is called, for the checkbox and the announcements.
  package let name: String
  /// The record's own page; `nil` for rows that open nothing.
  package let path: String?
  /// The address of the list with this record open in the panel, so that a reload shows the same.
  package var listPath: String?
  /// One cell for each column.
  package let cells: [HTML]
  /// Whether the panel shows this record.
  package var isOpen: Bool
  package var isSelected: Bool
  /// How deep in a tree the row stands, from 0; `nil` in a list without levels.
  package var level: Int?

  package init(
    id: String, name: String, path: String?, listPath: String? = nil, cells: [HTML], isOpen: Bool = false,
    isSelected: Bool = false, level: Int? = nil
  ) {
    self.level = level
    self.id = id
    self.name = name
    self.path = path
    self.listPath = listPath
    self.cells = cells
    self.isOpen = isOpen
    self.isSelected = isSelected
  }
}

/// Records in rows: sortable headings, selection with a batch bar, rows that open in the panel beside.
///
/// Arrow keys move between rows, Enter opens, Space selects (`js/table.js`); without scripts every row is a link and
/// every batch action a submit button.
package struct DataTable: HTMLConvertible {
  let caption: String
  let columns: [Column]
  let rows: [TableRow]
  let opensPanel: Bool
  let batch: Batch?
  let empty: StateView
  let totals: [HTML]

  /// What can be done with several rows at once.
  package struct Batch: Sendable {
    /// Where the form of selected rows goes: `POST id=…&id=…&action=…`, and `all=1` with the list's own filters when
    /// everything that is filtered is meant. The page at this path asks before it does anything.
    package let path: String
    package let actions: [Action]
    /// All rows that the filters leave, on every page; offered after the whole page has been selected.
    package let total: PageTotal
    /// The filters in force, sent along so that `all=1` means the same rows.
    package let filters: [HiddenField]

    package init(path: String, actions: [Action], total: PageTotal, filters: [HiddenField] = []) {
      self.path = path
      self.actions = actions
      self.total = total
      self.filters = filters
    }
  }

  /// - Parameters:
  ///   - caption: what the table lists, for assistive technology.
  ///   - totals: a last row of sums, one cell for each column.
  package init(
    caption: String, columns: [Column], rows: [TableRow], opensPanel: Bool = true, batch: Batch? = nil,
    totals: [HTML] = [], empty: StateView
  ) {
    self.caption = caption
    self.columns = columns
    self.rows = rows
    self.opensPanel = opensPanel
    self.batch = batch
    self.totals = totals
    self.empty = empty
  }

  package var html: HTML {
    if rows.isEmpty { return div(.class("table-frame is-empty")) { empty } }
    return HTML {
      div(.class("table-frame"), .tabindex(0), .role("region"), .aria(.label, caption)) {
        table(.class("table"), .data("data-table"), .class(batch == nil ? nil : "is-selectable")) {
          HTML.caption(caption)
          thead { tr { headings } }
          tbody { for row in rows { self.row(row) } }
          if !totals.isEmpty { tfoot { tr { totalCells } } }
        }
      }
      if let batch { BatchBar(batch: batch) }
    }
  }

  private var headings: HTML {
    HTML {
      if batch != nil {
        th(.class("select"), .scope("col")) {
          input(.type("checkbox"), .data("data-select-all"), .aria(.label, "选择本页全部"))
        }
      }
      for (index, column) in columns.enumerated() { heading(column, index) }
    }
  }

  private func heading(_ column: Column, _ index: Int) -> HTML {
    th(
      .scope("col"), look(of: column, index), .aria(.sort, column.sorted?.rawValue),
      .title(column.help)
    ) {
      if let path = column.sortPath {
        a(.class("sort"), .href(path), .data("data-list-link")) {
          column.label
          sortMark(column.sorted)
        }
      } else {
        column.label
      }
    }
  }

  private func look(of column: Column, _ index: Int) -> Attribute {
    let isOnPhone = column.isOnPhone ?? (index < 5 || column.kind == .state || column.kind == .actions)
    return .class(isOnPhone ? "col-\(column.kind.rawValue)" : "col-\(column.kind.rawValue) not-on-phone")
  }

  private func sortMark(_ direction: Column.Direction?) -> HTML {
    switch direction {
    case .ascending: Icon.up.html(class: "sort-mark")
    case .descending: Icon.down.html(class: "sort-mark")
    case nil: Icon.sort.html(class: "sort-mark idle")
    }
  }

  private func row(_ row: TableRow) -> HTML {
    tr(
      .id("row-\(row.id)"), .class(row.isOpen ? "is-open" : nil), .class(row.isSelected ? "is-selected" : nil),
      .when(row.path != nil, .data("data-row")), .data("data-level", row.level.map(String.init))
    ) {
      if batch != nil {
        td(.class("select")) {
          input(
            .type("checkbox"), .name("id"), .value(row.id), .form("batch"), .data("data-select"),
            .aria(.label, "选择 \(row.name)"), .checked(row.isSelected))
        }
      }
      for (index, cell) in row.cells.enumerated() where index < columns.count {
        self.cell(cell, index, of: row)
      }
    }
  }

  private func cell(_ cell: HTML, _ index: Int, of row: TableRow) -> HTML {
    let column = columns[index]
    let look = look(of: column, index)
    guard index == 0 else { return td(look, .data("data-label", column.label)) { cell } }
    return th(look, .scope("row"), .class(row.level.map { "tree tree-\(min($0, 6))" })) {
      if let path = row.path { link(to: path, row, cell) } else { cell }
    }
  }

  private func link(to path: String, _ row: TableRow, _ cell: HTML) -> HTML {
    a(
      .class("row-link"), .href(path), .data("data-row-link"), .when(row.isOpen, .aria(.current, "true")),
      .when(
        opensPanel,
        .all([
          .hxGet(path), .hxTarget("#panel"), .hxSwap("innerHTML"), .hxPushUrl(row.listPath),
        ]))
    ) { cell }
  }

  private var totalCells: HTML {
    HTML {
      if batch != nil { td(.class("select")) }
      for (index, cell) in totals.enumerated() where index < columns.count {
        td(look(of: columns[index], index), .data("data-label", columns[index].label)) { cell }
      }
    }
  }
}

extension HTML {
  /// A caption only assistive technology hears: the page's title says the same to the eye.
  fileprivate static func caption(_ text: String) -> HTML {
    element("caption", .class("visually-hidden")) { text }
  }
}

/// What is selected and what can be done with it; scripts hide it while nothing is selected.
struct BatchBar: HTMLConvertible {
  let batch: DataTable.Batch

  var html: HTML {
    form(.id("batch"), .class("batch-bar"), .method(.post), .action(batch.path), .data("data-batch")) {
      formTokenField()
      batch.filters
      HiddenField("return", "list")
      p(.class("batch-count"), .data("data-batch-count")) { "先在左侧勾选，再批量操作" }
      everything
      div(.class("actions")) { batch.actions }
    }
  }

  private var everything: HTML {
    element("label", .class("batch-everything"), .data("data-batch-everything")) {
      input(.type("checkbox"), .name("all"), .value("1"))
      "改为筛选出的全部 \(batch.total.text) 条"
    }
  }
}
