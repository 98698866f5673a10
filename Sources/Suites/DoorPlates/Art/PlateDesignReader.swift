import Core
import Documents
import Entities
import Papers
import YAML

/// Understands one design (`plate: large`) and finds what is wrong with it: names, places beyond the edge, lettering over
/// the code, codes too small to be read, samples that do not fit.
struct PlateDesignReader {
  let document: DeclarationDocument
  let catalog: Catalog
  let collector: FindingCollector
  let reader: MappingReader

  private static let keys = [
    "plate", "label", "source", "kind", "suits", "usual", "basis", "size", "bleed", "colours", "ground", "holes",
    "elements",
    "samples",
  ]

  init(_ document: DeclarationDocument, catalog: Catalog, _ collector: FindingCollector) {
    self.document = document
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(document.node, "门牌版式“\(document.name)”", keys: PlateDesignReader.keys, collector)
  }

  func design() -> PlateDesign? {
    let kind = code(reader.required("kind", limit: 40, fallback: ""), of: "plate_kind", at: reader.place("kind"))
    guard let size = reader.mapping("size", "尺寸", keys: ["width", "height", "radius"]) else {
      collector.error(reader.position, "\(reader.what)缺少 size（尺寸，毫米）")
      return nil
    }
    let width = number(size, "width", in: 40...1500) ?? 100
    let height = number(size, "height", in: 30...1500) ?? 60
    let colours = colours()
    let suits = reader.texts("suits").compactMap { code($0.text, of: "address_kind", at: $0.position) }
    let usual = reader.texts("usual").compactMap { code($0.text, of: "address_kind", at: $0.position) }
    for name in usual where !suits.contains(name) {
      collector.error(reader.place("usual"), "usual 里的“\(name)”不在 suits 里")
    }
    let edge = PDFBox(x: 0, y: 0, width: width, height: height)
    let elements = reader.nodes("elements").compactMap { element($0, colours, edge) }
    guard let kind, let ground = colour(reader, "ground", colours) else {
      if !reader.has("ground") { collector.error(reader.position, "\(reader.what)缺少 ground（底色）") }
      return nil
    }
    let design = PlateDesign(
      name: document.name, label: reader.label(fallback: document.name), kind: kind, suits: suits, usual: usual,
      basis: reader.text("basis", limit: 300) ?? "", width: width, height: height,
      radius: number(size, "radius", in: 0...100) ?? 0, bleed: number(reader, "bleed", in: 0...10) ?? 3, ground: ground,
      holes: holes(edge), elements: elements, samples: samples(), position: reader.position)
    check(design)
    return design
  }

  // MARK: Values

  private func number(_ reader: MappingReader, _ key: String, in range: ClosedRange<Double>) -> Double? {
    guard let node = reader.node(key) else { return nil }
    guard let value = node.text.flatMap({ Double($0) }), range.contains(value) else {
      collector.error(
        node.position,
        "\(reader.what)的 \(key) 应是 \(PlateDesign.plain(range.lowerBound)) 到 \(PlateDesign.plain(range.upperBound)) 的数")
      return nil
    }
    return value
  }

  private func code(_ text: String, of dictionary: String, at position: SourcePosition) -> String? {
    guard let known = catalog.dictionary(dictionary) else { return text.isEmpty ? nil : text }
    if known.code(text) != nil { return text }
    if !text.isEmpty {
      collector.error(
        position, "字典“\(known.label)”没有代码“\(text)”\(Suggestion.text(for: text, among: known.codes.map(\.code)))")
    }
    return nil
  }

  private func colours() -> [String: PrintColor] {
    var colours: [String: PrintColor] = ["white": .white, "black": .black]
    for entry in reader.node("colours")?.mapping ?? [] {
      let item = MappingReader(entry.value, "颜色“\(entry.key)”", keys: ["rgb", "cmyk", "label"], collector)
      let text = item.required("rgb", limit: 7, fallback: "#000000")
      guard text.count == 7, text.hasPrefix("#"), let rgb = UInt32(text.dropFirst(), radix: 16) else {
        collector.error(item.place("rgb"), "颜色应写成 #003DA5 的样子，却是“\(text)”")
        continue
      }
      let inks = item.nodes("cmyk").compactMap { $0.text.flatMap { Double($0) } }
      guard inks.count == 4, inks.allSatisfy({ (0...100).contains($0) }) else {
        collector.error(item.place("cmyk"), "cmyk 应是青、品红、黄、黑四个 0 到 100 的数")
        continue
      }
      if inks.reduce(0, +) > 300 { collector.error(item.place("cmyk"), "四色墨量合计超过 300%，印刷不干") }
      colours[entry.key] = PrintColor(rgb: rgb, inks: inks)
    }
    return colours
  }

  private func colour(_ reader: MappingReader, _ key: String, _ colours: [String: PrintColor]) -> PrintColor? {
    guard let name = reader.text(key, limit: 40) else { return nil }
    if let known = colours[name] { return known }
    collector.error(
      reader.place(key), "没有声明颜色“\(name)”\(Suggestion.text(for: name, among: colours.keys.sorted()))")
    return nil
  }

  /// `[x, y, width, height]` within the plate.
  private func box(_ reader: MappingReader, _ key: String, _ edge: PDFBox) -> PDFBox? {
    guard reader.has(key) else { return nil }
    let numbers = reader.nodes(key).compactMap { $0.text.flatMap { Double($0) } }
    guard numbers.count == 4, numbers[2] > 0, numbers[3] > 0 else {
      collector.error(reader.place(key), "\(key) 应是左、上、宽、高四个毫米数")
      return nil
    }
    let box = PDFBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    if box.x < 0 || box.y < 0 || box.x + box.width > edge.width + 0.01 || box.y + box.height > edge.height + 0.01 {
      collector.error(reader.place(key), "超出牌面 \(PlateDesign.plain(edge.width)) × \(PlateDesign.plain(edge.height)) 毫米")
    }
    return box
  }

  private func holes(_ edge: PDFBox) -> [(x: Double, y: Double, diameter: Double)] {
    reader.nodes("holes").compactMap { node in
      let numbers = (node.sequence ?? []).compactMap { $0.text.flatMap { Double($0) } }
      guard numbers.count == 3, (2...20).contains(numbers[2]), numbers[0] > numbers[2],
        numbers[0] < edge.width - numbers[2], numbers[1] > numbers[2], numbers[1] < edge.height - numbers[2]
      else {
        collector.error(node.position, "安装孔应是 [左, 上, 直径]，直径 2 到 20 毫米，离边不小于直径")
        return nil
      }
      return (numbers[0], numbers[1], numbers[2])
    }
  }

  // MARK: Elements

  private func element(_ node: YAMLNode, _ colours: [String: PrintColor], _ edge: PDFBox) -> PlateDesign.Placed? {
    let item = MappingReader(
      node, "版面元素",
      keys: [
        "text", "area", "frame", "qr", "box", "size", "colour", "light", "weight", "align", "spacing", "condense",
        "smallest", "radius", "line", "when",
      ], collector)
    var when: PlateField?
    if item.has("when") { when = item.choice("when", PlateField.self) }
    guard let element = read(item, colours, edge) else { return nil }
    return PlateDesign.Placed(element: element, when: when)
  }

  private func read(_ item: MappingReader, _ colours: [String: PrintColor], _ edge: PDFBox) -> PlateDesign.Element? {
    let color = colour(item, "colour", colours) ?? .black
    let radius = number(item, "radius", in: 0...200) ?? 0
    if item.has("text") {
      guard let text = text(item), let box = box(item, "box", edge) else {
        if !item.has("box") { collector.error(item.position, "文字缺少 box（左、上、宽、高）") }
        return nil
      }
      enum Weight: String, CaseIterable { case regular, bold }
      let size = number(item, "size", in: 2...600) ?? box.height
      if size > box.height * 1.4 { collector.error(item.place("size"), "字高 \(PlateDesign.plain(size)) 毫米大于所在的框") }
      return .text(
        text, box,
        Lettering(
          size: size, isBold: item.choice("weight", Weight.self) != .regular,
          alignment: item.choice("align", Lettering.Alignment.self) ?? .centre,
          spacing: number(item, "spacing", in: 0...2) ?? 0, condense: number(item, "condense", in: 0.4...1) ?? 0.7,
          smallest: number(item, "smallest", in: 2...600), color: color))
    }
    if let box = box(item, "area", edge) { return .area(box, radius: radius, color) }
    if let box = box(item, "frame", edge) {
      return .frame(box, radius: radius, width: number(item, "line", in: 0.1...50) ?? 1, color)
    }
    if item.has("qr") {
      let numbers = item.nodes("qr").compactMap { $0.text.flatMap { Double($0) } }
      guard numbers.count == 3 else {
        collector.error(item.place("qr"), "qr 应是左、上、边长三个毫米数（边长含静区）")
        return nil
      }
      let box = PDFBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[2])
      if box.x < 0 || box.y < 0 || box.x + box.width > edge.width || box.y + box.height > edge.height {
        collector.error(item.place("qr"), "二维码超出牌面")
      }
      return .code(box, dark: color, light: colour(item, "light", colours) ?? .white)
    }
    collector.error(item.position, "版面元素应有 text、area、frame 或 qr")
    return nil
  }

  private func text(_ item: MappingReader) -> PlateText? {
    guard let text = item.text("text", limit: 200), let pieces = DocumentTextPieces(text) else {
      collector.error(item.place("text"), "文字里的花括号不成对；字段写成 {name}")
      return nil
    }
    var parts: [PlateText.Part] = []
    for piece in pieces.pieces {
      switch piece {
      case .text(let text): parts.append(.text(text))
      case .place(let names, _):
        let fields = names.compactMap { name -> PlateField? in
          if let field = PlateField(rawValue: name) { return field }
          let known = PlateField.allCases.map(\.rawValue)
          collector.error(
            item.place("text"),
            "门牌没有字段“\(name)”（可用：\(known.joined(separator: "、"))）\(Suggestion.text(for: name, among: known))")
          return nil
        }
        parts.append(.fields(fields))
      }
    }
    return PlateText(parts: parts)
  }

  private func samples() -> [PlateFields] {
    reader.nodes("samples").map { node in
      var fields = PlateFields()
      for entry in node.mapping ?? [] {
        guard let field = PlateField(rawValue: entry.key) else {
          let known = PlateField.allCases.map(\.rawValue)
          collector.error(entry.keyPosition, "门牌没有字段“\(entry.key)”\(Suggestion.text(for: entry.key, among: known))")
          continue
        }
        fields[field] = entry.value.text ?? ""
      }
      return fields
    }
  }
}
