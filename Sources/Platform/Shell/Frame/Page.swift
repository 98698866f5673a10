import Core
package import HTML

/// A whole page in the frame of a signed-in person.
package struct Page {
  package enum Layout: String, Sendable {
    /// Text, details, forms: as wide as reads well.
    case standard
    /// Dashboards and tables that scroll with the page.
    case wide
    /// A list that fills the window: filters above, pager below, rows scrolling between, a panel beside.
    case list
    /// A map from edge to edge.
    case map
  }

  let title: String
  let visit: FrameModel
  let layout: Layout
  let crumbs: [Crumb]
  let status: Badge?
  let subtitle: String?
  let actions: ActionBar
  let tabs: Tabs?
  let scripts: [PageScript]
  let content: HTML

  /// - Parameters:
  ///   - status: the state of the thing the page is about, beside its title.
  ///   - actions: the two or three things that matter now; the rest goes to `moreActions`.
  ///   - scripts: modules this page needs beyond `app.js`.
  package init(
    title: String, visit: FrameModel, layout: Layout = .standard, crumbs: [Crumb] = [], status: Badge? = nil,
    subtitle: String? = nil, actions: [Action] = [], moreActions: [Action] = [], tabs: Tabs? = nil,
    scripts: [PageScript] = [], @HTMLBuilder content: () -> HTML
  ) {
    self.title = title
    self.visit = visit
    self.layout = layout
    self.crumbs = crumbs
    self.status = status
    self.subtitle = subtitle
    self.actions = ActionBar(actions, more: moreActions)
    self.tabs = tabs
    self.scripts = scripts
    self.content = content()
  }

  /// The document in UTF-8.
  package func render() -> [UInt8] { html.render(visit.environment) }

  package var html: HTML {
    document(.lang("zh-CN"), .class(visit.textSize.classes)) {
      DocumentHead(title: title, visit: visit, scripts: scripts).html
      body(
        .class("framed layout-\(layout.rawValue)"), .class(visit.menuFolded ? "menu-folded" : nil),
        .hxHeaders(["X-CSRF-Token": .string(visit.environment.formToken)]),
        .data("data-search", visit.links.search)
      ) {
        skipLink
        TopBar(visit: visit).html
        SideMenu(items: visit.menu, path: visit.path, crumbs: crumbs.compactMap(\.path)).html
        main(.id("content"), .tabindex(-1)) {
          heading
          content
        }
        LiveParts(flashes: visit.flashes).html
        visit.watermark
      }
    }
  }

  private var skipLink: HTML { a(.class("skip-link"), .href("#content")) { "跳到正文" } }

  private var heading: HTML {
    header(.class("page-head")) {
      Breadcrumbs(crumbs)
      div(.class("page-title")) {
        div(.class("page-name")) {
          h1 { title }
          status
          if let subtitle { p(.class("subtitle")) { subtitle } }
        }
        actions
      }
      tabs
    }
  }
}

/// A module that some pages need beyond `app.js`.
package enum PageScript: String, Sendable {
  case map, chart, scan, progress, plate, inspection, signature, talk, bridge, marquee

  var path: String { "js/\(rawValue).js" }
}

/// The part of a page that htmx asked for: content alone, the title for the window, messages for the live region.
package struct Fragment {
  let title: String?
  let visit: FrameModel
  let content: HTML

  package init(title: String? = nil, visit: FrameModel, @HTMLBuilder content: () -> HTML) {
    self.title = title
    self.visit = visit
    self.content = content()
  }

  package func render() -> [UInt8] { html.render(visit.environment) }

  package var html: HTML {
    HTML {
      if let title { documentTitle("\(title) · \(visit.product)") }
      content
      if !visit.flashes.isEmpty {
        div(.id("toasts"), .hxSwapOob("beforeend")) { visit.flashes }
      }
    }
  }
}
