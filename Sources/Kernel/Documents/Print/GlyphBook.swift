import CPango
import Core

/// The outline of one character in thousandths of its size, the baseline at 0, y downwards.
package struct GlyphOutline: Sendable {
  package enum Segment: Sendable, Hashable {
    case move(Double, Double)
    case line(Double, Double)
    case curve(Double, Double, Double, Double, Double, Double)
    case close
  }

  package let segments: [Segment]
  /// How far the next character stands.
  package let advance: Double
}

/// Outlines of characters (文字转曲), each taken from its font once and used again for every place.
///
/// What is printed from outlines needs no fonts at the press. Not `Sendable`: one task sets and writes with it.
package final class GlyphBook {
  private struct Key: Hashable {
    let character: Character
    let isBold: Bool
  }

  /// Chinese in 黑体, figures and letters in the same family.
  package static let families = "Noto Sans CJK SC, Source Han Sans SC, sans-serif"
  static let unit = 1000.0

  private var index: [Key: Int] = [:]
  private(set) var outlines: [GlyphOutline] = []
  /// Characters that no font has.
  package private(set) var missing: Set<Character> = []
  private let context = PangoTextContext()

  package init() {}

  /// The number of a character's outline.
  func glyph(_ character: Character, isBold: Bool) -> Int {
    let key = Key(character: character, isBold: isBold)
    if let known = index[key] { return known }
    outlines.append(trace(character, isBold))
    index[key] = outlines.count - 1
    return outlines.count - 1
  }

  private func trace(_ character: Character, _ isBold: Bool) -> GlyphOutline {
    let layout = pango_layout_new(context.pointer)
    defer { g_object_unref(UnsafeMutableRawPointer(layout)) }
    let font = pango_font_description_new()
    pango_font_description_set_family(font, GlyphBook.families)
    pango_font_description_set_absolute_size(font, GlyphBook.unit * TextLayout.scale)
    pango_font_description_set_weight(font, isBold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL)
    pango_layout_set_font_description(layout, font)
    pango_font_description_free(font)
    pango_layout_set_text(layout, String(character), -1)
    if pango_layout_get_unknown_glyphs_count(layout) > 0 { missing.insert(character) }
    var logical = PangoRectangle()
    pango_layout_get_extents(layout, nil, &logical)
    let surface = CairoSurface(cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, nil))
    let drawing = CairoContext(surface)
    cairo_move_to(drawing.pointer, 0, 0)
    if let line = pango_layout_get_line_readonly(layout, 0) { pango_cairo_layout_line_path(drawing.pointer, line) }
    return GlyphOutline(
      segments: GlyphBook.segments(drawing), advance: Double(logical.width) / TextLayout.scale)
  }

  private static func segments(_ drawing: CairoContext) -> [GlyphOutline.Segment] {
    guard let path = cairo_copy_path(drawing.pointer) else { return [] }
    defer { cairo_path_destroy(path) }
    guard let data = path.pointee.data else { return [] }
    var segments: [GlyphOutline.Segment] = []
    var place = 0
    while place < Int(path.pointee.num_data) {
      let header = data[place].header
      func point(_ offset: Int) -> (Double, Double) { (data[place + offset].point.x, data[place + offset].point.y) }
      switch header.type {
      case CAIRO_PATH_MOVE_TO:
        let (x, y) = point(1)
        segments.append(.move(x, y))
      case CAIRO_PATH_LINE_TO:
        let (x, y) = point(1)
        segments.append(.line(x, y))
      case CAIRO_PATH_CURVE_TO:
        let ((a, b), (c, d), (x, y)) = (point(1), point(2), point(3))
        segments.append(.curve(a, b, c, d, x, y))
      default: segments.append(.close)
      }
      place += max(1, Int(header.length))
    }
    // Cairo ends each closed figure with a move to where the next would begin.
    if case .move? = segments.last { segments.removeLast() }
    return segments
  }
}

/// How a line of lettering is set into its box.
package struct Lettering: Sendable, Hashable {
  package enum Alignment: String, Sendable, Hashable, CaseIterable { case left, centre, right }

  /// Of a Chinese character, in millimetres.
  package var size: Double
  package var isBold: Bool
  package var alignment: Alignment
  /// Between characters, in parts of the size.
  package var spacing: Double
  /// How narrow characters may become before they become smaller, 1 for not at all.
  package var condense: Double
  /// The smallest size, in millimetres; what would need less does not fit.
  package var smallest: Double
  package var color: PrintColor

  package init(
    size: Double, isBold: Bool = true, alignment: Alignment = .centre, spacing: Double = 0, condense: Double = 0.7,
    smallest: Double? = nil, color: PrintColor
  ) {
    self.size = size
    self.isBold = isBold
    self.alignment = alignment
    self.spacing = spacing
    self.condense = condense
    self.smallest = smallest ?? size
    self.color = color
  }
}

extension GlyphBook {
  /// Sets one line into `box`, in the middle of its height: narrower first, then smaller.
  ///
  /// - Throws: ``Refusal`` `lettering-too-long` when it fits neither way, `lettering-unknown` for a character that no font
  ///   has.
  func set(_ text: String, in box: PDFBox, _ style: Lettering) throws(Refusal) -> [PrintArtwork.Mark] {
    let characters = Array(text)
    guard !characters.isEmpty else { return [] }
    let glyphs = characters.map { glyph($0, isBold: style.isBold) }
    if let unknown = characters.first(where: { missing.contains($0) }) {
      throw Refusal(
        .unprocessable, "lettering-unknown", "字库里没有“\(unknown)”，“\(text)”不能制牌。请安装含这个字的字体，或改用标准地名用字。")
    }
    let advances = glyphs.map { outlines[$0].advance / GlyphBook.unit }
    // Figures and letters stand on their own width; the space behind the last one is left out.
    let natural = advances.reduce(0, +) + style.spacing * Double(characters.count - 1)
    var size = style.size
    var squeeze = min(1, box.width / (natural * size))
    if squeeze < style.condense {
      size = box.width / (natural * style.condense)
      squeeze = style.condense
    }
    guard size >= style.smallest - 0.001 else {
      throw Refusal(
        .unprocessable, "lettering-too-long", "“\(text)”太长，牌面放不下，没有生成。请选大一号的门牌，或为这种门牌调整版式。")
    }
    let width = natural * size * squeeze
    var x: Double
    switch style.alignment {
    case .left: x = box.x
    case .centre: x = box.x + (box.width - width) / 2
    case .right: x = box.x + box.width - width
    }
    // Chinese characters and capitals both reach about as far above this line as below it.
    let baseline = box.y + box.height / 2 + size * 0.37
    var marks: [PrintArtwork.Mark] = []
    for (glyph, advance) in zip(glyphs, advances) {
      if !outlines[glyph].segments.isEmpty {
        marks.append(
          .glyph(
            glyph, x: x, y: baseline, scaleX: size * squeeze / GlyphBook.unit, scaleY: size / GlyphBook.unit,
            style.color))
      }
      x += (advance + style.spacing) * size * squeeze
    }
    return marks
  }
}
