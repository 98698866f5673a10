import Core
import XML

/// A worksheet (工作表) of a workbook.
package struct Worksheet: Sendable, Hashable {
  package let name: String
  package let isHidden: Bool
  let relation: String
}

/// `_rels/*.rels`: which part an id stands for (ECMA-376 part 2).
final class RelationsHandler: XMLHandler {
  private(set) var targets: [String: String] = [:]
  private(set) var byType: [String: String] = [:]

  func start(_ name: XMLName, _ attributes: XMLAttributes) {
    guard name == "Relationship", let id = attributes.string("Id"), let target = attributes.string("Target"),
      attributes.string("TargetMode") != "External"
    else { return }
    targets[id] = target
    if let type = attributes.string("Type")?.split(separator: "/").last { byType[String(type)] = target }
  }

  /// The name in the archive of a target, which is relative to the folder of its source part.
  static func resolve(_ target: String, from part: String) -> String {
    let unified = target.split(separator: "\\").joined(separator: "/")
    var folders = target.hasPrefix("/") ? [] : part.split(separator: "/").dropLast().map { $0 }
    for piece in unified.split(separator: "/") {
      switch piece {
      case ".": continue
      case "..": _ = folders.popLast()
      default: folders.append(piece)
      }
    }
    return folders.joined(separator: "/")
  }
}

/// `xl/workbook.xml`: the sheets in order, and from which year dates count.
final class WorkbookHandler: XMLHandler {
  private(set) var sheets: [Worksheet] = []
  private(set) var startsIn1904 = false

  func start(_ name: XMLName, _ attributes: XMLAttributes) {
    if name == "sheet", let title = attributes.string("name"), let id = attributes.string("id") {
      let state = attributes.string("state") ?? "visible"
      sheets.append(Worksheet(name: title, isHidden: state != "visible", relation: id))
    } else if name == "workbookPr" {
      startsIn1904 = attributes.bool("date1904")
    }
  }
}

/// `xl/styles.xml`: what kind of value each cell style shows.
final class StylesHandler: XMLHandler {
  private(set) var kinds: [NumberKind] = []
  private var custom: [Int: NumberKind] = [:]
  private var inCellFormats = false

  func start(_ name: XMLName, _ attributes: XMLAttributes) {
    if name == "numFmt", let id = attributes.int("numFmtId"), let code = attributes.string("formatCode") {
      custom[id] = NumberKind(formatCode: code)
    } else if name == "cellXfs" {
      inCellFormats = true
    } else if name == "xf", inCellFormats {
      let id = attributes.int("numFmtId") ?? 0
      kinds.append(custom[id] ?? NumberKind(builtIn: id))
    }
  }

  func end(_ name: XMLName) { if name == "cellXfs" { inCellFormats = false } }
}

/// `xl/sharedStrings.xml`: the distinct texts, kept as one run of bytes.
final class SharedTexts: XMLHandler {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var inText = false
  private var phonetic = 0
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  subscript(index: Int) -> String? {
    guard ends.indices.contains(index) else { return nil }
    return OfficeText.unescape(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
  }

  func start(_ name: XMLName, _ attributes: XMLAttributes) {
    if name == "t" { inText = true } else if name == "rPh" { phonetic += 1 }
  }

  func end(_ name: XMLName) {
    if name == "t" {
      inText = false
    } else if name == "rPh" {
      phonetic -= 1
    } else if name == "si" {
      ends.append(bytes.count)
    }
  }

  func text(_ text: UnsafeBufferPointer<UInt8>) throws {
    guard inText, phonetic == 0 else { return }
    bytes.append(contentsOf: text)
    guard bytes.count <= limit else { throw ZipArchive.tooLarge }
  }
}

/// Office writes characters that XML cannot hold as `_x000D_` (ECMA-376 ST_Xstring).
enum OfficeText {
  static func unescape(_ bytes: some RandomAccessCollection<UInt8>) -> String {
    guard bytes.contains(UInt8(ascii: "_")) else { return String(decoding: bytes, as: UTF8.self) }
    var scalars = String.UnicodeScalarView()
    var rest = Substring(decoding: bytes, as: UTF8.self).unicodeScalars[...]
    while let scalar = rest.first {
      if scalar == "_", let value = escape(rest) {
        scalars.append(value)
        rest = rest.dropFirst(7)
      } else {
        scalars.append(scalar)
        rest = rest.dropFirst()
      }
    }
    return String(scalars)
  }

  private static func escape(_ text: Substring.UnicodeScalarView) -> Unicode.Scalar? {
    let piece = Array(text.prefix(7))
    guard piece.count == 7, piece[1] == "x", piece[6] == "_" else { return nil }
    var value: UInt32 = 0
    for scalar in piece[2..<6] {
      guard let digit = Character(scalar).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value == 0 ? nil : Unicode.Scalar(value)
  }
}
