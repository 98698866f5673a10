import Core
package import HTML

/// A map of our own vector tiles (`js/map.js`).
package struct MapView: HTMLConvertible {
  package struct Layer: Sendable, Hashable {
    /// The layer of `/tiles/{layer}/{z}/{x}/{y}.mvt`.
    package let name: String
    package let label: String
    package let isOn: Bool

    package init(_ name: String, _ label: String, isOn: Bool = true) {
      self.name = name
      self.label = label
      self.isOn = isOn
    }
  }

  package struct Marker: Sendable, Hashable {
    package let longitude: Double
    package let latitude: Double
    package let label: String
    package let path: String?

    package init(longitude: Double, latitude: Double, label: String, path: String? = nil) {
      self.longitude = longitude
      self.latitude = latitude
      self.label = label
      self.path = path
    }
  }

  let label: String
  let longitude: Double
  let latitude: Double
  let zoom: Double
  let tiles: String
  let layers: [Layer]
  let markers: [Marker]
  let isSmall: Bool

  /// - Parameters:
  ///   - label: what the map shows, for those who cannot see it.
  ///   - tiles: the template of a tile's address, with `{layer}`, `{z}`, `{x}` and `{y}`.
  ///   - markers: places to point out; each has a card with its link.
  ///   - isSmall: beside text, without the layer switch.
  package init(
    label: String, longitude: Double, latitude: Double, zoom: Double, tiles: String = "/tiles/{layer}/{z}/{x}/{y}.mvt",
    layers: [Layer], markers: [Marker] = [], isSmall: Bool = false
  ) {
    self.label = label
    self.longitude = longitude
    self.latitude = latitude
    self.zoom = zoom
    self.tiles = tiles
    self.layers = layers
    self.markers = markers
    self.isSmall = isSmall
  }

  package var html: HTML {
    div(.class("map"), .class(isSmall ? "is-small" : nil), .data("data-map", configuration.text)) {
      div(
        .class("map-canvas"), .data("data-map-canvas"), .assetData("data-library", "assets/maplibre-gl.js"),
        .assetData("data-style", "assets/maplibre-gl.css"), .role("application"), .aria(.label, label))
      noscript { p(.class("map-off")) { "浏览器没有启用脚本，地图不能显示；列表里有同样的内容。" } }
    }
  }

  private var configuration: JSON {
    [
      "center": [.double(longitude), .double(latitude)], "zoom": .double(zoom), "tiles": .string(tiles),
      "small": .bool(isSmall), "layers": .array(layers.map(MapView.json)),
      "markers": .array(markers.map(MapView.json)),
    ]
  }

  private static func json(_ layer: Layer) -> JSON {
    ["name": .string(layer.name), "label": .string(layer.label), "on": .bool(layer.isOn)]
  }

  private static func json(_ marker: Marker) -> JSON {
    [
      "at": [.double(marker.longitude), .double(marker.latitude)], "label": .string(marker.label),
      "href": marker.path.map { .string($0) } ?? .null,
    ]
  }
}

/// A map from edge to edge with a list beside it that stays in step; a click on either opens the same card.
package struct MapPageView: HTMLConvertible {
  let map: MapView
  let searchPath: String
  let searchValue: String
  let list: HTML

  /// - Parameters:
  ///   - searchPath: `GET ?q=` of this page, to locate an address, a plate or a coordinate.
  ///   - list: what is found or in view; items carry `data-at="lon,lat"`, see ``MapListItem``.
  package init(map: MapView, searchPath: String, searchValue: String = "", @HTMLBuilder list: () -> HTML) {
    self.map = map
    self.searchPath = searchPath
    self.searchValue = searchValue
    self.list = list()
  }

  package var html: HTML {
    div(.class("map-page")) {
      section(.class("map-side"), .aria(.label, "地图列表")) {
        form(.class("map-search"), .role("search"), .action(searchPath), .data("data-map-search")) {
          Icon.search
          input(
            .type("search"), .name("q"), .value(searchValue), .aria(.label, "查找地址、门牌编码或坐标"),
            .placeholder("地址、门牌编码或坐标"), .autocomplete("off"))
          button(.class("button button-primary"), .type("submit")) { "定位" }
        }
        div(.class("map-list"), .id("map-list"), .data("data-map-list"), .aria(.live, "polite")) { list }
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
  let badge: Badge?

  package init(
    _ title: String, detail: String, note: String? = nil, longitude: Double?, latitude: Double?, path: String,
    badge: Badge? = nil
  ) {
    self.title = title
    self.detail = detail
    self.note = note
    self.longitude = longitude
    self.latitude = latitude
    self.path = path
    self.badge = badge
  }

  package var html: HTML {
    let at = longitude.flatMap { longitude in latitude.map { "\(longitude),\($0)" } }
    return a(.class("map-item"), .href(path), .data("data-at", at)) {
      span(.class("map-item-title")) {
        title
        badge
      }
      span(.class("map-item-detail")) { detail }
      if let note { span(.class("map-item-note number")) { note } }
    }
  }
}
