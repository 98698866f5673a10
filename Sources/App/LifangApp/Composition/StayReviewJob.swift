import Core
import Entities
import Jobs
import Residences

/// The morning's reminder of stays to be confirmed (居住核实提醒, A-023); nobody is told twice in a week.
struct StayReviewJob: JobPayload {
  static let kind = "residence-review"

  init() {}
  init(json: JSON) throws {}
  var json: JSON { .object([]) }

  static func register(in kinds: inout JobKinds, review: StayReview, parameters: Parameters) {
    kinds.register(StayReviewJob.self) { _, _ in
      let days = Int(try parameters.integer("residence.review_days"))
      return ["told": .int(Int64(try await review.remind(after: days)))]
    }
  }

  static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, StayReviewJob(), label: "提醒核实居住登记", .daily(hour: 7, minute: 0))
  }
}
