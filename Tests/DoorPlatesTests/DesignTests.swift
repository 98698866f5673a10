import Core
import Documents
import DoorPlates
import Entities
import Foundation
import Search
import Testing

/// Designs of plates, their check, and what is printed of them.
@Suite struct DesignTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path(percentEncoded: false)

  static let catalog = Result { () throws(DeclarationFailure) in
    try Catalog.load(resources: "\(root)Resources")
  }

  static func pinyin() throws -> PinyinTable {
    try PinyinTable(try String(contentsOfFile: "\(root)Resources/search/pinyin.tsv", encoding: .utf8))
  }

  static func designs(_ edit: (String) -> String = { $0 }) throws -> PlateDesigns {
    let text = try String(contentsOfFile: "\(root)Resources/doorplates/plates/small.yaml", encoding: .utf8)
    return PlateDesigns(CatalogReading(texts: [("small.yaml", edit(text))]).catalog)
  }

  @Test func everyShippedDesignIsProvedAndEveryKindOfAddressHasOne() throws {
    let catalog = try DesignTests.catalog.get()
    let designs = PlateDesigns(catalog)
    #expect(designs.findings.isEmpty, "\(designs.findings.map(\.description).joined(separator: "\n"))")
    #expect(Set(designs.all.map(\.kind)) == Set(try #require(catalog.dictionary("plate_kind")).codes.map(\.code)))
    for kind in try #require(catalog.dictionary("address_kind")).codes.map(\.code) {
      #expect(designs.usual(for: kind) != nil, "no plate for \(kind)")
    }
    #expect(designs.usual(for: "roadside")?.name == "small")
    #expect(designs.usual(for: "roadside", plateKind: "large")?.name == "large")
    #expect(designs.usual(for: "room", plateKind: "large")?.name == "room", "a large plate does not suit a room")
  }

  @Test(arguments: [
    ("qr: [160, 76, 64]", "qr: [160, 76, 20]", "太小"), ("qr: [160, 76, 64]", "qr: [200, 76, 64]", "超出牌面"),
    ("qr: [160, 76, 64]", "qr: [90, 76, 64]", "压住二维码"), ("{name}", "{nam}", "没有字段"),
    ("colour: ink", "colour: inc", "没有声明颜色"), ("[12, 80, 4]", "[180, 100, 4]", "安装孔打在二维码上"),
    ("smallest: 16.0", "smallest: 38", "太长"), ("[100, 75, 0, 10]", "[100, 100, 100, 50]", "墨量"),
    ("width: 240", "width: 30", "40 到 1500"), ("  - {qr: [160, 76, 64], colour: ink, light: white}\n", "", "只有一个二维码"),
  ])
  func whatWouldSpoilAPlateIsFound(_ part: String, _ replacement: String, _ word: String) throws {
    let findings = try DesignTests.designs { text in
      #expect(text.contains(part), "the design has changed: \(part)")
      return text.replacing(part, with: replacement)
    }.findings
    #expect(findings.contains { $0.message.contains(word) }, "\(findings.map(\.description))")
  }

  @Test(arguments: [
    ("朝阳中路", "CHAOYANG ZHONGLU"), ("大北街", "DABEI JIE"), ("凤凰大道", "FENGHUANG DADAO"), ("绿化路", "LÜHUA LU"),
    ("重庆路", "CHONGQING LU"), ("大石村三组", "DASHICUN SANZU"), ("锦绣花园", "JINXIU HUAYUAN"), ("中路", "ZHONG LU"),
  ])
  func roadsAreSpelledAsPlatesShowThem(_ name: String, _ spelled: String) throws {
    #expect(PlatePinyin.write(name, try DesignTests.pinyin()) == spelled)
  }

  @Test func aPlateSaysTheAddressAndNothingOfThePeople() throws {
    let values = [
      "road": "朝阳中路", "house_number": "88号", "sub_number": "附1号", "compound": "锦绣花园", "building_number": "3栋",
      "unit_number": "2单元", "room": "1203室", "code": "5117020010000001237", "full_name": "某某", "note": "王芳 13800000000",
    ]
    let fields = PlateFields(address: { values[$0] }, pinyin: try DesignTests.pinyin())
    #expect(fields[.number] == "88" && fields[.numberWord] == "号" && fields[.sub] == "附1号")
    #expect(fields[.buildingFigure] == "3" && fields[.buildingWord] == "栋" && fields[.room] == "1203")
    let gate = PlateFields(
      address: { ["building_number": "甲3栋", "unit_number": "东单元", "house_number": "12号楼"][$0] },
      pinyin: try DesignTests.pinyin())
    #expect(gate[.buildingFigure] == "甲3" && gate[.buildingWord] == "栋")
    #expect(gate[.unitFigure] == "东" && gate[.unitWord] == "单元" && gate[.number] == "12" && gate[.numberWord] == "号楼")
    #expect(fields[.code] == "5117 0200 1000 0001 237")
    for field in PlateField.allCases { #expect(!fields[field].contains("王芳") && !fields[field].contains("138")) }
  }

  @Test func lettersThatNoPlateHoldsAreRefusedByName() throws {
    let design = try #require(try DesignTests.designs().design("small"))
    var fields = PlateFields()
    fields[.name] = String(repeating: "长", count: 40)
    #expect(
      #expect(throws: Refusal.self) { try PlatePainter().paint(design, fields, content: "x") }?.code
        == "lettering-too-long")
    fields[.name] = "\u{E123}路"
    #expect(
      #expect(throws: Refusal.self) { try PlatePainter().paint(design, fields, content: "x") }?.code
        == "lettering-unknown")
  }

  @Test func theFileForThePressHasBoxesInksAndNoFonts() throws {
    let path = NSTemporaryDirectory() + "plates-\(UUID().uuidString).pdf"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let table = try DesignTests.pinyin()
    let all = PlateDesigns(try DesignTests.catalog.get()).all
    let pages = try ProofSheets(designs: all) { "https://menpai.example.gov.cn/d/\($0)" }.write(
      to: path, count: 520, created: Instant(seconds: 1_795_233_600), showsMarks: true,
      pinyin: { PlatePinyin.write($0, table) })
    #expect(pages == 520, "more than two nodes of the tree of pages")
    let info = try run("/usr/bin/pdfinfo", ["-box", "-f", "1", "-l", "1", path])
    #expect(info.contains("Pages:") && info.contains("520"))
    let large = try #require(all.first)
    #expect(info.contains("TrimBox") && info.contains("BleedBox"))
    let fonts = try run("/usr/bin/pdffonts", [path])
    #expect(fonts.split(separator: "\n").count <= 2, "lettering stands as outlines: \(fonts)")
    #expect(large.bleed == 3)
  }

  private func run(_ tool: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: tool)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = Pipe()
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: data, as: UTF8.self)
  }
}
