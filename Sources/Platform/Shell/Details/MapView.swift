import Core
package import HTML

/// A map of our own vector tiles (`js/map.js`).
package struct MapView: HTMLConvertible {
  package struct Layer: Sendable, Hashable {
    /// The layer of `/tiles/{layer}/{z}/{x}/{y}.mvt`.
    package let name: String
    package let label: String
    package let isOn: Bool
    /// Where the card of a clicked thing comes from, with `{id}`: a ``MapCard``, or the record's own panel such as
    /// `/r/building/{id}`. Without one only the label shows.
    package let cardPath: String?

    package init(_ name: String, _ label: String, isOn: Bool = true, cardPath: String? = nil) {
      self.name = name
      self.label = label
      self.isOn = isOn
      self.cardPath = cardPath
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
        .class("map-canvas"), .data("data-map-canvas"), .role("application"), .aria(.label, label))
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
    [
      "name": .string(layer.name), "label": .string(layer.label), "on": .bool(layer.isOn),
      "card": layer.cardPath.map { .string($0) } ?? .null,
    ]
  }

  private static func json(_ marker: Marker) -> JSON {
    [
      "at": [.double(marker.longitude), .double(marker.latitude)], "label": .string(marker.label),
      "href": marker.path.map { .string($0) } ?? .null,
    ]
  }
}
