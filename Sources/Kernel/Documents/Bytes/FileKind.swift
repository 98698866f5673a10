import Core

/// What a file is by its content (文件类型识别); its name and the type the browser claims prove nothing.
package enum FileKind: Sendable, Hashable {
  case pdf, png, jpeg, webp, gif, mp4
  case xlsx, docx
  /// Another archive.
  case zip
  /// An OLE container: an old Word or Excel file, or a new one with a password.
  case legacyOffice
  case text(TextEncoding)
  case unknown

  /// The media type to store and to answer with.
  package var mediaType: String {
    switch self {
    case .pdf: "application/pdf"
    case .png: "image/png"
    case .jpeg: "image/jpeg"
    case .webp: "image/webp"
    case .gif: "image/gif"
    case .mp4: "video/mp4"
    case .xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    case .docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    case .zip: "application/zip"
    case .legacyOffice: "application/x-ole-storage"
    case .text(let encoding): "text/plain; charset=\(encoding.rawValue)"
    case .unknown: "application/octet-stream"
    }
  }

  /// The usual extension, without the dot.
  package var fileExtension: String {
    switch self {
    case .pdf: "pdf"
    case .png: "png"
    case .jpeg: "jpg"
    case .webp: "webp"
    case .gif: "gif"
    case .mp4: "mp4"
    case .xlsx: "xlsx"
    case .docx: "docx"
    case .zip: "zip"
    case .legacyOffice: "doc"
    case .text: "txt"
    case .unknown: "bin"
    }
  }

  /// Looks at the first 64 kB, and for an archive at the names inside.
  ///
  /// - Throws: ``Refusal`` `file-missing`; ``Fault``. An archive that cannot be read is `zip`.
  package static func sniff(_ source: ByteSource) throws -> FileKind {
    let reader = try ByteReader(source)
    let head = try reader.peek(64 * 1024)
    let kind = sniff(head: head, complete: head.count == reader.size)
    guard kind == .zip, let archive = try? ZipArchive(source, limits: TableLimits()) else { return kind }
    if archive.contains("[Content_Types].xml") {
      if archive.contains("xl/workbook.xml") || archive.contains("xl/workbook.bin") { return .xlsx }
      if archive.contains("word/document.xml") { return .docx }
    }
    return .zip
  }

  /// What bytes in memory are; office archives come out as `zip`.
  package static func sniff(bytes: [UInt8]) -> FileKind {
    let enough = 64 * 1024
    return sniff(head: Array(bytes.prefix(enough)), complete: bytes.count <= enough)
  }

  /// What the first bytes say; office archives come out as `zip`.
  ///
  /// - Parameter complete: the bytes are the whole file, so an unfinished last character counts as broken.
  package static func sniff(head: [UInt8], complete: Bool) -> FileKind {
    func has(_ magic: [UInt8], at offset: Int = 0) -> Bool { head.dropFirst(offset).starts(with: magic) }
    func has(_ magic: String, at offset: Int = 0) -> Bool { has(Array(magic.utf8), at: offset) }
    if has("%PDF-") { return .pdf }
    if has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
    if has([0xFF, 0xD8, 0xFF]) { return .jpeg }
    if has("GIF87a") || has("GIF89a") { return .gif }
    if has("RIFF"), has("WEBP", at: 8) { return .webp }
    if has("PK\u{3}\u{4}") || has("PK\u{5}\u{6}") { return .zip }
    if has([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) { return .legacyOffice }
    if has("ftyp", at: 4) { return isMovie(brand: head.dropFirst(8).prefix(4)) ? .mp4 : .unknown }
    return text(head, complete: complete)
  }

  /// ISO base media brands of MPEG-4 video (ISO/IEC 14496-12, -14); others are still images or QuickTime.
  private static func isMovie(brand: ArraySlice<UInt8>) -> Bool {
    ["isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "M4V ", "MSNV", "3gp4", "3gp5", "3gp6"]
      .contains { brand.elementsEqual($0.utf8) }
  }

  private static func text(_ head: [UInt8], complete: Bool) -> FileKind {
    guard !head.isEmpty else { return .unknown }
    if let mark = TextEncoding.byteOrderMark(head) { return .text(mark.encoding) }
    let control = head.contains { $0 < 32 && !(9...13).contains($0) && $0 != 27 }
    guard !control else { return .unknown }
    var evidence = EncodingEvidence()
    head.withUnsafeBytes { evidence.read($0) }
    guard let encoding = evidence.wellFormed(complete: complete) else { return .unknown }
    return .text(encoding)
  }
}
