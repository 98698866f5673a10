package import HTML

/// A map from edge to edge with a list beside it that stays in step; a click on either opens the same card.
package struct MapPageView: HTMLConvertible {
  let map: MapView
  let searchPath: String
  let searchValue: String
  let listPath: String?
  let list: HTML

  /// - Parameters:
  ///   - searchPath: `GET ?q=` of this page, to locate an address, a plate or a coordinate.
  ///   - listPath: `GET ?bbox=west,south,east,north&zoom=` answers with the list of what is in view; `nil` keeps it.
  ///   - list: what is found or in view: ``MapListItem``s, after a ``MapListHead``.
  package init(
    map: MapView, searchPath: String, searchValue: String = "", listPath: String? = nil,
    @HTMLBuilder list: () -> HTML
  ) {
    self.map = map
    self.searchPath = searchPath
    self.searchValue = searchValue
    self.listPath = listPath
    self.list = list()
  }

  package var html: HTML {
    div(.class("map-page")) {
      section(.class("map-side"), .aria(.label, "地图列表")) {
        form(.class("map-search"), .role("search"), .action(searchPath), .data("data-map-search")) {
          Icon.search
          input(
            .type("search"), .name("q"), .value(searchValue), .aria(.label, "查找地址、地名、设施、门牌编码或坐标"),
            .placeholder("地址、地名、学校医院、编码或坐标"), .autocomplete("off"))
          button(.class("button button-primary"), .type("submit")) { "定位" }
        }
        div(.class("map-list"), .id("map-list"), .data("data-map-list", listPath ?? "")) { list }
      }
      map
    }
  }
}

/// An item of the list beside a map.
package struct MapListItem: HTMLConvertible {
  let title: String
  let detail: String
  let note: String?
  let longitude: Double?
  let latitude: Double?
  let path: String
  let cardPath: String?
  let badge: Badge?

  /// - Parameters:
  ///   - path: the record's own page.
  ///   - cardPath: where its card on the map comes from; answers with ``MapCard``.
  package init(
    _ title: String, detail: String, note: String? = nil, longitude: Double?, latitude: Double?, path: String,
    cardPath: String? = nil, badge: Badge? = nil
  ) {
    self.title = title
    self.detail = detail
    self.note = note
    self.longitude = longitude
    self.latitude = latitude
    self.path = path
    self.cardPath = cardPath
    self.badge = badge
  }

  package var html: HTML {
    let at = longitude.flatMap { longitude in latitude.map { "\(longitude),\($0)" } }
    return a(.class("map-item"), .href(path), .data("data-at", at), .data("data-card", cardPath)) {
      span(.class("map-item-title")) {
        title
        badge
      }
      span(.class("map-item-detail")) { detail }
      if let note { span(.class("map-item-note number")) { note } }
    }
  }
}

/// What the list beside a map holds now: `视野内 128 处，先列出 50 处`.
package struct MapListHead: HTMLConvertible, Sendable {
  let text: String

  package init(_ text: String) { self.text = text }

  package var html: HTML { p(.class("map-list-head")) { text } }
}

/// What opens on the map when something on it is clicked: the same as the panel of a list, in few lines.
package struct MapCard: HTMLConvertible {
  let title: String
  let badge: Badge?
  let items: [DetailItem]
  let path: String

  /// - Parameter path: the record's own page.
  package init(_ title: String, badge: Badge? = nil, items: [DetailItem], path: String) {
    self.title = title
    self.badge = badge
    self.items = items
    self.path = path
  }

  package var html: HTML {
    HTML {
      h3 { title }
      badge
      DetailList(items, isCompact: true)
      Action("查看详情", .link(path))
    }
  }
}
