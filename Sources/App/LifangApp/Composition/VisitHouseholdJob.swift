import Access
import Core
import DoorPlates
import Entities
import Jobs

/// The nightly round of households (待走访户, A-032) and key objects (重点对象, A-004) that have to be visited.
struct VisitHouseholdJob: JobPayload {
  static let kind = "visit-households"
  static let label = "更新走访户"

  init() {}
  init(json: JSON) throws {}
  var json: JSON { .object([]) }

  static func register(
    in kinds: inout JobKinds, households: VisitHouseholds, keyObjects: KeyObjectDues, parameters: Parameters
  ) {
    kinds.register(VisitHouseholdJob.self) { _, _ in
      let days = Int(try parameters.integer("duty_visit.period_days"))
      return [
        "changed": .int(Int64(try await households.refresh(period: days))),
        "keyObjects": .int(Int64(try await keyObjects.refresh())),
      ]
    }
  }

  static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, VisitHouseholdJob(), label: label, .daily(hour: 3, minute: 40))
  }

  /// The first round, before there is a night.
  static func begin(on jobs: JobQueue) async throws {
    guard try await jobs.list(kind: kind, limit: 1).isEmpty else { return }
    _ = try await jobs.add(VisitHouseholdJob(), label: label, by: .system)
  }
}
