package import Access
package import Core
package import Entities
package import SQL

/// 地址质量检查: goes over the whole base of addresses and keeps the register of defects as it is.
///
/// Everything is found by statements over sets inside one transaction; what does not fit into the database's working
/// memory lies on its disk, so that this process holds a page at a time, however many addresses there are. A defect found
/// again is the same row. One no longer there becomes 已消除, one settled as 属实不改 stays so, and one that was called
/// corrected and is still there is open again.
package struct AddressInspection: Sendable {
  let store: RecordStore
  /// Works as the owner of the tables.
  let owner: Database
  let likeness: CharacterLikeness

  package init(store: RecordStore, owner: Database, likeness: CharacterLikeness) {
    self.store = store
    self.owner = owner
    self.likeness = likeness
  }

  /// What an inspection came to.
  package struct Outcome: Sendable, Hashable {
    /// Addresses that stand, that is were looked at.
    package var addresses: Int64 = 0
    /// What is wrong now, by kind, whether listed before or not.
    package var found: [AddressDefect.Kind: Int64] = [:]
    package var new: Int64 = 0
    package var reopened: Int64 = 0
    package var gone: Int64 = 0

    package var json: JSON {
      [
        "addresses": .int(addresses), "new": .int(new), "reopened": .int(reopened), "gone": .int(gone),
        "found": .object(
          AddressDefect.Kind.allCases.compactMap { kind in found[kind].map { (kind.rawValue, .int($0)) } }),
      ]
    }
  }

  /// - Parameters:
  ///   - kinds: what to look for; defects of other kinds stay as they are.
  ///   - report: told before each step which it is, with the number of steps; what it throws ends the inspection, and
  ///     nothing has changed.
  @discardableResult package func run(
    _ kinds: Set<AddressDefect.Kind> = Set(AddressDefect.Kind.allCases), by principal: Principal = .system,
    report: @Sendable (_ step: Int, _ of: Int, _ what: String) async throws -> Void = { _, _, _ in }
  ) async throws -> Outcome {
    let outcome = try await owner.transaction { transaction in
      // Two inspections take turns.
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('lifang.address-inspection'))")
      let began = store.clock.now()
      try await transaction.execute("set local work_mem = '64MB'")
      try await transaction.execute("set local synchronous_commit = off")
      try await transaction.execute(
        """
        create temp table defect_found (
          kind text not null, address_id bigint not null, other_id bigint, evidence text not null
        ) on commit drop
        """)
      let steps = steps.filter { !kinds.isDisjoint(with: $0.kinds) }
      for (index, step) in steps.enumerated() {
        try await report(index, steps.count + 1, step.label)
        try await step.body(transaction)
      }
      try await report(steps.count, steps.count + 1, "登记")
      return try await settle(kinds, began: began, by: principal, in: transaction)
    }
    try await report(1, 1, "完成")
    return outcome
  }

  private struct Step {
    let label: String
    let kinds: Set<AddressDefect.Kind>
    let body: @Sendable (Transaction) async throws -> Void
  }

  private var steps: [Step] {
    [
      Step(label: "查找重复地址", kinds: [.duplicate]) { try await findDuplicates(in: $0) },
      Step(label: "核对门牌号顺序", kinds: [.houseNumber, .parity, .gap, .location]) {
        try await findAlongRoads(in: $0)
      },
      Step(label: "核对门牌副号", kinds: [.subNumber]) { try await findSubNumbers(in: $0) },
      Step(label: "核对室号", kinds: [.roomNumber]) { try await findRooms(in: $0) },
      Step(label: "核对所属区划", kinds: [.division]) { try await findDivisions(in: $0) },
      Step(label: "核对位置", kinds: [.outside, .location]) { try await findPlaces(in: $0) },
    ]
  }
}
