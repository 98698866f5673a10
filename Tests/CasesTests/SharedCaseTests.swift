import Access
import Audit
import Cases
import Connectors
import Core
import Entities
import Testing

/// What cases say is shared once they are completed, and not what somebody has only applied for.
@Suite struct SharedCaseTests {
  @Test func anApplicationIsNoFactBeforeItWasGranted() async throws {
    let laid = try CaseFixture.catalog.get().laying([
      (
        file: "births.yaml",
        yaml: """
        resources: births
        label: 出生
        share: open
        items:
          - {name: born, number: 1, label: 出生, register: hukou_birth, owner: {state: completed}, fields: [child_name]}
        """
      )
    ])
    let resources = SharedResources(laid.catalog)
    #expect(resources.findings.isEmpty, "\(resources.findings)")
    let city = try await CaseFixture()
    let sharing = ResourceSharing(resources, store: city.store)
    try await sharing.publish()
    let key = Principal(kind: .key, id: 41, name: "民政接口", unit: nil, grants: Grants([]), clearance: .secret)
    func born(_ name: Value) async throws -> [Value] {
      try await sharing.query(
        "born", filters: ["child_name": name.text ?? ""], limit: 20, offset: 0, by: key, origin: .inside
      ).1.map { $0["child_name"] }
    }
    func child(_ id: Int64) async throws -> Value {
      try #require(
        try await city.store.records(as: .system, purpose: "核对").attached("hukou_birth", to: id, reveal: true).first)[
          "child_name"]
    }
    let open = try await child(try await city.start())
    #expect(!open.isBlank)
    #expect(try await born(open) == [])
    let done = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    #expect(try await city.state(done)["state"].text == "completed")
    let granted = try await child(done)
    #expect(try await born(granted) == [granted])
  }

  @Test func aFormMustSayWhichOfItsCasesCount() throws {
    let laid = try CaseFixture.catalog.get().laying([
      (
        file: "births.yaml",
        yaml: """
        resources: births
        label: 出生
        items:
          - {name: born, number: 1, label: 出生, register: hukou_birth, fields: [child_name]}
        """
      )
    ])
    #expect(SharedResources(laid.catalog).findings.contains { $0.message.contains("owner") })
  }
}
