/// A colour as presses and screens need it: four inks beside red, green and blue.
package struct PrintColor: Sendable, Hashable {
  /// As in CSS, such as `0x003DA5`.
  package let rgb: UInt32
  /// Cyan, magenta, yellow and black, each from 0 to 100.
  package let inks: [Double]

  /// - Parameter inks: four parts of a hundred; others are taken as no ink.
  package init(rgb: UInt32, inks: [Double]) {
    self.rgb = rgb
    self.inks = inks.count == 4 ? inks : [0, 0, 0, 0]
  }

  package static let white = PrintColor(rgb: 0xFFFFFF, inks: [0, 0, 0, 0])
  package static let black = PrintColor(rgb: 0x000000, inks: [0, 0, 0, 100])

  /// `#003DA5`.
  var hex: String {
    let digits = Array("0123456789ABCDEF")
    return "#" + String((0..<6).map { digits[Int(rgb >> UInt32(20 - 4 * $0) & 15)] })
  }
}
