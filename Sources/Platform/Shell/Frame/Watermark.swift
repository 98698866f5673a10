package import HTML

/// Who looks at a page, from where and when, faintly across it (系统水印, C-552): on the screen and in print, drawn by the
/// server without script or style.
package struct Watermark: HTMLConvertible, Sendable, Hashable {
  /// A line each: name and unit, address and time.
  package let lines: [String]

  package init(_ lines: [String]) { self.lines = lines }

  package var html: HTML {
    element("svg", .class("watermark"), .aria(.hidden, true), .custom("focusable", "false")) {
      element("defs") {
        element(
          "pattern", .id("watermark"), .custom("width", "340"), .custom("height", "190"),
          .custom("patternUnits", "userSpaceOnUse"), .custom("patternTransform", "rotate(-22)")
        ) {
          for (index, line) in lines.enumerated() {
            element("text", .custom("x", "12"), .custom("y", String(60 + index * 24))) { line }
          }
        }
      }
      element(
        "rect", .custom("width", "100%"), .custom("height", "100%"), .custom("fill", "url(#watermark)")
      )
    }
  }
}
