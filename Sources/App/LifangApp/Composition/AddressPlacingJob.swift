import Access
import Addresses
import Core
import Jobs

extension Deployment {
  /// Sees and changes every address, as the system does.
  func addressPlacing() -> AddressPlacing { AddressPlacing(database: owner, gazetteer: gazetteer, clock: clock) }
}

/// The nightly run that gives addresses the links and positions they lack (归属定位): those of imports by command, and
/// those whose road, building or neighbour has come since.
struct AddressPlacingJob: JobPayload {
  static let kind = "address-place"

  init() {}
  init(json: JSON) throws {}
  var json: JSON { .object([]) }

  static func register(in kinds: inout JobKinds, placing: AddressPlacing) {
    kinds.register(AddressPlacingJob.self) { _, context in
      try await placing.run(by: .system) { counts in
        try await context.report(done: Int64(counts.read), total: nil, message: counts.words)
      }.json
    }
  }

  static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, AddressPlacingJob(), label: "地址归属和定位", .daily(hour: 2, minute: 0))
  }
}

extension AddressPlacing.Counts {
  var json: JSON { ["read": .int(Int64(read)), "placed": .int(Int64(placed)), "located": .int(Int64(located))] }

  var words: String { "看过 \(read) 条缺少归属或位置的地址，补上 \(placed) 条，其中定位 \(located) 条" }
}
