import Access
import Addresses
import Core
import Entities
import Jobs
import SQL

/// 地址质量检查 as a job: each night, and whenever somebody asks for it.
struct AddressQualityJob: JobPayload {
  static let kind = "address-quality"
  static let label = "地址质量检查"
  /// While one waits or runs, another one is the same.
  static let uniqueKey = "address-quality"

  /// The actor who asked for it; 0 for the nightly one.
  let actor: Int64

  init(actor: Int64 = 0) { self.actor = actor }

  init(json: JSON) throws { actor = json["actor"]?.int ?? 0 }

  var json: JSON { ["actor": .int(actor)] }

  /// - Parameter principal: what the actor may do now.
  static func register(
    in kinds: inout JobKinds, inspection: AddressInspection,
    principal: @escaping @Sendable (_ actor: Int64) async throws -> Principal
  ) {
    kinds.register(AddressQualityJob.self) { payload, context in
      var actor = Principal.system
      if payload.actor != 0 {
        actor = try await principal(payload.actor)
        try actor.require(Permission("address_quality", "inspect"), toDo: "检查地址质量")
      }
      let outcome = try await inspection.run(by: actor) { step, of, what in
        try await context.report(done: Int64(step), total: Int64(of), message: what)
      }
      return outcome.json
    }
  }
}

extension Deployment {
  func addressInspection(_ store: RecordStore) -> AddressInspection {
    AddressInspection(store: store, owner: owner, likeness: CharacterLikeness(pinyin: pinyin))
  }
}
