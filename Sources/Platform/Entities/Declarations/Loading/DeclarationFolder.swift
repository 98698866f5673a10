import Glibc
import YAML

/// Finds and reads the declarations under a folder: `<area>/<kind>/<name>.yaml`.
enum DeclarationFolder {
  /// Reads every declaration in the order of names; folders of other kinds of resource are passed by.
  static func documents(in root: String, origin: DeclarationOrigin, _ collector: FindingCollector)
    -> [DeclarationDocument]
  {
    let start = SourcePosition(file: root, line: 1, column: 1)
    guard let areas = entries(of: root) else {
      collector.error(start, "文件夹打不开：\(String(cString: strerror(errno)))")
      return []
    }
    var documents: [DeclarationDocument] = []
    for area in areas where isFolder("\(root)/\(area)") {
      refuseMisplaced(in: "\(root)/\(area)", collector)
      for kind in DeclarationDocument.Kind.allCases {
        let folder = "\(root)/\(area)/\(kind.folder)"
        for file in entries(of: folder) ?? [] {
          let path = "\(folder)/\(file)"
          if file.hasSuffix(".yml") {
            collector.error(SourcePosition(file: path, line: 1, column: 1), "请把扩展名改为 .yaml")
          }
          guard file.hasSuffix(".yaml") else { continue }
          if let document = document(path, file, origin, area, kind, collector) { documents.append(document) }
        }
      }
    }
    return documents
  }

  /// Reports declarations in folders where nobody looks for them, such as `entity` for `entities`.
  private static func refuseMisplaced(in area: String, _ collector: FindingCollector) {
    let kinds = DeclarationDocument.Kind.allCases
    let known = Set(kinds.map(\.folder))
    for name in entries(of: area) ?? [] where !known.contains(name) {
      let files = isFolder("\(area)/\(name)") ? (entries(of: "\(area)/\(name)") ?? []).map { "\(name)/\($0)" } : [name]
      for file in files where file.hasSuffix(".yaml") || file.hasSuffix(".yml") {
        let key = firstKey(of: "\(area)/\(file)")
        guard let kind = kinds.first(where: { $0.rawValue == key || $0.overlayKey == key }) else { continue }
        collector.error(
          SourcePosition(file: "\(area)/\(file)", line: 1, column: 1),
          "\(kind.label)应放在文件夹 \(kind.folder) 里、以 .yaml 结尾，放在这里不会被读到")
      }
    }
  }

  /// The first key of a file, as far as its beginning shows it.
  private static func firstKey(of path: String) -> String? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 2000)
    let count = fread(&bytes, 1, bytes.count, file)
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix("#") || line.hasPrefix("---") { continue }
      return line.split(separator: ":", maxSplits: 1).first.map(String.init)
    }
    return nil
  }

  private static func document(
    _ path: String, _ file: String, _ origin: DeclarationOrigin, _ area: String, _ kind: DeclarationDocument.Kind,
    _ collector: FindingCollector
  ) -> DeclarationDocument? {
    let node: YAMLNode
    do throws(YAMLFailure) { node = try YAMLNode(contentsOf: path) } catch {
      collector.error(error.position, error.message)
      return nil
    }
    let document = DeclarationDocument(node, origin: origin, area: area, folder: kind.folder, collector)
    if let document, document.name != file.dropLast(5) {
      collector.error(document.namePosition, "文件名应与名称一致：\(document.name).yaml")
    }
    return document
  }

  /// The names in a folder in order, hidden ones left out; `nil` when it cannot be opened.
  private static func entries(of folder: String) -> [String]? {
    guard let directory = opendir(folder) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
