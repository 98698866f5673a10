/// A media type with its parameters (RFC 9110 §8.3.1), such as `multipart/form-data; boundary=x`.
package struct MediaType: Sendable, Hashable {
  /// Type and subtype in lower case, such as `text/html`.
  package let essence: String
  /// Parameter values by name in lower case.
  package let parameters: [String: String]

  /// Returns `nil` for text that is no media type.
  package init?(_ text: String) {
    var rest = text.utf8[...]
    func until(_ stop: UInt8) -> Substring.UTF8View {
      let end = rest.firstIndex(of: stop) ?? rest.endIndex
      defer { rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...] }
      return rest[..<end]
    }
    let essence = Substring(until(UInt8(ascii: ";"))).trimmed
    let parts = essence.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Token.isToken) }) else { return nil }
    self.essence = String(decoding: essence.utf8.map(Token.lowercased), as: UTF8.self)
    var parameters: [String: String] = [:]
    while !rest.isEmpty {
      while let first = rest.first, [0x20, 0x09, UInt8(ascii: ";")].contains(first) { rest = rest.dropFirst() }
      if rest.isEmpty { break }
      let name = Substring(until(UInt8(ascii: "="))).trimmed
      let key = String(decoding: name.utf8.map(Token.lowercased), as: UTF8.self)
      guard Token.isToken(key) else { return nil }
      var value: [UInt8] = []
      if rest.first == UInt8(ascii: "\"") {
        rest = rest.dropFirst()
        var closed = false
        while let byte = rest.first {
          rest = rest.dropFirst()
          if byte == UInt8(ascii: "\"") {
            closed = true
            break
          }
          if byte == UInt8(ascii: "\\"), let next = rest.first, next == UInt8(ascii: "\"") || next == byte {
            rest = rest.dropFirst()
            value.append(next)
          } else {
            value.append(byte)
          }
        }
        guard closed else { return nil }
        _ = until(UInt8(ascii: ";"))
      } else {
        value = Array(Substring(until(UInt8(ascii: ";"))).trimmed.utf8)
      }
      if parameters[key] == nil { parameters[key] = String(decoding: value, as: UTF8.self) }
    }
    self.parameters = parameters
  }

  /// The type of a file by the ending of its name; `application/octet-stream` when it is unknown.
  package static func ofFile(_ name: String) -> String {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "application/octet-stream" }
    let ending = String(decoding: name.utf8[name.utf8.index(after: dot)...].map(Token.lowercased), as: UTF8.self)
    return byEnding[ending] ?? "application/octet-stream"
  }

  /// Whether compressing pays: texts and text-like formats do, pictures and archives are compressed already.
  package static func isText(_ value: String) -> Bool {
    let essence = value.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 }
    let text = Substring(essence)
    return text.hasPrefix("text/") || text.hasSuffix("+json") || text.hasSuffix("+xml")
      || textLike.contains(String(text))
  }

  private static let textLike: Set<String> = [
    "application/json", "application/javascript", "application/xml", "application/manifest+json",
    "application/geo+json", "application/wasm", "application/x-protobuf", "application/vnd.mapbox-vector-tile",
  ]

  private static let byEnding: [String: String] = [
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8", "txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8", "json": "application/json", "map": "application/json",
    "geojson": "application/geo+json", "webmanifest": "application/manifest+json", "xml": "application/xml",
    "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon", "woff": "font/woff", "woff2": "font/woff2",
    "ttf": "font/ttf", "otf": "font/otf", "pdf": "application/pdf", "zip": "application/zip",
    "wasm": "application/wasm", "pbf": "application/x-protobuf", "mvt": "application/vnd.mapbox-vector-tile",
    "mp3": "audio/mpeg", "mp4": "video/mp4", "webm": "video/webm",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ]
}
