package import Core
package import Entities

/// How changes are pushed: the parameters `subscription.*` (变更推送).
package struct PushSettings: Sendable, Hashable {
  /// Hosts that may be pushed to, `host` or `host:port`, as administrators wrote them (允许推送的主机).
  package var hosts: [String] = []
  /// Records in one request.
  package var batch = 100
  /// Seconds that a receiver has to answer.
  package var timeout: Int64 = 10
  /// Seconds before the first repetition; each further one waits twice as long, up to ``longestDelay``.
  package var firstDelay: Int64 = 5
  package var longestDelay: Int64 = 600
  /// Hours of failing after which a subscription is paused.
  package var pauseHours: Int64 = 24

  package init() {}

  /// As administrators have set it.
  package init(_ parameters: Parameters) {
    func number(_ name: String) -> Int64? { try? parameters.integer("subscription.\(name)") }
    hosts = PushSettings.hosts((try? parameters.text("subscription.hosts")) ?? "-")
    if let value = number("batch") { batch = Int(value) }
    if let value = number("timeout") { timeout = value }
    if let value = number("first_delay") { firstDelay = value }
    if let value = number("longest_delay") { longestDelay = value }
    if let value = number("pause_hours") { pauseHours = value }
  }

  static func hosts(_ text: String) -> [String] {
    text.lowercased().split(whereSeparator: { " ,，、;；\n".contains($0) }).map(String.init).filter { $0 != "-" }
  }
}

/// Where changes are pushed to, proven to be one of the hosts that are allowed (推送地址).
///
/// The text is read by Lifang and again by libcurl; only what both understand alike is taken: letters, digits, dots and
/// hyphens, a port, and a path of plain ASCII. Redirects are not followed.
package struct PushTarget: Sendable, Hashable {
  package let url: String
  /// What is signed: path and query.
  package let path: String
  /// `host` or `host:port`.
  package let host: String

  /// - Throws: ``Refusal`` `push-address`.
  package init(_ text: String) throws(Refusal) {
    let wrong = Refusal(
      .invalid, "push-address", "接收地址应形如 https://host.example.gov.cn/lifang/changes，只用英文字母、数字和常用符号，不带用户名。请核对后重填。",
      field: "address")
    guard let scheme = ["https://", "http://"].first(where: text.hasPrefix), text.utf8.count <= 300 else { throw wrong }
    let rest = text.utf8.dropFirst(scheme.utf8.count)
    let authority = rest.prefix { $0 != UInt8(ascii: "/") }
    let tail = rest.dropFirst(authority.count)
    let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let name = parts.first, !name.isEmpty, !tail.isEmpty,
      name.allSatisfy(PushTarget.isOfName), tail.allSatisfy(PushTarget.isOfPath)
    else { throw wrong }
    if parts.count == 2 {
      guard let port = Int(String(decoding: parts[1], as: UTF8.self)), (1...65_535).contains(port) else { throw wrong }
    }
    url = text
    path = String(decoding: tail, as: UTF8.self)
    host = String(decoding: authority, as: UTF8.self).lowercased()
  }

  private static func isOfName(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46
  }

  private static func isOfPath(_ byte: UInt8) -> Bool {
    isOfName(byte) || "/_~%?&=+,:".utf8.contains(byte)
  }

  /// Refuses a host that no administrator has allowed.
  ///
  /// - Throws: ``Refusal`` `push-host`.
  package func require(in settings: PushSettings) throws(Refusal) {
    if settings.hosts.contains(host) { return }
    throw Refusal(
      .forbidden, "push-host", "主机 \(host) 不在允许推送的主机里，没有推送。请系统管理员核实后加到参数“变更推送”的允许推送的主机。", field: "address")
  }
}
