/// Checks runs of UTF-8 (Unicode 15, table 3-7) eight ASCII bytes at a time.
enum UTF8Validator {
  /// Reads on from a boundary between characters.
  ///
  /// - Parameter complete: nothing follows `end`, so an unfinished character there is a broken one.
  /// - Returns: where the well-formed part ends, and whether a broken character stands there.
  static func scan(
    _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, complete: Bool
  ) -> (end: Int, isBroken: Bool) {
    let raw = UnsafeRawPointer(bytes)
    var index = start
    while index < end {
      let byte = bytes[index]
      if byte < 0x80 {
        if index + 8 <= end, raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
          index += 8
        } else {
          index += 1
        }
        continue
      }
      let length: Int
      var lower: UInt8 = 0x80
      var upper: UInt8 = 0xBF
      switch byte {
      case 0xC2...0xDF: length = 2
      case 0xE0: (length, lower) = (3, 0xA0)
      case 0xED: (length, upper) = (3, 0x9F)
      case 0xE1...0xEF: length = 3
      case 0xF0: (length, lower) = (4, 0x90)
      case 0xF1...0xF3: length = 4
      case 0xF4: (length, upper) = (4, 0x8F)
      default: return (index, true)
      }
      if length == 3, index + 2 < end, bytes[index + 1] >= lower, bytes[index + 1] <= upper,
        bytes[index + 2] & 0xC0 == 0x80
      {
        index += 3
        continue
      }
      for offset in 1..<length {
        guard index + offset < end else { return (index, complete) }
        let next = bytes[index + offset]
        guard next >= lower, next <= upper else { return (index, true) }
        (lower, upper) = (0x80, 0xBF)
      }
      index += length
    }
    return (index, false)
  }
}
