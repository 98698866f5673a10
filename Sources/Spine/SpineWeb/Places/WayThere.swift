package import Geo
package import HTML
import HTTP
import Shell

/// How to get to a place (怎么去): on foot, by bus, by car, and where it lies.
package struct WayThere: HTMLConvertible {
  let name: String
  let place: Coordinate
  /// Its own page.
  let path: String

  package init(name: String, place: Coordinate, path: String) {
    self.name = name
    self.place = place
    self.path = path
  }

  /// The ways alone, for a page that has a map already.
  var ways: HTML {
    HTML {
      div(.class("actions")) {
        way("步行", "walk")
        way("公交", "bus")
        way("驾车", "car")
      }
      p(.class("field-help")) { "会打开地图软件或网页，从您现在的位置开始导航。" }
    }
  }

  package var html: HTML {
    Card("怎么去") {
      ways
      MapView(
        label: "\(name)的位置", longitude: place.longitude, latitude: place.latitude, zoom: 15,
        layers: [MapView.Layer("divisions", "行政区划"), .init("roads", "街路巷"), .init("buildings", "楼栋")],
        markers: [
          MapView.Marker(longitude: place.longitude, latitude: place.latitude, label: name, path: path)
        ], isSmall: true)
    }.html
  }

  /// The route in a map service that every phone opens; its coordinates are told to be unshifted.
  private func way(_ label: String, _ mode: String) -> HTML {
    let to = PercentEncoding.encode("\(place.longitude),\(place.latitude),\(name)")
    return a(
      .class("button button-normal"),
      .href("https://uri.amap.com/navigation?to=\(to)&mode=\(mode)&coordinate=wgs84&callnative=1"),
      .custom("rel", "noopener noreferrer")
    ) { span { label } }
  }
}
