package import HTML

/// A labelled value of a record.
package struct DetailItem {
  package let label: String
  package let value: HTML
  /// Tabular figures: codes, numbers, dates.
  package var isCode: Bool
  /// Takes the whole row.
  package var isWide: Bool
  /// How a masked value can be seen in full.
  package var reveal: Reveal?

  /// A way to see a masked value (脱敏): a page that asks for the purpose first, opened as a dialog by scripts; every
  /// look is audited.
  package struct Reveal: Sendable, Hashable {
    package let path: String

    package init(path: String) { self.path = path }
  }

  package init(
    _ label: String, _ value: HTML, isCode: Bool = false, isWide: Bool = false, reveal: Reveal? = nil
  ) {
    self.label = label
    self.value = value
    self.isCode = isCode
    self.isWide = isWide
    self.reveal = reveal
  }

  /// A plain value; an empty one shows as 未填写.
  package init(
    _ label: String, text: String?, isCode: Bool = false, isWide: Bool = false, reveal: Reveal? = nil
  ) {
    let value = text ?? ""
    self.init(
      label, value.isEmpty ? span(.class("blank")) { "未填写" } : .text(value), isCode: isCode, isWide: isWide,
      reveal: reveal)
  }
}

/// Labelled values in a definition list, two or three abreast where there is room.
package struct DetailList: HTMLConvertible {
  let items: [DetailItem]
  let isCompact: Bool

  /// - Parameter isCompact: one column with labels beside, for the panel.
  package init(_ items: [DetailItem], isCompact: Bool = false) {
    self.items = items
    self.isCompact = isCompact
  }

  package var html: HTML {
    dl(.class("details"), .class(isCompact ? "is-compact" : nil)) {
      for item in items { row(item) }
    }
  }

  private func row(_ item: DetailItem) -> HTML {
    div(.class("detail"), .class(item.isWide ? "is-wide" : nil)) {
      dt { item.label }
      dd(.class(item.isCode ? "number" : nil)) {
        item.value
        if let reveal = item.reveal {
          a(.class("reveal"), .href(reveal.path), .data("data-dialog")) {
            Icon.eye
            "查看完整信息"
            hiddenText("：\(item.label)")
          }
        }
      }
    }
  }
}

/// A titled part of a page.
package struct Card: HTMLConvertible {
  let title: String?
  let id: String?
  let count: PageTotal?
  let actions: [Action]
  let isFlush: Bool
  let content: HTML

  /// - Parameters:
  ///   - count: how many things the part lists, beside the title.
  ///   - isFlush: the content reaches the edges, as a table should.
  package init(
    _ title: String? = nil, id: String? = nil, count: PageTotal? = nil, actions: [Action] = [], isFlush: Bool = false,
    @HTMLBuilder content: () -> HTML
  ) {
    self.title = title
    self.id = id
    self.count = count
    self.actions = actions
    self.isFlush = isFlush
    self.content = content()
  }

  package var html: HTML {
    section(.class("card"), .class(isFlush ? "is-flush" : nil), .id(id)) {
      if let title {
        header(.class("card-head")) {
          h2 {
            title
            if let count { span(.class("card-count")) { count.text } }
          }
          ActionBar(actions)
        }
      }
      div(.class("card-body")) { content }
    }
  }
}

/// Two columns: what the page is about, and what stands beside it (map, next steps, people).
package struct Columns: HTMLConvertible {
  let main: HTML
  let side: HTML

  package init(@HTMLBuilder main: () -> HTML, @HTMLBuilder side: () -> HTML) {
    self.main = main()
    self.side = side()
  }

  package var html: HTML {
    div(.class("columns")) {
      div(.class("column-main")) { main }
      div(.class("column-side")) { side }
    }
  }
}
