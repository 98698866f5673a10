import Access
import Audit
import Core
import Identity
import SQL
import Testing

@Suite struct APIKeyTests {
  private func key(
    _ fixture: IdentityFixture, _ keys: APIKeys, _ change: (inout NewAPIKey) -> Void = { _ in }
  ) async throws -> (id: Int64, key: String) {
    let role = try await fixture.role("integrator", clearance: "open", grants: ["address.view/all"])
    var new = NewAPIKey(name: "数据交换平台", unit: try await fixture.unit("数据局"), role: role)
    change(&new)
    return try await keys.create(new, by: fixture.officer("api_key.create", "api_key.update"), origin: fixture.origin)
  }

  @Test func aKeyActsWithItsRole() async throws {
    let fixture = try await IdentityFixture()
    let keys = APIKeys(fixture.service)
    let made = try await key(fixture, keys)
    let principal = try await keys.authenticate(made.key, origin: fixture.origin)
    #expect(principal.kind == .key && principal.id == made.id && principal.name == "数据交换平台")
    #expect(principal.may(Permission("address", "view")) && !principal.may(Permission("address", "update")))
    #expect(principal.unit?.name == "数据局" && principal.clearance == .open)
    await fixture.database.close()
    _ = try await keys.authenticate(made.key, origin: fixture.origin)
  }

  @Test func wrongKeysAreRefusedAlike() async throws {
    let fixture = try await IdentityFixture()
    let keys = APIKeys(fixture.service)
    let made = try await key(fixture, keys)
    for text in ["", "x", "lfk_1", "lfk_999_abc", "lfk_\(made.id)_", "lfk_\(made.id)_wrong", made.key + "x", "lfk_x_y"]
    {
      #expect(
        try await fixture.refusal { try await keys.authenticate(text, origin: fixture.origin) } == "api-key-invalid")
    }
  }

  @Test func stateExpiryAndAddressAreKept() async throws {
    let fixture = try await IdentityFixture()
    let keys = APIKeys(fixture.service)
    let made = try await key(fixture, keys) {
      $0.expiresOn = CivilDate("2026-11-18")
      $0.allowedAddresses = "10.1.0.0/16"
    }
    func code(_ address: String = "10.1.2.3") async throws -> String {
      keys.forgetAll()
      return try await fixture.refusal {
        try await keys.authenticate(made.key, origin: Origin(remoteAddress: address))
      }
    }
    #expect(try await code() == "none")
    #expect(try await code("10.2.0.1") == "address-not-allowed")
    fixture.time.advance(seconds: 86400)
    #expect(try await code() == "api-key-expired")
    try await fixture.database.execute("update api_key set status = 'disabled'")
    #expect(try await code() == "api-key-disabled")
  }

  @Test func quotasHoldOverNodesAndDays() async throws {
    let fixture = try await IdentityFixture()
    let keys = APIKeys(fixture.service)
    let made = try await key(fixture, keys) {
      $0.dailyQuota = 5
      $0.minuteQuota = 3
    }
    func call(_ keys: APIKeys) async throws -> String {
      try await fixture.refusal { try await keys.authenticate(made.key, origin: fixture.origin) }
    }
    for _ in 0..<3 { #expect(try await call(keys) == "none") }
    #expect(try await call(keys) == "minute-quota")
    try await keys.flush()
    fixture.time.advance(seconds: 60)
    let other = APIKeys(fixture.service)
    for _ in 0..<2 { #expect(try await call(other) == "none") }
    #expect(try await call(other) == "daily-quota")
    try await other.flush()
    try await other.flush()
    #expect(try await fixture.database.value("select calls from api_key_usage", as: Int64.self) == 5)
    fixture.time.advance(seconds: 86400)
    #expect(try await call(other) == "none")
  }

  @Test func aReplacedSecretEndsTheOldOne() async throws {
    let fixture = try await IdentityFixture()
    let keys = APIKeys(fixture.service)
    let made = try await key(fixture, keys)
    let officer = fixture.officer("api_key.update")
    let fresh = try await keys.replaceSecret(of: made.id, by: officer, origin: fixture.origin)
    #expect(
      try await fixture.refusal { try await keys.authenticate(made.key, origin: fixture.origin) } == "api-key-invalid")
    #expect(try await fixture.refusal { try await keys.authenticate(fresh, origin: fixture.origin) } == "none")
    let kept: String = try await fixture.database.value(
      "select string_agg(c::text, ' ') || (select string_agg(a::text, ' ') from audit_entry a) from api_key_credential c"
    )
    #expect(!kept.contains(fresh.split(separator: "_").last.map(String.init) ?? ""))
  }
}
