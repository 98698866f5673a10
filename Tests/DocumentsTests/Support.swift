import Documents
import Glibc
import Testing

/// Files that other programs made; see each test for which.
func fixture(_ name: String, file: StaticString = #filePath) -> ByteSource {
  let folder = "\(file)".split(separator: "/").dropLast(2).joined(separator: "/")
  return .file("/\(folder)/Fixtures/Documents/\(name)")
}

/// A path for a new file, gone when `body` is done.
func withTemporaryFile<Result>(_ suffix: String, _ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/lifang-documents-XXXXXX".utf8CString)
  let folder = try #require(mkdtemp(&template)).withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
  let path = folder + "/file" + suffix
  defer {
    unlink(path)
    rmdir(folder)
  }
  return try body(path)
}

func write(_ bytes: [UInt8], to path: String) throws {
  let file = try #require(fopen(path, "w"))
  defer { fclose(file) }
  try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}

func contents(_ path: String) throws -> [UInt8] {
  let file = try #require(fopen(path, "r"))
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { return bytes }
    bytes += chunk.prefix(count)
  }
}

func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// What a program prints; `nil` when it fails.
func output(of command: String) -> String? {
  guard let pipe = popen(command + " 2>/dev/null", "r") else { return nil }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&chunk, 1, chunk.count, pipe)
    if count == 0 { break }
    bytes += chunk.prefix(count)
  }
  return pclose(pipe) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
}

/// The text of the QR code in a picture, as ZBar reads it.
func scan(png: [UInt8]) throws -> String? {
  try withTemporaryFile(".png") { path in
    try write(png, to: path)
    return output(of: "zbarimg --raw -q -Sdisable -Sqrcode.enable \(path)").map { String($0.dropLast()) }
  }
}

let hasScanner = output(of: "command -v zbarimg") != nil

/// A ZIP archive of stored entries, to build workbooks that no program would write.
struct TestArchive {
  private var bytes: [UInt8] = []
  private var directory: [UInt8] = []
  private var count: UInt16 = 0
  private let flags: UInt16

  /// - Parameter encrypted: claims that the entries have a password.
  init(_ entries: KeyValuePairs<String, String>, encrypted: Bool = false) {
    flags = encrypted ? 1 : 0
    for (name, text) in entries { add(name, Array(text.utf8)) }
  }

  var file: [UInt8] {
    var file = bytes + directory
    file += little(0x0605_4B50, 4) + little(0, 4) + little(UInt32(count), 2) + little(UInt32(count), 2)
    file += little(UInt32(directory.count), 4) + little(UInt32(bytes.count), 4) + little(0, 2)
    return file
  }

  private mutating func add(_ name: String, _ data: [UInt8]) {
    let size = UInt32(data.count)
    let common =
      little(20, 2) + little(UInt32(flags), 2) + little(0, 2) + little(0x21_0000, 4) + little(crc(data), 4)
      + little(size, 4) + little(size, 4) + little(UInt32(name.utf8.count), 2) + little(0, 2)
    directory += little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 2) + little(0, 4) + little(0, 4)
    directory += little(UInt32(bytes.count), 4) + Array(name.utf8)
    bytes += little(0x0403_4B50, 4) + common + Array(name.utf8) + data
    count += 1
  }

  private func little(_ value: UInt32, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }

  private static let crcTable = (0..<256).map { (byte: UInt32) -> UInt32 in
    var value = byte
    for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
    return value
  }

  private func crc(_ data: [UInt8]) -> UInt32 {
    let table = TestArchive.crcTable
    var sum = UInt32.max
    for byte in data { sum = (sum >> 8) ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
    return ~sum
  }

  /// A workbook whose only sheet has this XML.
  static func workbook(sheet: String, shared: String = "<sst/>", sheetTag: String = #"<sheet name="S" r:id="r1"/>"#)
    -> TestArchive
  {
    TestArchive([
      "[Content_Types].xml": "<Types/>",
      "xl/workbook.xml": #"<workbook xmlns:r="r"><sheets>"# + sheetTag + "</sheets></workbook>",
      "xl/_rels/workbook.xml.rels":
        #"<Relationships><Relationship Id="r1" Target="/xl/worksheets/a.xml" Type="x/worksheet"/></Relationships>"#,
      "xl/sharedStrings.xml": shared,
      "xl/worksheets/a.xml": sheet,
    ])
  }
}
