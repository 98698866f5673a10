import Core
import Glibc

/// The text of a source as UTF-8 bytes, whatever its encoding, with memory independent of its length.
///
/// A byte that is not a character of the encoding comes out as 0xFF, which no UTF-8 text contains: whoever decodes the
/// text finds it where it stands and can name the place. NUL, which PostgreSQL cannot store, is treated alike.
final class UTF8Input {
  let encoding: TextEncoding
  private let reader: ByteReader
  private var converter: iconv_t?
  private var pending: [UInt8] = []
  private var pendingStart = 0
  private var sourceEnded = false

  /// Share of the source that has been read, from 0 to 1.
  var fractionRead: Double { reader.size == 0 ? 1 : Double(reader.position) / Double(reader.size) }

  /// - Parameter encoding: `nil` finds it from the byte order mark or the content.
  /// - Throws: ``Refusal`` `not-text` for a binary file; ``Fault``.
  init(_ source: ByteSource, encoding: TextEncoding? = nil) throws {
    reader = try ByteReader(source)
    let mark = TextEncoding.byteOrderMark(try reader.peek(3))
    if let mark, encoding == nil || encoding == mark.encoding {
      self.encoding = mark.encoding
      reader.rewind(to: mark.length)
    } else if let encoding {
      self.encoding = encoding
    } else {
      self.encoding = try UTF8Input.detect(reader)
      reader.rewind()
    }
    guard self.encoding != .utf8 else { return }
    let opened: iconv_t? = iconv_open(TextEncoding.utf8.rawValue, self.encoding.rawValue)
    guard let opened, opened != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw Fault("iconv-missing", "no conversion from \(self.encoding.rawValue)")
    }
    converter = opened
  }

  deinit { if let converter { iconv_close(converter) } }

  /// Reads until 64 kB of text outside ASCII have been seen, so that a long ASCII start decides nothing.
  private static func detect(_ reader: ByteReader) throws -> TextEncoding {
    var evidence = EncodingEvidence()
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    var complete = false
    while !complete, evidence.nonASCII < 64 * 1024 {
      let count = try chunk.withUnsafeMutableBytes { try reader.read(into: $0) }
      chunk.withUnsafeBytes { evidence.read(.init(rebasing: $0[..<count])) }
      complete = count < chunk.count
      if evidence.zeros > 16 { throw Refusal(.unsupported, "not-text", "这不是文本文件。请上传 CSV 或 XLSX 表格。") }
    }
    return evidence.verdict(complete: complete)
  }

  /// Fills as much of `target` as there is; 0 means the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = converter == nil ? try reader.read(into: target) : try convert(into: target)
    var rest = target.baseAddress
    var left = count
    while left > 0, let start = rest, let zero = memchr(start, 0, left) {
      zero.storeBytes(of: 0xFF, as: UInt8.self)
      left -= zero - start + 1
      rest = zero + 1
    }
    return count
  }

  private func convert(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let converter, let base = target.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
    var output: UnsafeMutablePointer<CChar>? = base
    var room = target.count
    while room >= 8 {
      let atEnd = try fill()
      if pendingStart == pending.count { break }
      let step = encoding == .gb18030 ? 1 : 2
      let failure: Int32 = pending.withUnsafeMutableBytes { bytes in
        var input = bytes.baseAddress.map { ($0 + pendingStart).assumingMemoryBound(to: CChar.self) }
        var left = bytes.count - pendingStart
        errno = 0
        let status = iconv(converter, &input, &left, &output, &room)
        pendingStart = bytes.count - left
        return status == -1 ? errno : 0
      }
      if failure == E2BIG { break }
      if failure == EILSEQ || (failure == EINVAL && atEnd), let place = output {
        guard room > 0 else { break }
        place.pointee = CChar(bitPattern: 0xFF)
        output = place + 1
        room -= 1
        pendingStart = min(pendingStart + step, pending.count)
        iconv(converter, nil, nil, nil, nil)
      }
    }
    return target.count - room
  }

  /// Tops the pending bytes up; true when the source is at its end.
  private func fill() throws -> Bool {
    guard !sourceEnded, pending.count - pendingStart < 4096 else { return sourceEnded }
    pending.removeFirst(pendingStart)
    pendingStart = 0
    let kept = pending.count
    pending.append(contentsOf: repeatElement(0, count: 64 * 1024))
    let count = try pending.withUnsafeMutableBytes { try reader.read(into: .init(rebasing: $0[kept...])) }
    pending.removeLast(64 * 1024 - count)
    sourceEnded = count < 64 * 1024
    return sourceEnded
  }
}
