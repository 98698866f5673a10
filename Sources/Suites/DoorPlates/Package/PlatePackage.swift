import Addresses
import Core
import Crypto
import Documents
package import Entities
import Foundation

/// Writes the package of one batch for its maker: a PDF for the press for each design, a drawing for each plate, a list
/// with the codes as pictures, and the signed manifest. Nothing in it says who lives anywhere (数据脱敏, A-064, A-065).
package struct PlatePackage: Sendable {
  let press: PlatePress

  package init(press: PlatePress) { self.press = press }

  /// One plate as the register keeps it.
  private struct Item {
    let number: String
    let code: String
    let name: String
    let kind: String
    let design: PlateDesign
    let fields: PlateFields
    let content: String
  }

  /// - Parameter plates: records of `door_plate` with all fields.
  /// - Throws: ``Refusal``, ``Fault``.
  package func write(batch: Record, plates: [Record], to path: String) throws {
    let folder = NSTemporaryDirectory() + "lifang-plates-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let items = try plates.map(item)
    let archive = try ZipWriter(path: path)
    var files: [PlateManifest.File] = []
    func add(_ name: String, _ bytes: [UInt8]) throws {
      try archive.add(name, bytes)
      files.append(.init(name: name, bytes: bytes.count, digest: Hex.encode(Digest.sm3(bytes))))
    }
    let painter = PlatePainter()
    let number = batch["number"].text ?? ""
    let now = press.store.clock.now()
    for (design, group) in Dictionary(grouping: items, by: \.design.name).sorted(by: { $0.key < $1.key }) {
      guard let first = group.first else { continue }
      let file = folder + "/\(design).pdf"
      let pdf = try PrintPDF(
        path: file, book: painter.book, title: "\(first.design.label) \(number)", created: now, showsMarks: true)
      for item in group {
        let artwork = try painter.paint(item.design, item.fields, content: item.content)
        try pdf.add(artwork)
        try add("svg/\(item.number).svg", Array(artwork.svg(painter.book, forCutting: true).utf8))
      }
      try pdf.finish()
      guard let data = FileManager.default.contents(atPath: file) else { throw Fault("plate-pdf", file) }
      try add("print/\(first.design.label)-\(design).pdf", Array(data))
    }
    try add("门牌清单.xlsx", try list(items, folder, now))
    try add("说明.txt", Array(PlatePackage.readme.utf8))
    let manifest = PlateManifest(
      batch: number, maker: batch.titles["maker_id"] ?? "", packedAt: now.iso8601, plates: items.count, files: files)
    guard let key = press.rules.proofs.keys.current?.key else { throw Fault("plate-key", "none") }
    let text = Array(manifest.json.text.utf8)
    try archive.add(PlateManifest.name, text)
    try archive.add(PlateManifest.signatureName, try key.sign(text).der)
    try archive.finish()
  }

  private func item(_ plate: Record) throws(Refusal) -> Item {
    let number = plate["number"].text ?? String(plate.id)
    guard let name = plate["design"].text, let design = press.designs.design(name), let content = plate["content"].text
    else {
      throw Refusal(.conflict, "plate-design-unknown", "门牌 \(number) 的版式已经不在了，没有打包。请报制牌异常后重新申领。")
    }
    return Item(
      number: number, code: plate["code"].text ?? "", name: plate["full_name"].text ?? "",
      kind: press.store.catalog.dictionary("plate_kind")?.label(of: design.kind) ?? design.kind, design: design,
      fields: PlateFields(json: plate["face"].json ?? .object([])), content: content)
  }

  private func list(_ items: [Item], _ folder: String, _ now: Instant) throws -> [UInt8] {
    let path = folder + "/list.xlsx"
    let columns = [
      TableColumn("门牌编号", width: 16), TableColumn("门牌地址", width: 48), TableColumn("地址编码", width: 22),
      TableColumn("门牌类型", width: 12), TableColumn("尺寸", width: 18), TableColumn("单牌文件", width: 26),
      TableColumn("二维码", width: 16),
    ]
    let writer = try TableWriter(path: path, format: .xlsx(sheet: "门牌清单", created: now), columns: columns)
    for item in items {
      try writer.append([
        .text(item.number), .text(item.name), .text(item.code), .text(item.kind), .text(item.design.sizeText),
        .text("svg/\(item.number).svg"),
        .image(png: try QRCode(item.content, level: .high).png(scale: 2), alternative: item.content),
      ])
    }
    try writer.finish()
    guard let data = FileManager.default.contents(atPath: path) else { throw Fault("plate-list", path) }
    return Array(data)
  }

  private static let readme = """
    制牌包说明

    print/   各种门牌的印刷文件：一页一块，CMYK 四色、文字转曲、含出血；裁切线和安装孔是专色 CutContour。
    svg/     单牌图形文件，名称是门牌编号；cut 图层是裁切线和安装孔。
    门牌清单.xlsx   编号、地址、尺寸和二维码图片。
    manifest.json、manifest.sig   文件目录和下发单位的 SM2 签名。制作前请核对：
        lifang plate batch verify 本文件.zip --key 公钥.pem
    公钥从下发单位的“门牌验真”页面下载，并通过电话核对。核对不通过的不要制作。

    """
}
