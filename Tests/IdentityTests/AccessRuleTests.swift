import Core
@testable import Identity
import Testing

@Suite struct AccessRuleTests {
  @Test(arguments: [
    ("", "10.0.0.1", true), ("10.1.0.0/16", "10.1.255.255", true), ("10.1.0.0/16", "10.2.0.0", false),
    ("10.1.2.3", "10.1.2.3", true), ("10.1.2.3", "10.1.2.4", false), ("10.1.2.77/26", "10.1.2.64", true),
    ("10.1.2.77/26", "10.1.2.63", false), ("10.0.0.1-10.0.0.9, 192.168.0.0/24", "192.168.0.7", true),
    ("10.0.0.1-10.0.0.9", "10.0.0.10", false), ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false), ("::/0", "10.0.0.1", true),
    ("2001:db8::8000:0:0:0/65", "2001:db8::7fff:0:0:0", false), ("10.0.0.0/8", "not-an-address", false),
    ("10.0.0.0/8；192.168.1.1", "192.168.1.1", true),
  ])
  func addressesFallInTheirNetworks(rule: String, address: String, allowed: Bool) throws {
    #expect(try AddressRule(rule).allows(address) == allowed)
  }

  @Test func withoutAnAddressOnlyTheEmptyRuleAllows() throws {
    #expect(try AddressRule("").allows(nil))
    #expect(try !AddressRule("0.0.0.0/0").allows(nil))
  }

  @Test(arguments: ["10.0.0.0/33", "10.0.0", "10.0.0.9-10.0.0.1", "x", "10.0.0.1-::1", "::/129", "10.0.0.0/-1"])
  func unreadableAddressesAreRefused(rule: String) {
    #expect(throws: Refusal.self) { try AddressRule(rule) }
  }

  @Test(arguments: [
    ("", "2026-11-21 03:00", true), ("1-5 08:00-18:00", "2026-11-18 08:00", true),
    ("1-5 08:00-18:00", "2026-11-18 18:00", false), ("1-5 08:00-18:00", "2026-11-21 10:00", false),
    ("1-5 08:00-18:00; 6 09:00-12:00", "2026-11-21 10:00", true), ("08:00-18:00", "2026-11-22 10:00", true),
    ("22:00-06:00", "2026-11-18 23:30", true), ("22:00-06:00", "2026-11-18 05:59", true),
    ("22:00-06:00", "2026-11-18 12:00", false), ("5 22:00-06:00", "2026-11-21 05:00", true),
    ("5 22:00-06:00", "2026-11-22 05:00", false), ("7 22:00-06:00", "2026-11-23 05:00", true),
    ("00:00-24:00", "2026-11-18 23:59", true),
  ])
  func hoursFallInTheirWindows(rule: String, time: String, allowed: Bool) throws {
    let time = try #require(Instant(time))
    #expect(try HourRule(rule).allows(time) == allowed)
  }

  @Test(arguments: ["8-18", "0 08:00-18:00", "5-1 08:00-18:00", "08:00-08:00", "25:00-26:00", "1-5", "1 2 08:00-09:00"])
  func unreadableHoursAreRefused(rule: String) {
    #expect(throws: Refusal.self) { try HourRule(rule) }
  }

  @Test func theLimiterCountsByKeyAndWindow() {
    let limiter = WindowCounter(seconds: 60, capacity: 10)
    let time = Instant(seconds: 120)
    #expect(limiter.count("a", limit: 2, at: time) == nil)
    #expect(limiter.count("a", limit: 2, at: time + 59) == nil)
    #expect(limiter.count("a", limit: 2, at: time + 50) == 10)
    #expect(limiter.count("b", limit: 2, at: time) == nil)
    #expect(limiter.count("a", limit: 2, at: time + 60) == nil)
    for number in 0..<100 { #expect(limiter.count("k\(number)", limit: 1, at: time + 60) == nil) }
  }
}
