package import Core
package import Crypto
import XML

/// One file of the ferry (摆渡文件): XML whose content is sealed by SM4 under a key wrapped for the other side with SM2,
/// and whose head and content are signed with SM2.
///
/// ```xml
/// <ferry xmlns="urn:lifang:ferry:1" kind="message" from="outside" number="12" created="2026-11-21T10:00:00.000000+08:00">
///   <key>…</key> <content>…</content> <signature>…</signature>
/// </ferry>
/// ```
/// Key, content and signature are Base64 with `-` and `_` (RFC 4648 §5). The signature is over ``signedText``, which
/// stock tools can make from the file.
package struct FerryEnvelope: Sendable, Hashable {
  /// What a file is.
  package enum Kind: String, Sendable, Hashable {
    /// Numbered: applied once, in order.
    case message
    /// What has arrived (回执); its number rises, an older one says nothing new.
    case receipt
  }

  package let kind: Kind
  package let from: FerrySide
  package let number: Int64
  package let createdAt: Instant
  package let key: [UInt8]
  package let content: [UInt8]
  package let signature: [UInt8]

  package static let namespace = "urn:lifang:ferry:1"
  private static let keyID: UInt32 = 1

  /// What is signed: the head and the SM3 digests of key and content, a line each.
  package static func signedText(
    _ kind: Kind, _ from: FerrySide, _ number: Int64, _ createdAt: Instant, key: [UInt8], content: [UInt8]
  ) -> String {
    [
      "lifang-ferry-1", kind.rawValue, from.rawValue, String(number), createdAt.iso8601, Hex.encode(Digest.sm3(key)),
      Hex.encode(Digest.sm3(content)), "",
    ].joined(separator: "\n")
  }

  /// Seals `plain` for the other side.
  ///
  /// - Throws: `CryptoFailure`.
  package static func seal(
    _ plain: [UInt8], _ kind: Kind, number: Int64, from side: FerrySide, at time: Instant, keys: FerryKeys,
    random: RandomSource = .system
  ) throws(CryptoFailure) -> FerryEnvelope {
    let secret = random.bytes(32)
    let box = try BoxKey(id: keyID, key: SecretBytes(secret))
    let content = try box.seal(plain, associated: associated(kind, side, number), random: random)
    let key = try keys.peer.encrypt(secret).der
    let text = signedText(kind, side, number, time, key: key, content: content)
    let signature = try keys.own.sign(Array(text.utf8))
    return FerryEnvelope(
      kind: kind, from: side, number: number, createdAt: time, key: key, content: content, signature: signature.der)
  }

  private static func associated(_ kind: Kind, _ side: FerrySide, _ number: Int64) -> [UInt8] {
    Array("lifang-ferry-1 \(kind.rawValue) \(side.rawValue) \(number)".utf8)
  }

  /// The content, once sender and integrity are proved.
  ///
  /// - Parameter side: ours.
  /// - Throws: ``FerryFailure`` `direction`, `signature`, `key`, `content`.
  package func open(_ keys: FerryKeys, on side: FerrySide) throws(FerryFailure) -> [UInt8] {
    guard from == side.other else { throw FerryFailure(.direction, from.rawValue) }
    let text = FerryEnvelope.signedText(kind, from, number, createdAt, key: key, content: content)
    guard let signature = try? SM2Signature(der: signature),
      (try? keys.peer.isValid(signature, of: Array(text.utf8))) == true
    else { throw FerryFailure(.signature) }
    guard let cipher = try? SM2CipherText(der: key), let secret = try? keys.own.decrypt(cipher),
      let box = try? BoxKey(id: FerryEnvelope.keyID, key: SecretBytes(secret))
    else { throw FerryFailure(.key) }
    do {
      return try box.open(content, associated: FerryEnvelope.associated(kind, from, number))
    } catch {
      throw FerryFailure(.content, String(describing: error))
    }
  }

  // MARK: XML

  package var xml: [UInt8] {
    var writer = XMLWriter()
    writer.element(
      "ferry",
      [
        ("xmlns", FerryEnvelope.namespace), ("kind", kind.rawValue), ("from", from.rawValue),
        ("number", String(number)), ("created", createdAt.iso8601),
      ]
    ) { writer in
      writer.element("key", text: Base64URL.encode(key))
      writer.element("content", text: Base64URL.encode(content))
      writer.element("signature", text: Base64URL.encode(signature))
    }
    return Array(writer.text.utf8)
  }

  /// - Throws: ``FerryFailure`` `malformed`.
  package init(xml: [UInt8]) throws(FerryFailure) {
    let root: XMLElement
    do { root = try XMLElement(parsing: xml) } catch {
      throw FerryFailure(.malformed, (error as? XMLFailure)?.reason ?? "no XML")
    }
    let space = FerryEnvelope.namespace
    func part(_ name: String) -> [UInt8]? {
      let found = root.children(name, in: space)
      return found.count == 1 ? found.first.flatMap { Base64URL.decode($0.text) } : nil
    }
    guard root.name == "ferry", root.namespace == space, root.children.count == 3,
      let kind = root["kind"].flatMap(Kind.init(rawValue:)), let from = root["from"].flatMap(FerrySide.init(rawValue:)),
      let number = root["number"].flatMap({ Int64($0) }), number > 0,
      let created = root["created"].flatMap({ Instant($0) }),
      let key = part("key"), let content = part("content"), let signature = part("signature")
    else { throw FerryFailure(.malformed, "line \(root.line)") }
    self.init(
      kind: kind, from: from, number: number, createdAt: created, key: key, content: content, signature: signature)
  }

  private init(
    kind: Kind, from: FerrySide, number: Int64, createdAt: Instant, key: [UInt8], content: [UInt8], signature: [UInt8]
  ) {
    self.kind = kind
    self.from = from
    self.number = number
    self.createdAt = createdAt
    self.key = key
    self.content = content
    self.signature = signature
  }
}
