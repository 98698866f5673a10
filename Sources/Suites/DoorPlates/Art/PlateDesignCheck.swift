import Core
import Documents
import Entities

extension PlateDesignReader {
  /// The narrowest module that is read at 200 dpi: three points and a half.
  static let smallestModule = 0.44
  /// As long as the content of a signed code gets with an address of a site of usual length.
  static let longestContent =
    "https://menpai.example.gov.cn/d/5117020010000001237?s=" + String(repeating: "7", count: 160)

  /// What only shows when all parts are known.
  func check(_ design: PlateDesign) {
    let codes = design.elements.enumerated().compactMap { index, placed -> (Int, PDFBox)? in
      if case .code(let box, _, _) = placed.element { return (index, box) }
      return nil
    }
    guard codes.count == 1 else {
      return collector.error(reader.place("elements"), "\(reader.what)应有且只有一个二维码（qr），现有 \(codes.count) 个")
    }
    let (place, box) = codes[0]
    if let code = try? QRCode(PlateDesignReader.longestContent, level: .high) {
      let module = box.width / Double(code.size + 8)
      if module < PlateDesignReader.smallestModule {
        let side = (PlateDesignReader.smallestModule * Double(code.size + 8)).rounded(.up)
        collector.error(
          reader.place("elements"),
          "\(reader.what)的二维码边长 \(PlateDesign.plain(box.width)) 毫米太小，手机难以识读；至少 \(PlateDesign.plain(side)) 毫米")
      }
    }
    for (index, placed) in design.elements.enumerated() where index != place {
      switch placed.element {
      case .text(_, let other, _) where PlateDesignReader.overlap(box, other):
        collector.error(reader.place("elements"), "\(reader.what)有文字压住二维码，不能识读")
      case .area(let other, _, _) where index > place && PlateDesignReader.overlap(box, other):
        collector.error(reader.place("elements"), "\(reader.what)有色块盖住二维码，不能识读")
      default: break
      }
    }
    for hole in design.holes {
      let reach = PDFBox(
        x: hole.x - hole.diameter / 2, y: hole.y - hole.diameter / 2, width: hole.diameter, height: hole.diameter)
      if PlateDesignReader.overlap(box, reach) { collector.error(reader.place("holes"), "安装孔打在二维码上") }
    }
    if design.samples.isEmpty {
      collector.error(reader.position, "\(reader.what)缺少 samples（样例），不能证明文字放得下")
    }
    let painter = PlatePainter()
    for fields in design.samples {
      do throws(Refusal) {
        _ = try painter.paint(design, fields, content: PlateDesignReader.longestContent)
      } catch {
        collector.error(reader.place("samples"), "\(reader.what)的样例：\(error.message)")
      }
    }
  }

  private static func overlap(_ a: PDFBox, _ b: PDFBox) -> Bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  }
}
