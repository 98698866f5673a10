import CPango
import Core

/// A text broken into lines by Pango, measured and drawn in points.
final class TextLayout {
  private let layout: OpaquePointer?
  /// Top and bottom of each line from the top of the text.
  let lines: [(top: Double, bottom: Double)]

  /// - Parameter width: where lines break.
  init(_ text: String, _ style: PDFTextStyle, width: Double, context: PangoTextContext) {
    let layout = pango_layout_new(context.pointer)
    self.layout = layout
    let font = pango_font_description_new()
    pango_font_description_set_family(font, style.families)
    pango_font_description_set_absolute_size(font, style.size * TextLayout.scale)
    pango_font_description_set_weight(font, style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL)
    pango_layout_set_font_description(layout, font)
    pango_font_description_free(font)
    pango_layout_set_width(layout, Int32(clamping: Int(max(width, 1) * TextLayout.scale)))
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR)
    pango_layout_set_indent(layout, Int32(style.indent * style.size * TextLayout.scale))
    switch style.alignment {
    case .left: pango_layout_set_alignment(layout, PANGO_ALIGN_LEFT)
    case .centre: pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER)
    case .right: pango_layout_set_alignment(layout, PANGO_ALIGN_RIGHT)
    case .justified: pango_layout_set_justify(layout, 1)
    }
    if style.lineSpacing != 1 { pango_layout_set_line_spacing(layout, Float(style.lineSpacing)) }
    var text = text
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        pango_layout_set_text(layout, $0.baseAddress, Int32(clamping: $0.count))
      }
    }
    lines = TextLayout.measure(layout)
    context.note(fontsOf: layout)
  }

  deinit { g_object_unref(UnsafeMutableRawPointer(layout)) }

  static let scale = Double(PANGO_SCALE)

  var height: Double { lines.last?.bottom ?? 0 }

  private static func measure(_ layout: OpaquePointer?) -> [(top: Double, bottom: Double)] {
    guard let iterator = pango_layout_get_iter(layout) else { return [] }
    defer { pango_layout_iter_free(iterator) }
    var lines: [(top: Double, bottom: Double)] = []
    repeat {
      var top: Int32 = 0
      var bottom: Int32 = 0
      pango_layout_iter_get_line_yrange(iterator, &top, &bottom)
      lines.append((Double(top) / scale, Double(bottom) / scale))
    } while pango_layout_iter_next_line(iterator) != 0
    return lines
  }

  /// How many lines from `first` on fit into `height`.
  func count(from first: Int, fitting height: Double) -> Int {
    guard first < lines.count else { return 0 }
    let limit = lines[first].top + height + 0.01
    return lines[first...].prefix { $0.bottom <= limit }.count
  }

  /// The height of some of the lines.
  func height(_ range: Range<Int>) -> Double {
    range.isEmpty ? 0 : lines[range.upperBound - 1].bottom - lines[range.lowerBound].top
  }

  /// Draws some of the lines with the top of the first one at `y`.
  func draw(_ range: Range<Int>, on cairo: OpaquePointer?, x: Double, y: Double) {
    guard !range.isEmpty, let iterator = pango_layout_get_iter(layout) else { return }
    defer { pango_layout_iter_free(iterator) }
    let top = lines[range.lowerBound].top
    var index = 0
    repeat {
      if range.contains(index) {
        var logical = PangoRectangle()
        pango_layout_iter_get_line_extents(iterator, nil, &logical)
        let baseline = Double(pango_layout_iter_get_baseline(iterator)) / TextLayout.scale
        cairo_move_to(cairo, x + Double(logical.x) / TextLayout.scale, y + baseline - top)
        pango_cairo_show_layout_line(cairo, pango_layout_iter_get_line_readonly(iterator))
      }
      index += 1
    } while index < range.upperBound && pango_layout_iter_next_line(iterator) != 0
  }

  func draw(on cairo: OpaquePointer?, x: Double, y: Double) { draw(0..<lines.count, on: cairo, x: x, y: y) }
}

/// Pango's settings for documents: Simplified Chinese forms, no hinting, so that pages do not depend on the machine.
final class PangoTextContext {
  let pointer: OpaquePointer?
  private var fonts: Set<UnsafeMutablePointer<PangoFont>> = []

  init() {
    pointer = pango_font_map_create_context(pango_cairo_font_map_get_default())
    pango_context_set_language(pointer, pango_language_from_string("zh-cn"))
    pango_cairo_context_set_resolution(pointer, 72)
    pango_context_set_round_glyph_positions(pointer, 0)
    let options = cairo_font_options_create()
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    pango_cairo_context_set_font_options(pointer, options)
    cairo_font_options_destroy(options)
  }

  deinit {
    for font in fonts { g_object_unref(font) }
    g_object_unref(UnsafeMutableRawPointer(pointer))
  }

  /// Remembers the fonts a text is set in.
  func note(fontsOf layout: OpaquePointer?) {
    var line = pango_layout_get_lines_readonly(layout)
    while let current = line {
      var run = current.pointee.data?.assumingMemoryBound(to: PangoLayoutLine.self).pointee.runs
      while let item = run?.pointee.data?.assumingMemoryBound(to: PangoGlyphItem.self) {
        if let font = item.pointee.item.pointee.analysis.font, fonts.insert(font).inserted { g_object_ref(font) }
        run = run?.pointee.next
      }
      line = current.pointee.next
    }
  }

  /// Has all fonts embedded as outlines; the reason stands in the C header. Called before pages are written and again
  /// before fonts are, because cairo closes and reopens fonts when it has many.
  func embedOutlines() { for font in fonts { lifang_embed_outlines(font) } }
}
