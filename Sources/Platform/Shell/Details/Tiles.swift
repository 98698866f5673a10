package import HTML

/// A number that matters, opening down to what is behind it.
package struct Tile: HTMLConvertible, Sendable {
  package let label: String
  package let value: String
  package var unit: String?
  /// A second line: `较昨日 +12`, `其中超时 3`.
  package var note: String?
  package var noteTone: Tone
  package var path: String?
  package var icon: Icon?

  package init(
    _ label: String, value: String, unit: String? = nil, note: String? = nil, noteTone: Tone = .neutral,
    path: String? = nil, icon: Icon? = nil
  ) {
    self.label = label
    self.value = value
    self.unit = unit
    self.note = note
    self.noteTone = noteTone
    self.path = path
    self.icon = icon
  }

  package var html: HTML {
    let face = HTML {
      span(.class("tile-label")) {
        icon?.html()
        label
      }
      span(.class("tile-value")) {
        strong(.class("number")) { value }
        if let unit { small { unit } }
      }
      if let note { span(.class("tile-note tone-\(noteTone.rawValue)")) { note } }
    }
    if let path { return a(.class("tile"), .href(path)) { face } }
    return div(.class("tile")) { face }
  }
}

/// Tiles in a row; at most six.
package struct TileRow: HTMLConvertible, Sendable {
  let tiles: [Tile]

  package init(_ tiles: [Tile]) { self.tiles = tiles }

  /// Rows of a wide screen hold seven at most and as many as each other: eight stand as four and four.
  package var html: HTML {
    let rows = max(1, (tiles.count + 6) / 7)
    let columns = (tiles.count + rows - 1) / rows
    return div(.class("tiles"), .class(rows > 1 ? "tiles-of-\(columns)" : nil)) { tiles }
  }
}
