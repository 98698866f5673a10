import Access
import Core
package import Entities
package import Files
import SQL

/// Finds images that are no good by measuring their pixels (图片质量自动判断, C-038, C-296, C-325).
///
/// What is measured: size, brightness, how much is on the page, how sharp its edges are, and whether the same file
/// stands in another case. What is not: missing or cut pages, papers upside down, the wrong paper.
package struct ImageInspection: Sendable {
  let store: RecordStore
  let measures: FileMeasures
  let parameters: Parameters

  package init(store: RecordStore, measures: FileMeasures, parameters: Parameters) {
    self.store = store
    self.measures = measures
    self.parameters = parameters
  }

  /// From where on an image counts as bad; administrators set them.
  package struct Limits: Sendable, Hashable {
    package var side: Int64 = 700
    package var brightness: Int64 = 70
    package var ink: Int64 = 2
    package var sharpness: Int64 = 30

    package init() {}
  }

  /// What is wrong with a paper by its measures, by code of the dictionary `image_fault`.
  package static func faults(_ measure: FileMeasure, _ limits: Limits, isDoubled: Bool) -> [String] {
    var faults: [String] = []
    if isDoubled { faults.append("doubled") }
    guard let width = measure.width, let height = measure.height else { return faults + ["unreadable"] }
    if min(width, height) < Int(limits.side) { faults.append("small") }
    if let brightness = measure.brightness, brightness < Double(limits.brightness) { faults.append("dark") }
    // A blank page has no edges either, and is called blank only.
    if let ink = measure.ink, ink < Double(limits.ink) {
      faults.append("blank")
    } else if let sharpness = measure.sharpness, sharpness < Double(limits.sharpness) {
      faults.append("blurred")
    }
    return faults.sorted()
  }

  private var limits: Limits {
    var limits = Limits()
    func set(_ name: String, _ path: WritableKeyPath<Limits, Int64>) {
      if let value = try? parameters.integer("image.\(name)") { limits[keyPath: path] = value }
    }
    set("min_side", \.side)
    set("min_brightness", \.brightness)
    set("min_ink", \.ink)
    set("min_sharpness", \.sharpness)
    return limits
  }

  /// Measures what has been uploaded since the last time and enters what it finds.
  ///
  /// - Returns: how many files were judged; ask again while it is not zero.
  package func run() async throws -> Int {
    let measured = try await measures.measurePending(of: ServiceCase.material)
    for one in measured {
      do {
        try await judge(one)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        // One that cannot be judged holds up no other, and after some tries is left alone.
        guard try await measures.postpone(one.key, because: error) else { continue }
        try await store.database.transaction { try await FileMeasures.markJudged(one.key, in: $0) }
      }
    }
    return measured.count
  }

  /// What somebody who has just uploaded a file should know of its quality, in words (C-325): 过暗、模糊. Never keeps a
  /// file out: what cannot be measured now has no faults.
  package func complaints(about key: String) async -> [String] {
    do {
      let faults = ImageInspection.faults(try await measures.measure(key), limits, isDoubled: false)
      let names = store.catalog.dictionary("image_fault")
      return faults.map { names?.label(of: $0) ?? $0 }
    } catch {
      measures.report(error)
      return []
    }
  }

  private func judge(_ one: FileMeasures.Measured) async throws {
    let limits = limits
    try await store.database.transaction { transaction in
      let rows = try await transaction.pipeline([
        Inbox.openScope, "select set_config('lifang.scope_case_material', '{\"all\":true}', true)",
        """
        select m.label, m.service_case_id, c.unit_id, c.division_code, r.created_by,
          exists (select 1 from file_reference other join case_material om
              on other.entity = 'case_material' and om.id = other.record_id
            where other.object_id = r.object_id and om.service_case_id <> m.service_case_id) as doubled
        from case_material m join service_case c on c.id = m.service_case_id join file_reference r on r.key = \(one.key)
        where m.id = \(one.record)
        """,
      ])[2]
      try await FileMeasures.markJudged(one.key, in: transaction)
      guard let row = rows.first else { return }
      let faults = ImageInspection.faults(one.measure, limits, isDoubled: try row.get("doubled"))
      guard !faults.isEmpty else { return }
      func decimal(_ value: Double?) -> Value {
        value.map { .decimal(FixedDecimal(millionths: Int64(($0 * 10).rounded()) * 100_000)) } ?? .null
      }
      let uploader: Int64 = try row.get("created_by")
      try await store.records(as: .system).within(transaction).insert(
        "image_finding",
        [
          "service_case_id": .integer(try row.get("service_case_id")), "label": .text(try row.get("label")),
          "file_key": .text(one.key), "faults": .list(faults),
          "unit_id": try row.get("unit_id", as: Int64?.self).map { .integer($0) } ?? .null,
          "division_code": try row.get("division_code", as: String?.self).map { .text($0) } ?? .null,
          "uploaded_by": uploader > 0 ? .integer(uploader) : .null,
          "width": one.measure.width.map { .integer(Int64($0)) } ?? .null,
          "height": one.measure.height.map { .integer(Int64($0)) } ?? .null,
          "brightness": decimal(one.measure.brightness), "sharpness": decimal(one.measure.sharpness),
          "ink": decimal(one.measure.ink), "found_at": .instant(store.clock.now()), "state": .text("open"),
        ].filter { !$0.value.isNull }, input: .code)
    }
  }
}
