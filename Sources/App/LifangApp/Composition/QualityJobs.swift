import Access
import Addresses
import Core
import Entities
import Jobs
import SQL

/// The inspection of a base as a job: each night, and whenever somebody asks for it.
protocol QualityJob: JobPayload {
  static var label: String { get }
  /// What whoever asks for it must be allowed to.
  static var permission: Permission { get }
  /// The actor who asked for it; 0 for the nightly one.
  var actor: Int64 { get }
  init(actor: Int64)
}

extension QualityJob {
  /// While one waits or runs, another one is the same.
  static var uniqueKey: String { kind }

  init(json: JSON) throws { self.init(actor: json["actor"]?.int ?? 0) }

  var json: JSON { ["actor": .int(actor)] }

  /// - Parameters:
  ///   - principal: what the actor may do now.
  ///   - run: inspects as the principal, reports each step, and answers what the job leaves as its result.
  static func register(
    in kinds: inout JobKinds, principal: @escaping @Sendable (_ actor: Int64) async throws -> Principal,
    run:
      @escaping @Sendable (
        _ principal: Principal, _ report: @escaping @Sendable (Int, Int, String) async throws -> Void
      ) async throws -> JSON
  ) {
    kinds.register(Self.self) { payload, context in
      var actor = Principal.system
      if payload.actor != 0 {
        actor = try await principal(payload.actor)
        try actor.require(permission, toDo: label)
      }
      return try await run(actor) { step, of, what in
        try await context.report(done: Int64(step), total: Int64(of), message: what)
      }
    }
  }
}

/// 地址质量检查.
struct AddressQualityJob: QualityJob {
  static let kind = "address-quality"
  static let label = "地址质量检查"
  static let permission = Permission("address_quality", "inspect")

  let actor: Int64

  init(actor: Int64 = 0) { self.actor = actor }
}

/// 网格检查 (D3-005 to D3-009).
struct GridQualityJob: QualityJob {
  static let kind = "grid-quality"
  static let label = "网格检查"
  static let permission = Permission("grid_quality", "inspect")

  let actor: Int64

  init(actor: Int64 = 0) { self.actor = actor }
}

extension Deployment {
  func addressInspection(_ store: RecordStore) -> AddressInspection {
    AddressInspection(store: store, owner: owner, likeness: CharacterLikeness(pinyin: pinyin))
  }

  /// Makes the inspections known as jobs.
  func registerQualityJobs(
    in kinds: inout JobKinds, _ store: RecordStore,
    principal: @escaping @Sendable (_ actor: Int64) async throws -> Principal
  ) {
    let addresses = addressInspection(store)
    AddressQualityJob.register(in: &kinds, principal: principal) { actor, report in
      try await addresses.run(by: actor, report: report).json
    }
    let grids = GridInspection(store: store, owner: owner)
    GridQualityJob.register(in: &kinds, principal: principal) { actor, report in
      try await grids.run(by: actor, report: report).json
    }
  }
}
