package import HTML

/// The head every document has: character set, title, style, scripts.
struct DocumentHead {
  let title: String
  let visit: FrameModel
  var scripts: [PageScript] = []
  var isPublic = false

  var html: HTML {
    head {
      meta(.charset("utf-8"))
      meta(.name("viewport"), .content("width=device-width, initial-scale=1, viewport-fit=cover"))
      documentTitle("\(title) · \(visit.product)\(visit.city)")
      meta(.name("csrf-token"), .content(visit.environment.formToken))
      if let start = visit.mapStart { meta(.name("map-start"), .content(start)) }
      meta(.name("theme-color"), .content("#1d4f91"))
      meta(.name("format-detection"), .content("telephone=no"))
      meta(.name("htmx-config"), .content(htmxConfiguration))
      styleSheets
      earlyScript("js/early.js")
      link(.rel("icon"), .type("image/svg+xml"), .assetHref("logo.svg"))
      link(.rel("apple-touch-icon"), .href("/icons/icon-192.png"))
      link(.rel("manifest"), .href("/manifest.webmanifest"))
      deferredScript("assets/htmx.min.js")
      moduleScript("js/app.js")
      for script in scripts { moduleScript(script.path) }
    }
  }

  private var styleSheets: HTML {
    HTML {
      for path in sheets { link(.rel("stylesheet"), .assetHref(path)) }
      link(.rel("stylesheet"), .media("print"), .assetHref("css/print.css"))
    }
  }

  /// A resident's page does without the frame, the lists and the grid.
  private var sheets: [String] {
    let shared = [
      "assets/bootstrap-reboot.min.css", "css/lifang.css", "css/forms.css", "css/details.css", "css/cases.css",
      "css/viewer.css",
    ]
    return shared
      + (isPublic
        ? ["css/public.css"] : ["assets/bootstrap-grid.min.css", "css/frame.css", "css/lists.css", "css/designs.css"])
  }

  /// htmx without inline style and without `eval`, as the content security policy asks, and without copies of pages in
  /// the browser's storage.
  private var htmxConfiguration: String {
    #"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"scrollBehavior":"auto","#
      + #""attributesToSettle":["class"],"historyCacheSize":0,"refreshOnHistoryMiss":true,"#
      + #""responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},"#
      + #"{"code":"422","swap":true},{"code":"...","swap":false,"error":true}]}"#
  }
}

/// What scripts fill: toasts, the dialog, the command palette.
struct LiveParts {
  let flashes: [Flash]

  var html: HTML {
    HTML {
      div(.id("toasts"), .class("toasts"), .role("status"), .aria(.live, "polite"), .aria(.label, "操作结果")) {
        flashes
      }
      div(.id("announcer"), .class("visually-hidden"), .aria(.live, "polite"))
      dialog(.id("dialog"), .class("dialog"), .aria(.label, "操作确认")) {
        div(.id("dialog-body"))
      }
    }
  }
}

/// The way from the start to this page.
package struct Breadcrumbs: HTMLConvertible, Sendable {
  let crumbs: [Crumb]

  package init(_ crumbs: [Crumb]) { self.crumbs = crumbs }

  package var html: HTML {
    if crumbs.isEmpty { return .empty }
    return nav(.class("crumbs"), .aria(.label, "当前位置")) {
      ol {
        for crumb in crumbs {
          li {
            if let path = crumb.path {
              a(.href(path)) { crumb.label }
            } else {
              span { crumb.label }
            }
          }
        }
      }
    }
  }
}
