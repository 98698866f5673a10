/// The encodings (字符编码) in which Chinese offices exchange text files.
package enum TextEncoding: String, Sendable, Hashable {
  case utf8 = "UTF-8"
  /// The national standard GB 18030, which contains GBK and GB 2312; Excel saves CSV in it on Chinese Windows.
  case gb18030 = "GB18030"
  case utf16LittleEndian = "UTF-16LE"
  case utf16BigEndian = "UTF-16BE"

  /// The encoding a byte order mark names, and the mark's length in bytes.
  package static func byteOrderMark(_ bytes: some Collection<UInt8>) -> (encoding: TextEncoding, length: Int)? {
    let head = Array(bytes.prefix(3))
    if head == [0xEF, 0xBB, 0xBF] { return (.utf8, 3) }
    if head.starts(with: [0xFF, 0xFE]) { return (.utf16LittleEndian, 2) }
    if head.starts(with: [0xFE, 0xFF]) { return (.utf16BigEndian, 2) }
    return nil
  }
}

/// Reads the same bytes as UTF-8 and as GB 18030 and tells which they are.
///
/// A file can be well-formed in both. Chinese text in UTF-8 has three-byte sequences, so a file whose only sequences
/// are of two bytes and read as common characters in GB 18030 (the word 联通 is the famous case) is taken as the latter.
/// A file that is almost all UTF-8 stays UTF-8, so that the few broken bytes are reported and not turned into nonsense.
struct EncodingEvidence {
  private(set) var nonASCII = 0
  private(set) var zeros = 0
  private var utf8 = UTF8Scanner()
  private var gb18030 = GB18030Scanner()

  mutating func read(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte < 0x80, utf8.isBetween, gb18030.isBetween {
        if byte == 0 { zeros += 1 }
        continue
      }
      if byte >= 0x80 { nonASCII += 1 }
      utf8.read(byte)
      gb18030.read(byte)
    }
  }

  /// - Parameter complete: the source ended here, so an unfinished character is a broken one.
  func verdict(complete: Bool) -> TextEncoding {
    let utf8Broken = utf8.broken + (complete && !utf8.isBetween ? 1 : 0)
    let gbBroken = gb18030.broken + (complete && !gb18030.isBetween ? 1 : 0)
    if utf8Broken == 0 {
      let onlyShort = utf8.long == 0 && utf8.short > 0
      return onlyShort && gbBroken == 0 && gb18030.common == gb18030.characters ? .gb18030 : .utf8
    }
    if gbBroken == 0 { return utf8.long > 2 * utf8Broken ? .utf8 : .gb18030 }
    return utf8.long >= utf8Broken ? .utf8 : .gb18030
  }

  /// The verdict if the bytes are free of broken characters in it.
  func wellFormed(complete: Bool) -> TextEncoding? {
    let encoding = verdict(complete: complete)
    let (broken, between) = encoding == .utf8 ? (utf8.broken, utf8.isBetween) : (gb18030.broken, gb18030.isBetween)
    return broken == 0 && (between || !complete) ? encoding : nil
  }
}

/// Counts well-formed and broken sequences (Unicode 15, table 3-7) a byte at a time.
private struct UTF8Scanner {
  var short = 0
  var long = 0
  var broken = 0
  private var needed = 0
  private var total = 0
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF

  var isBetween: Bool { needed == 0 }

  mutating func read(_ byte: UInt8) {
    if needed > 0 {
      if byte >= lower, byte <= upper {
        (lower, upper) = (0x80, 0xBF)
        needed -= 1
        if needed == 0 { if total == 1 { short += 1 } else { long += 1 } }
        return
      }
      broken += 1
      needed = 0
    }
    (lower, upper) = (0x80, 0xBF)
    switch byte {
    case 0..<0x80: return
    case 0xC2...0xDF: needed = 1
    case 0xE0: (needed, lower) = (2, 0xA0)
    case 0xED: (needed, upper) = (2, 0x9F)
    case 0xE1...0xEF: needed = 2
    case 0xF0: (needed, lower) = (3, 0x90)
    case 0xF1...0xF3: needed = 3
    case 0xF4: (needed, upper) = (3, 0x8F)
    default: broken += 1
    }
    total = needed
  }
}

/// Counts characters of GB 18030 a byte at a time; `common` are the Chinese characters of GB 2312.
private struct GB18030Scanner {
  var characters = 0
  var common = 0
  var broken = 0
  private var sequence: (UInt8, UInt8, UInt8) = (0, 0, 0)
  private var length = 0

  var isBetween: Bool { length == 0 }

  mutating func read(_ byte: UInt8) {
    switch length {
    case 0:
      if byte < 0x80 { return }
      if byte == 0x80 || byte == 0xFF {
        broken += 1
      } else {
        sequence.0 = byte
        length = 1
      }
    case 1:
      if (0x40...0xFE).contains(byte), byte != 0x7F {
        characters += 1
        if (0xB0...0xF7).contains(sequence.0), byte >= 0xA1 { common += 1 }
        length = 0
      } else if (0x30...0x39).contains(byte) {
        sequence.1 = byte
        length = 2
      } else {
        restart(byte)
      }
    case 2:
      if (0x81...0xFE).contains(byte) { length = 3 } else { restart(byte) }
    default:
      if (0x30...0x39).contains(byte) {
        characters += 1
        length = 0
      } else {
        restart(byte)
      }
    }
  }

  private mutating func restart(_ byte: UInt8) {
    broken += 1
    length = 0
    read(byte)
  }
}
