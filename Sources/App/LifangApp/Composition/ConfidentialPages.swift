import Access
import Entities

/// Which pages carry the watermark: registers with personal data or secret fields, cases, looks at people, logs (C-552).
enum ConfidentialPages {
  private static let areas: Set<Substring> = [
    "archives", "cases", "inbox", "lookup", "logs", "online", "ferry", "operation", "visits", "queries", "talks",
  ]

  /// - Parameter path: as `/r/person/12`.
  static func holds(_ path: String, _ catalog: Catalog) -> Bool {
    let parts = path.split(separator: "/", maxSplits: 3)
    guard let area = parts.first else { return false }
    if areas.contains(area) { return true }
    if area == "inspection", parts.count > 1 { return ["visit", "household"].contains(parts[1]) }
    guard area == "r", parts.count > 1, let entity = catalog.entity(String(parts[1])) else { return false }
    return entity.personal || entity.fields.contains { $0.classification == .secret }
  }
}
