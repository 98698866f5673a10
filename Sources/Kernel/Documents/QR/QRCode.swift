import CQREncode
package import Core
import Glibc

/// A QR code (二维码, GB/T 18284, ISO/IEC 18004): a square of dark and light modules without its quiet zone.
package struct QRCode: Sendable, Hashable {
  /// How much of the symbol may be lost: about 7, 15, 25 and 30 percent. Outdoor plates use `quartile` or `high`.
  package enum Level: String, Sendable, Hashable, CaseIterable {
    case low = "L"
    case medium = "M"
    case quartile = "Q"
    case high = "H"
  }

  /// Modules on a side: 21 for version 1, four more for each further version.
  package let size: Int
  package let level: Level
  private let dark: [Bool]

  /// Encodes text as UTF-8, runs of digits and capitals in their denser modes.
  ///
  /// - Throws: ``Refusal`` `qr-empty`, `qr-too-long`.
  package init(_ text: String, level: Level = .medium) throws(Refusal) {
    guard !text.utf8.contains(0) else { throw QRCode.refusal(text.utf8.count) }
    let code = QRcode_encodeString(text, 0, level.native, QR_MODE_8, 1)
    try self.init(taking: code, level, length: text.utf8.count)
  }

  /// Encodes bytes as they are.
  ///
  /// - Throws: ``Refusal`` `qr-empty`, `qr-too-long`.
  package init(bytes: [UInt8], level: Level = .medium) throws(Refusal) {
    let code = QRcode_encodeData(Int32(clamping: bytes.count), bytes, 0, level.native)
    try self.init(taking: code, level, length: bytes.count)
  }

  private init(
    taking code: UnsafeMutablePointer<CQREncode.QRcode>?, _ level: Level, length: Int
  ) throws(Refusal) {
    guard let code else { throw QRCode.refusal(length) }
    defer { QRcode_free(code) }
    let side = Int(code.pointee.width)
    let data = UnsafeBufferPointer(start: code.pointee.data, count: side * side)
    size = side
    self.level = level
    dark = data.map { $0 & 1 == 1 }
  }

  private static func refusal(_ length: Int) -> Refusal {
    length == 0
      ? Refusal(.invalid, "qr-empty", "二维码内容为空，没有生成。请填写内容后重试。")
      : Refusal(.tooLarge, "qr-too-long", "二维码内容有 \(length) 字节，放不下，没有生成。请缩短内容或降低容错级别后重试。")
  }

  /// Whether the module is dark; false outside, where the quiet zone is.
  package subscript(x: Int, y: Int) -> Bool {
    (0..<size).contains(x) && (0..<size).contains(y) && dark[y * size + x]
  }

  /// The dark modules as horizontal runs, from the top left.
  var runs: [(x: Int, y: Int, length: Int)] {
    var runs: [(x: Int, y: Int, length: Int)] = []
    for y in 0..<size {
      var x = 0
      while x < size {
        let start = x
        while self[x, y] { x += 1 }
        if x > start { runs.append((start, y, x - start)) }
        x += 1
      }
    }
    return runs
  }
}

extension QRCode.Level {
  fileprivate var native: QRecLevel {
    switch self {
    case .low: QR_ECLEVEL_L
    case .medium: QR_ECLEVEL_M
    case .quartile: QR_ECLEVEL_Q
    case .high: QR_ECLEVEL_H
    }
  }
}
