import CYAML
import Glibc

extension YAMLNode {
  /// Reads one document.
  ///
  /// Refused are: a second document, explicit tags, keys that are not scalars, duplicate keys, aliases of unknown or
  /// enclosing anchors, and what exceeds `limits`. An empty text is null.
  ///
  /// - Parameters:
  ///   - text: YAML 1.1 as libyaml reads it, in UTF-8.
  ///   - file: named in positions and failures.
  package init(parsing text: String, file: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLFailure) {
    try self.init(parsing: Array(text.utf8), file: file, limits: limits)
  }

  package init(parsing bytes: [UInt8], file: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLFailure) {
    guard bytes.count <= limits.bytes else {
      throw YAMLFailure(
        at: SourcePosition(file: file, line: 1, column: 1), "文件有 \(bytes.count) 字节，超过上限 \(limits.bytes) 字节")
    }
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<YAMLNode, YAMLFailure> in
      let parser = YAMLParser(buffer, file: file, limits: limits)
      do throws(YAMLFailure) { return .success(try parser.document()) } catch { return .failure(error) }
    }
    self = try result.get()
  }

  /// Reads the document in the file at `path`; positions name `name`, or the path without it.
  package init(contentsOf path: String, named name: String? = nil, limits: YAMLLimits = YAMLLimits())
    throws(YAMLFailure)
  {
    let start = SourcePosition(file: name ?? path, line: 1, column: 1)
    guard let file = fopen(path, "rb") else {
      throw YAMLFailure(at: start, "文件打不开：\(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while bytes.count <= limits.bytes {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    if ferror(file) != 0 { throw YAMLFailure(at: start, "文件读不出来：\(String(cString: strerror(errno)))") }
    try self.init(parsing: bytes, file: start.file, limits: limits)
  }
}

/// One pass over libyaml's events; builds nodes and keeps the anchors seen so far.
private final class YAMLParser {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let file: String
  private let limits: YAMLLimits
  private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
  private var count = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, file: String, limits: YAMLLimits) {
    self.file = file
    self.limits = limits
    parser = .allocate(capacity: 1)
    yaml_parser_initialize(parser)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  func document() throws(YAMLFailure) -> YAMLNode {
    var root = YAMLNode(.scalar("", .plain), at: SourcePosition(file: file, line: 1, column: 1))
    var documents = 0
    while true {
      var event = try next()
      let type = event.type
      let position = place(event.start_mark)
      yaml_event_delete(&event)
      switch type {
      case YAML_DOCUMENT_START_EVENT:
        documents += 1
        if documents > 1 { throw YAMLFailure(at: position, "一个文件只能有一份文档，请把第二份移到另一个文件") }
        root = try node(depth: 0)
      case YAML_STREAM_END_EVENT: return root
      default: continue
      }
    }
  }

  private func node(depth: Int) throws(YAMLFailure) -> YAMLNode {
    var event = try next()
    defer { yaml_event_delete(&event) }
    guard let node = try node(from: event, depth: depth) else {
      throw YAMLFailure(at: place(event.start_mark), "这里应有一个值")
    }
    return node
  }

  /// The node that `event` begins, or `nil` when it ends a container.
  private func node(from event: yaml_event_t, depth: Int) throws(YAMLFailure) -> YAMLNode? {
    let position = place(event.start_mark)
    let start = count
    let made: YAMLNode
    let anchor: UnsafeMutablePointer<UInt8>?
    switch event.type {
    case YAML_ALIAS_EVENT: return try alias(event.data.alias.anchor, at: position)
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try refuse(tag: scalar.tag, at: position)
      anchor = scalar.anchor
      made = try self.scalar(scalar, at: position)
    case YAML_SEQUENCE_START_EVENT:
      try refuse(tag: event.data.sequence_start.tag, at: position)
      anchor = event.data.sequence_start.anchor
      try enter(depth, at: position)
      made = YAMLNode(.sequence(try sequence(depth: depth + 1)), at: position)
    case YAML_MAPPING_START_EVENT:
      try refuse(tag: event.data.mapping_start.tag, at: position)
      anchor = event.data.mapping_start.anchor
      try enter(depth, at: position)
      made = YAMLNode(.mapping(try mapping(depth: depth + 1)), at: position)
    default: return nil
    }
    try add(1, at: position)
    if let anchor { anchors[String(cString: anchor)] = (made, count - start) }
    return made
  }

  private func scalar(_ scalar: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar, at position: SourcePosition)
    throws(YAMLFailure) -> YAMLNode
  {
    let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw YAMLFailure(at: position, "这里的文字不是有效的 UTF-8")
    }
    let style: YAMLNode.Style =
      switch scalar.style {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: .quoted
      case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
      default: .plain
      }
    return YAMLNode(.scalar(text, style), at: position)
  }

  private func sequence(depth: Int) throws(YAMLFailure) -> [YAMLNode] {
    var nodes: [YAMLNode] = []
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      guard let node = try node(from: event, depth: depth) else { return nodes }
      nodes.append(node)
    }
  }

  private func mapping(depth: Int) throws(YAMLFailure) -> [YAMLNode.Entry] {
    var entries: [YAMLNode.Entry] = []
    var seen: [String: SourcePosition] = [:]
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      guard let key = try node(from: event, depth: depth) else { return entries }
      guard case .scalar(let name, _) = key.content else {
        throw YAMLFailure(at: key.position, "键必须是单个值，不能是列表或键值对")
      }
      if let first = seen.updateValue(key.position, forKey: name) {
        throw YAMLFailure(at: key.position, "键“\(name)”重复，第一次在第 \(first.line) 行")
      }
      entries.append(YAMLNode.Entry(key: name, keyPosition: key.position, value: try node(depth: depth)))
    }
  }

  private func alias(_ anchor: UnsafeMutablePointer<UInt8>, at position: SourcePosition) throws(YAMLFailure) -> YAMLNode
  {
    let name = String(cString: anchor)
    guard let known = anchors[name] else {
      throw YAMLFailure(at: position, "引用“*\(name)”之前没有定义完整的锚点“&\(name)”")
    }
    try add(known.count, at: position)
    return known.node
  }

  private func add(_ nodes: Int, at position: SourcePosition) throws(YAMLFailure) {
    count += nodes
    if count > limits.nodes { throw YAMLFailure(at: position, "内容（含展开的引用）超过 \(limits.nodes) 个值的上限") }
  }

  private func enter(_ depth: Int, at position: SourcePosition) throws(YAMLFailure) {
    if depth >= limits.depth { throw YAMLFailure(at: position, "嵌套超过 \(limits.depth) 层") }
  }

  private func refuse(tag: UnsafeMutablePointer<UInt8>?, at position: SourcePosition) throws(YAMLFailure) {
    if let tag { throw YAMLFailure(at: position, "不支持类型标签“\(String(cString: tag))”，请去掉它") }
  }

  private func next() throws(YAMLFailure) -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    return event
  }

  private func place(_ mark: yaml_mark_t) -> SourcePosition {
    SourcePosition(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private func failure() -> YAMLFailure {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "unknown problem"
    switch parser.pointee.error {
    case YAML_READER_ERROR:
      return YAMLFailure(
        at: place(parser.pointee.mark), "第 \(parser.pointee.problem_offset + 1) 个字节处不是有效的 UTF-8 文字（\(problem)）")
    case YAML_MEMORY_ERROR: return YAMLFailure(at: place(parser.pointee.mark), "内存不足")
    default: return YAMLFailure(at: place(parser.pointee.problem_mark), "YAML 语法错误：\(problem)")
    }
  }
}
