import Core
import HTML
import Shell

/// One file in the viewer.
struct ViewerFile: Sendable {
  let key: String
  /// The material it belongs to.
  let label: String
  let name: String
  let canDraw: Bool
}

/// The viewer of a case's papers (材料影像): thumbnails, the page, and ways to turn, enlarge and go on that are plain links.
///
/// Scripts only follow the same links by keys: ← → pages, + − size, R turns.
struct ViewerPage {
  let path: String
  let files: [ViewerFile]
  let current: Int
  /// From 1.
  let page: Int
  let pages: Int
  /// 1 fits the window, 2 and 3 scroll.
  let zoom: Int
  /// Clockwise quarter turns.
  let turn: Int
  let note: String?
  /// Where the file itself is handed over; `nil` for readers.
  let download: String?
  /// Why the page cannot be shown.
  let problem: String?

  private var file: ViewerFile { files[current] }

  private func link(_ file: Int, page: String = "1", zoom: Int = 1, turn: Int = 0) -> String {
    var items = ["file=\(files[file].key)"]
    if page != "1" { items.append("page=\(page)") }
    if zoom != 1 { items.append("zoom=\(zoom)") }
    if turn != 0 { items.append("turn=\(turn)") }
    return "\(path)?\(items.joined(separator: "&"))"
  }

  private var previous: String? {
    if page > 1 { return link(current, page: String(page - 1), zoom: zoom) }
    return current > 0 ? link(current - 1, page: "last", zoom: zoom) : nil
  }

  private var next: String? {
    if page < pages { return link(current, page: String(page + 1), zoom: zoom) }
    return current + 1 < files.count ? link(current + 1, zoom: zoom) : nil
  }

  private func picture(_ file: ViewerFile, _ page: Int, size: String, turn: Int = 0) -> String {
    // pages, not files: what is shown here is drawn for whoever looks
    "\(path.dropLast("/view".count))/pages/\(file.key)/\(page)?size=\(size)\(turn == 0 ? "" : "&turn=\(turn)")"
  }

  var html: HTML {
    HTML {
      if let note { Notice(.info, note) }
      div(.class("viewer"), .data("data-viewer")) {
        thumbnails
        section(.class("viewer-main"), .aria(.label, "影像")) {
          tools
          stage
        }
      }
    }
  }

  private var thumbnails: HTML {
    nav(.class("viewer-thumbs"), .aria(.label, "材料")) {
      ol {
        for index in files.indices { li { thumbnail(index) } }
      }
    }
  }

  private func thumbnail(_ index: Int) -> HTML {
    let one = files[index]
    return a(
      .class("viewer-thumb"), .href(link(index)), .when(index == current, .aria(.current, "true"))
    ) {
      span(.class("viewer-thumb-picture")) {
        if one.canDraw {
          img(.src(picture(one, 1, size: "thumb")), .alt(""), .loading("lazy"))
        } else {
          Icon.document
        }
      }
      span(.class("viewer-thumb-label")) { "\(index + 1). \(one.label)" }
    }
  }

  private func tool(_ label: String, _ path: String?, _ icon: Icon, key: String) -> HTML {
    guard let path else {
      return span(.class("button button-quiet button-icon is-off"), .aria(.hidden, true)) { icon }
    }
    return a(
      .class("button button-quiet button-icon"), .href(path), .data("data-viewer-key", key), .title("\(label)（\(key)）")
    ) {
      icon
      hiddenText(label)
    }
  }

  private var tools: HTML {
    div(.class("viewer-tools")) {
      tool("上一页", previous, .left, key: "ArrowLeft")
      tool("下一页", next, .right, key: "ArrowRight")
      p(.class("viewer-place")) {
        strong { file.label }
        " 第 \(page) 页，共 \(pages) 页"
      }
      tool("缩小", zoom > 1 ? link(current, page: String(page), zoom: zoom - 1, turn: turn) : nil, .minus, key: "-")
      tool("放大", zoom < 3 ? link(current, page: String(page), zoom: zoom + 1, turn: turn) : nil, .plus, key: "+")
      tool("向右转", link(current, page: String(page), zoom: zoom, turn: (turn + 1) % 4), .refresh, key: "r")
      if let download { Action("下载原件", .download(download), style: .quiet, icon: .download) }
    }
  }

  private var stage: HTML {
    div(.class("viewer-stage is-zoom-\(zoom)"), .tabindex(0), .aria(.label, "页面，可滚动")) {
      if let problem {
        StateView.empty("这一份不能在线查看", problem)
      } else {
        img(
          .src(picture(file, page, size: zoom == 1 ? "page" : zoom == 2 ? "large" : "full", turn: turn)),
          .alt("\(file.label)，第 \(page) 页，共 \(pages) 页"), .data("data-viewer-page"))
      }
    }
  }
}
