package import Core
import Glibc

/// From where and when an account may be used (IP 段与登录时间段限制, B5-274).
package struct AccessRules: Sendable, Hashable {
  package let addresses: AddressRule
  package let hours: HourRule

  package init(addresses: AddressRule, hours: HourRule) {
    self.addresses = addresses
    self.hours = hours
  }

  /// Reads the two texts of a user's record.
  ///
  /// - Throws: ``Refusal`` that names the part that cannot be read.
  package init(addresses: String?, hours: String?) throws(Refusal) {
    self.addresses = try AddressRule(addresses ?? "")
    self.hours = try HourRule(hours ?? "")
  }

  /// `nil` when `time` and `address` are allowed.
  package func refusal(address: String?, at time: Instant) -> Refusal? {
    if !addresses.allows(address) {
      return Refusal(.forbidden, "address-not-allowed", "该账号不能从当前网络地址使用。请换到允许的网络，或联系安全保密管理员。")
    }
    if !hours.allows(time) {
      return Refusal(.forbidden, "hour-not-allowed", "该账号不在允许使用的时间段内（\(hours.text)）。请在该时间段内登录，或联系安全保密管理员。")
    }
    return nil
  }
}

/// Networks and ranges of IP addresses: `10.0.0.0/8`, `192.168.1.5`, `10.1.0.1-10.1.0.99`, `2001:db8::/32`, with
/// commas, semicolons or white space between. Empty: every address.
package struct AddressRule: Sendable, Hashable {
  private let ranges: [ClosedRange<IPAddress>]

  package init(_ text: String) throws(Refusal) {
    var ranges: [ClosedRange<IPAddress>] = []
    for part in text.split(whereSeparator: { $0.isWhitespace || ",;，；、".contains($0) }) {
      guard let range = AddressRule.range(part) else {
        throw Refusal(
          .unprocessable, "address-rule-unreadable",
          "“\(part)”不是有效的 IP 地址或网段。请写成 10.1.0.0/16、10.1.0.1-10.1.0.99 或单个地址。",
          field: "allowed_addresses")
      }
      ranges.append(range)
    }
    self.ranges = ranges
  }

  package func allows(_ address: String?) -> Bool {
    if ranges.isEmpty { return true }
    guard let address, let parsed = IPAddress(address) else { return false }
    return ranges.contains { $0.contains(parsed) }
  }

  private static func range(_ part: Substring) -> ClosedRange<IPAddress>? {
    if let dash = part.firstIndex(of: "-") {
      guard let low = IPAddress(String(part[..<dash])), let high = IPAddress(String(part[part.index(after: dash)...])),
        low.isV4 == high.isV4, low <= high
      else { return nil }
      return low...high
    }
    guard let slash = part.firstIndex(of: "/") else { return IPAddress(String(part)).map { $0...$0 } }
    guard let base = IPAddress(String(part[..<slash])), let length = Int(part[part.index(after: slash)...]) else {
      return nil
    }
    return base.network(prefix: length)
  }
}

/// An IP address as 128 bits; IPv4 is mapped into `::ffff:0:0/96`, so the two families never mix.
struct IPAddress: Sendable, Hashable, Comparable {
  let high: UInt64
  let low: UInt64

  init?(_ text: String) {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      high = 0
      low = 0xffff_0000_0000 | UInt64(UInt32(bigEndian: v4.s_addr))
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
    let bytes = withUnsafeBytes(of: &v6) { Array($0) }
    high = bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  var isV4: Bool { high == 0 && low >> 32 == 0xffff }

  static func < (a: IPAddress, b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }

  /// First and last address of the network with `prefix` leading bits.
  func network(prefix: Int) -> ClosedRange<IPAddress>? {
    let length = isV4 ? prefix + 96 : prefix
    guard prefix >= 0, (isV4 ? 96...128 : 0...128).contains(length) else { return nil }
    let highMask = length >= 64 ? UInt64.max : length == 0 ? 0 : ~(UInt64.max >> UInt64(length))
    let lowMask = length >= 128 ? UInt64.max : length <= 64 ? 0 : ~(UInt64.max >> UInt64(length - 64))
    return IPAddress(high: high & highMask, low: low & lowMask)...IPAddress(high: high | ~highMask, low: low | ~lowMask)
  }
}

/// Hours of the week in China Standard Time: `1-5 08:00-18:00; 6 09:00-12:00`, Monday is 1; without days every day;
/// `22:00-06:00` runs past midnight. Empty: always.
package struct HourRule: Sendable, Hashable {
  private struct Window: Sendable, Hashable {
    let days: ClosedRange<Int>
    /// Minutes of the day.
    let start: Int
    let end: Int

    func allows(weekday: Int, minute: Int) -> Bool {
      if start < end { return days.contains(weekday) && minute >= start && minute < end }
      let before = weekday == 1 ? 7 : weekday - 1
      return days.contains(weekday) && minute >= start || days.contains(before) && minute < end
    }
  }

  /// As it was written.
  package let text: String
  private let windows: [Window]

  package init(_ text: String) throws(Refusal) {
    self.text = text
    var windows: [Window] = []
    for part in text.split(whereSeparator: { ";；\n".contains($0) }) where !part.allSatisfy(\.isWhitespace) {
      guard let window = HourRule.window(part) else {
        throw Refusal(
          .unprocessable, "hour-rule-unreadable", "“\(part)”不是有效的时间段。请写成 1-5 08:00-18:00（1 为周一），多段用分号隔开。",
          field: "allowed_hours")
      }
      windows.append(window)
    }
    self.windows = windows
  }

  package func allows(_ time: Instant) -> Bool {
    if windows.isEmpty { return true }
    let (date, second) = time.chinaTime
    return windows.contains { $0.allows(weekday: date.weekday, minute: second / 60) }
  }

  private static func window(_ part: Substring) -> Window? {
    let words = part.split(whereSeparator: \.isWhitespace)
    guard (1...2).contains(words.count), let hours = words.last?.split(separator: "-"), hours.count == 2,
      let start = minute(hours[0]), let end = minute(hours[1]), start != end
    else { return nil }
    guard words.count == 2 else { return Window(days: 1...7, start: start, end: end) }
    let days = words[0].split(separator: "-").map { Int($0) ?? 0 }
    guard let first = days.first, let last = days.last, days.count <= 2, first >= 1, first <= last, last <= 7 else {
      return nil
    }
    return Window(days: first...last, start: start, end: end)
  }

  private static func minute(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":")
    guard parts.count == 2, parts[1].utf8.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]),
      (0...24).contains(hour), (0...59).contains(minute), hour * 60 + minute <= 1440
    else { return nil }
    return hour * 60 + minute
  }
}
