/// How a camera was held, from tag 0x0112 of a JPEG file's EXIF part (JEITA CP-3451).
struct EXIFOrientation: Sendable, Hashable {
  /// Clockwise quarter turns that set the picture upright.
  let quarters: Int
  /// Whether it is mirrored left to right after that.
  let isMirrored: Bool

  static let upright = EXIFOrientation(quarters: 0, isMirrored: false)

  /// Values 1 to 8 of the tag.
  init?(value: Int) {
    switch value {
    case 1: self.init(quarters: 0, isMirrored: false)
    case 2: self.init(quarters: 0, isMirrored: true)
    case 3: self.init(quarters: 2, isMirrored: false)
    case 4: self.init(quarters: 2, isMirrored: true)
    case 5: self.init(quarters: 1, isMirrored: true)
    case 6: self.init(quarters: 1, isMirrored: false)
    case 7: self.init(quarters: 3, isMirrored: true)
    case 8: self.init(quarters: 3, isMirrored: false)
    default: return nil
    }
  }

  private init(quarters: Int, isMirrored: Bool) {
    self.quarters = quarters
    self.isMirrored = isMirrored
  }

  /// Upright when the file does not say or says it wrongly.
  static func read(_ jpeg: [UInt8]) -> EXIFOrientation {
    var offset = 2
    while offset + 4 <= jpeg.count, jpeg[offset] == 0xFF {
      let marker = jpeg[offset + 1]
      let length = Int(jpeg[offset + 2]) << 8 | Int(jpeg[offset + 3])
      if marker == 0xDA || length < 2 { break }
      let end = min(offset + 2 + length, jpeg.count)
      if marker == 0xE1, end - offset > 18, Array(jpeg[offset + 4..<offset + 10]) == Array("Exif\0\0".utf8) {
        return tag(in: Array(jpeg[offset + 10..<end])) ?? .upright
      }
      offset += 2 + length
    }
    return .upright
  }

  private static func tag(in tiff: [UInt8]) -> EXIFOrientation? {
    guard tiff.count > 8 else { return nil }
    let isLittle = tiff[0] == UInt8(ascii: "I")
    func short(_ at: Int) -> Int? {
      guard at >= 0, at + 2 <= tiff.count else { return nil }
      return isLittle ? Int(tiff[at + 1]) << 8 | Int(tiff[at]) : Int(tiff[at]) << 8 | Int(tiff[at + 1])
    }
    func long(_ at: Int) -> Int? {
      guard let first = short(at), let second = short(at + 2) else { return nil }
      return isLittle ? second << 16 | first : first << 16 | second
    }
    guard let directory = long(4), let count = short(directory) else { return nil }
    for index in 0..<min(count, 200) {
      let entry = directory + 2 + index * 12
      guard let name = short(entry) else { return nil }
      if name == 0x0112 { return short(entry + 8).flatMap { EXIFOrientation(value: $0) } }
    }
    return nil
  }
}
