/// Names of what the store makes in the database: the same declaration always gives the same name.
enum SchemaName {
  /// PostgreSQL cuts longer identifiers silently.
  static let maximumLength = 63

  static let searchColumn = "search_vector"

  static func index(_ table: String, _ parts: [String], unique: Bool = false) -> String {
    fitted([table] + parts + [unique ? "key" : "idx"])
  }

  static func reference(_ table: String, _ column: String) -> String { fitted([table, column, "fkey"]) }

  static func check(_ table: String, _ column: String) -> String { fitted([table, column, "check"]) }

  static func identity(_ table: String) -> String { fitted([table, "pkey"]) }

  /// The per-transaction setting that carries the scope of one entity to its row-level security.
  static func scopeSetting(_ entity: String) -> String { "lifang.scope_\(entity)" }

  /// Joins `parts` by `_`; a name that is too long keeps its beginning and ends in a fingerprint of the whole.
  static func fitted(_ parts: [String]) -> String {
    let name = parts.joined(separator: "_")
    guard name.utf8.count > maximumLength else { return name }
    return String(decoding: name.utf8.prefix(maximumLength - 9), as: UTF8.self) + "_" + fingerprint(name)
  }

  /// Eight hex digits of 32-bit FNV-1a: short, stable, and not for secrets.
  static func fingerprint(_ text: String) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 8 - digits.utf8.count) + digits
  }
}
