package import Core
import Crypto

/// An e-mail address of the plain kind, `name@host.domain`.
package struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
  /// With the host in small letters.
  package let text: String

  /// `nil` for anything that cannot stand in an envelope as it is: blanks, brackets, quotes, other than ASCII.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+-/=?^_`{|}~@".utf8)
    guard bytes.count <= 254, bytes.allSatisfy(allowed.contains),
      let at = bytes.firstIndex(of: UInt8(ascii: "@")), bytes[(at + 1)...].firstIndex(of: UInt8(ascii: "@")) == nil,
      (1...64).contains(at)
    else { return nil }
    let host = String(decoding: bytes[(at + 1)...], as: UTF8.self).lowercased()
    let labels = host.split(separator: ".", omittingEmptySubsequences: false)
    let isHost =
      labels.count >= 2
      && labels.allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
          && label.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
      }
    let name = String(decoding: bytes[..<at], as: UTF8.self)
    guard isHost, !name.hasPrefix("."), !name.hasSuffix("."), !name.contains("..") else { return nil }
    self.text = "\(name)@\(host)"
  }

  /// `z***@example.cn`, since descriptions reach logs.
  package var description: String {
    let parts = text.split(separator: "@")
    return "\(parts[0].prefix(1))***@\(parts.count > 1 ? String(parts[1]) : "")"
  }
}

/// Whom a message is for.
package enum MessageRecipient: Sendable, Hashable {
  /// A user, by all channels of the template that reach them.
  case user(Int64)
  /// A telephone, by SMS: somebody without an account.
  case phone(PhoneNumber)
  case email(EmailAddress)

  var user: Int64? { if case .user(let id) = self { id } else { nil } }

  var address: String? {
    switch self {
    case .user: nil
    case .phone(let number): number.text
    case .email(let address): address.text
    }
  }

  /// The channel of an address; the message box of a user.
  var onlyChannel: MessageChannelKind {
    switch self {
    case .user: .site
    case .phone: .sms
    case .email: .email
    }
  }

  /// The channels of `template` that can reach it.
  func channels(of template: MessageTemplate) -> [MessageChannelKind] {
    switch self {
    case .user: template.channels
    case .phone: template.channels.filter { $0 == .sms }
    case .email: template.channels.filter { $0 == .email }
    }
  }

  /// Tells recipients apart without saying who they are.
  func key(_ keys: KeyRing) throws -> String {
    switch self {
    case .user(let id): return "user:\(id)"
    case .phone(let number):
      return "phone:" + Hex.encode(try keys.blindIndex("message.phone", .phone).fingerprint(number.text) ?? [])
    case .email(let address):
      return "email:" + Hex.encode(try keys.blindIndex("message.email", .text).fingerprint(address.text) ?? [])
    }
  }
}
