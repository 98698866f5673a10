import Access
import Core
package import Entities

/// Finds the assets that a warning may concern (受影响资产, C-612): those with the product that it names, in a version between
/// the two that it names, or whose version nobody knows.
package struct AssetRules: RecordRules {
  static let asset = "asset"
  static let warning = "safety_warning"
  static let affected = "affected_asset"

  package init() {}

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.after(AssetRules.warning) { events, records in
      for event in events where event.kind != .deleted && AssetRules.isMoved(event, AssetRules.warningFields) {
        try await AssetRules.match(warning: event, records.asSystem)
      }
    }
    hooks.after(AssetRules.asset) { events, records in
      for event in events where event.kind != .deleted && AssetRules.isMoved(event, AssetRules.assetFields) {
        try await AssetRules.match(asset: event, records.asSystem)
      }
    }
    // Whose an asset is, is whose it is to settle; also where somebody names it by hand.
    hooks.beforeInsert(AssetRules.affected) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        guard let id = drafts[index]["asset_id"].integer else { continue }
        let asset = try await records.asSystem.get(AssetRules.asset, id)
        drafts[index]["unit_id"] = asset["unit_id"]
        drafts[index]["keeper_id"] = asset["keeper_id"]
      }
    }
  }

  private static let warningFields = ["product", "release_from", "release_until", "state"]
  private static let assetFields = ["product", "release", "state", "unit_id", "keeper_id"]

  private static func isMoved(_ event: RecordEvent, _ fields: [String]) -> Bool {
    event.kind == .created || fields.contains { event.before[$0] != event.after[$0] }
  }

  /// Whether a warning concerns a version; one that nobody knows may be it.
  static func concerns(_ release: String?, from: String?, until: String?) -> Bool {
    guard let release = release.flatMap({ SoftwareRelease($0) }) else { return true }
    if let from = from.flatMap({ SoftwareRelease($0) }), release < from { return false }
    if let until = until.flatMap({ SoftwareRelease($0) }), until < release { return false }
    return true
  }

  /// Names of products are compared without blanks and without regard to case.
  static func product(_ text: String?) -> String? {
    let folded = String(TextForms.folded(text ?? "").lowercased().filter { !$0.isWhitespace })
    return folded.isEmpty ? nil : folded
  }

  private static func match(warning event: RecordEvent, _ system: Records) async throws {
    guard event["state"].text != "lifted" else { return }
    var fitting: Set<Int64> = []
    if let product = product(event["product"].text) {
      for asset in try await all(AssetRules.asset, ["product", "release", "state"], system)
      where AssetRules.product(asset["product"].text) == product && asset["state"].text != "retired"
        && concerns(asset["release"].text, from: event["release_from"].text, until: event["release_until"].text)
      { fitting.insert(asset.id) }
    }
    let known = try await all(
      affected, ["asset_id", "found", "state"], system,
      [ListFilter("safety_warning_id", .equals(.integer(event.id)))])
    try await settle(known, fitting, by: "asset_id", system) { id in
      ["safety_warning_id": .integer(event.id), "asset_id": .integer(id)]
    }
  }

  private static func match(asset event: RecordEvent, _ system: Records) async throws {
    var fitting: Set<Int64> = []
    if let product = product(event["product"].text), event["state"].text != "retired" {
      for warning in try await all(
        AssetRules.warning, ["product", "release_from", "release_until", "state"], system,
        [ListFilter("state", .oneOf([.text("draft"), .text("published")]))])
      where AssetRules.product(warning["product"].text) == product
        && concerns(
          event["release"].text, from: warning["release_from"].text, until: warning["release_until"].text)
      { fitting.insert(warning.id) }
    }
    let known = try await all(
      affected, ["safety_warning_id", "found", "state", "unit_id", "keeper_id"], system,
      [ListFilter("asset_id", .equals(.integer(event.id)))])
    try await settle(known, fitting, by: "safety_warning_id", system) { id in
      ["safety_warning_id": .integer(id), "asset_id": .integer(event.id)]
    }
    for line in known where line["unit_id"] != event["unit_id"] || line["keeper_id"] != event["keeper_id"] {
      guard line["state"].text == "open", let id = line["safety_warning_id"].integer, fitting.contains(id) else {
        continue
      }
      try await system.update(
        affected, line.id, version: nil, ["unit_id": event["unit_id"], "keeper_id": event["keeper_id"]], input: .code)
    }
  }

  /// Adds what fits and takes away what was found before, does not fit any more and nobody has looked at.
  private static func settle(
    _ known: [Record], _ fitting: Set<Int64>, by field: String, _ system: Records,
    _ values: (Int64) -> [String: Value]
  ) async throws {
    let there = Set(known.compactMap { $0[field].integer })
    for id in fitting.subtracting(there).sorted() {
      try await system.insert(affected, values(id).merging(["found": .boolean(true)]) { $1 }, input: .code)
    }
    for line in known where line["found"].boolean == true && line["state"].text == "open" {
      guard let id = line[field].integer, !fitting.contains(id) else { continue }
      try await system.delete(affected, line.id, version: nil)
    }
  }

  private static func all(_ register: String, _ columns: [String], _ system: Records, _ filters: [ListFilter] = [])
    async throws -> [Record]
  {
    try await system.all(ListQuery(register, filters: filters, columns: columns))
  }
}
