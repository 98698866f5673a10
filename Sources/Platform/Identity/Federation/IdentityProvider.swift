package import Access
package import Core
package import Entities

/// A provider of identities that citizens sign in by (身份认证平台), such as 皖事通 or 省政务服务网: a record of the register
/// `identity_provider` (C-049, C-238, C-261).
package struct IdentityProvider: Sendable {
  package static let entity = "identity_provider"
  package static let binding = "identity_binding"

  /// The levels of a binding at which the provider vouched for the name itself, and not for a telephone only.
  package static let vouching: [Value] = [Assurance.realName, .face].map { .text($0.rawValue) }

  package let id: Int64
  package let code: String
  /// What stands on the button.
  package let name: String
  /// The name of a picture of the interface.
  package let icon: String
  /// `iss` of its tokens, and where its configuration is found.
  package let issuer: String
  let client: String
  let secret: String?
  let scopes: String
  let nameClaim: String
  let documentClaim: String
  let phoneClaim: String
  let levelClaim: String
  let levels: [String: Assurance]
  let defaultLevel: Assurance

  init(_ record: Record) {
    func text(_ field: String) -> String { record[field].text ?? "" }
    id = record.id
    code = text("code")
    name = text("name")
    icon = text("icon")
    issuer = text("issuer")
    client = text("client_id")
    secret = record["client_secret"].text
    scopes = text("scopes")
    nameClaim = text("name_claim")
    documentClaim = text("document_claim")
    phoneClaim = text("phone_claim")
    levelClaim = text("level_claim")
    levels = IdentityProvider.levels(of: text("levels"))
    defaultLevel = Assurance(rawValue: text("default_level")) ?? .realName
  }

  /// Reads `face=face; L2=real_name`: what the provider calls a level, and what it is worth here.
  static func levels(of text: String) -> [String: Assurance] {
    var levels: [String: Assurance] = [:]
    for part in text.split(whereSeparator: { ";；\n".contains($0) }) {
      let pair = part.split(separator: "=").map { $0.filter { !$0.isWhitespace } }
      if pair.count == 2, let level = Assurance(rawValue: pair[1]) { levels[pair[0]] = level }
    }
    return levels
  }

  /// Whether an address may be asked: TLS, or this very machine.
  static func isSafe(_ url: String) -> Bool {
    url.hasPrefix("https://")
      || ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].contains { url.hasPrefix($0) }
  }
}

/// Who a provider says somebody is.
package struct VouchedIdentity: Sendable {
  package let subject: String
  package let name: String
  package let document: ResidentID?
  package let phone: PhoneNumber?
  package let level: Assurance

  init(subject: String, name: String, document: ResidentID, phone: PhoneNumber?, level: Assurance) {
    (self.subject, self.name, self.document, self.phone, self.level) = (subject, name, document, phone, level)
  }

  /// - Throws: ``Refusal`` `identity-incomplete` without a name.
  init(_ subject: String, claims: JSON, by provider: IdentityProvider) throws(Refusal) {
    self.subject = subject
    let name = String((claims[provider.nameClaim]?.string ?? "").trimmed.prefix(60))
    guard !name.isEmpty else {
      throw Refusal(
        .unprocessable, "identity-incomplete", "“\(provider.name)”没有给出姓名，不能登录。请先在“\(provider.name)”完成实名认证，或同意提供姓名。")
    }
    self.name = name
    document = claims[provider.documentClaim]?.string.flatMap { ResidentID($0) }
    phone = claims[provider.phoneClaim]?.string.flatMap { PhoneNumber($0) }.flatMap { $0.kind == .mobile ? $0 : nil }
    let said = claims[provider.levelClaim]?.string.flatMap { provider.levels[$0] } ?? provider.defaultLevel
    // Without a document number nobody has been vouched for by name.
    level = document == nil ? min(said, .phone) : said
  }
}
