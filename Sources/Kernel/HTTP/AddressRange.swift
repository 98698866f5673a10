import CMicroHTTPD
import Glibc

/// A range of IP addresses in CIDR notation, such as `10.0.0.0/8`, `::1` or `192.168.1.7`.
package struct AddressRange: Sendable, Hashable {
  private let base: Address
  private let bits: Int

  /// Returns `nil` for text that is no address or range.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = Address(parsing: String(parts[0])) else { return nil }
    let width = base.isIPv4 ? 32 : 128
    var bits = width
    if parts.count == 2 {
      guard let value = Int(parts[1]), (0...width).contains(value) else { return nil }
      bits = value
    }
    self.base = base
    self.bits = bits + 128 - width
  }

  func contains(_ address: Address) -> Bool {
    func mask(_ count: Int) -> UInt64 { count <= 0 ? 0 : count >= 64 ? .max : ~(UInt64.max >> UInt64(count)) }
    return (address.high ^ base.high) & mask(bits) == 0 && (address.low ^ base.low) & mask(bits - 64) == 0
  }
}

/// An IP address as 128 bits; IPv4 in its mapped form, so that both families compare.
struct Address: Sendable, Hashable {
  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  init(ipv4: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4)) }

  /// Reads the usual notations; brackets, ports and zones are not part of them.
  init?(parsing text: String) {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(ipv4: UInt32(bigEndian: four.s_addr))
      return
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    self.init(six)
  }

  init(_ six: in6_addr) {
    let (high, low) = withUnsafeBytes(of: six) { raw in
      (raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
    self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
  }

  init?(_ socket: UnsafePointer<sockaddr>) {
    switch Int32(socket.pointee.sa_family) {
    case AF_INET:
      self = socket.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        Address(ipv4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
      }
    case AF_INET6:
      self = socket.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { Address($0.pointee.sin6_addr) }
    default: return nil
    }
  }

  var text: String {
    if isIPv4 {
      return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
    }
    var bytes = (high.bigEndian, low.bigEndian)
    var buffer = [CChar](repeating: 0, count: 64)
    guard inet_ntop(AF_INET6, &bytes, &buffer, socklen_t(buffer.count)) != nil else { return "::" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Finds the client behind proxies that are believed.
struct ProxyTrust: Sendable {
  let ranges: [AddressRange]

  func trusts(_ address: Address) -> Bool { ranges.contains { $0.contains(address) } }

  /// The nearest address of `X-Forwarded-For` that no trusted proxy has; whatever stands before it anybody can write.
  func client(forwardedFor field: String?, peer: String) -> String {
    guard let field else { return peer }
    var client = peer
    for element in field.split(separator: ",").reversed() {
      var text = element.trimmed
      if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
        text = text[text.index(after: text.startIndex)..<end]
      }
      if text.utf8.filter({ $0 == UInt8(ascii: ":") }).count == 1, let colon = text.firstIndex(of: ":") {
        text = text[..<colon]
      }
      guard let address = Address(parsing: String(text)) else { break }
      client = address.text
      if !trusts(address) { break }
    }
    return client
  }
}
