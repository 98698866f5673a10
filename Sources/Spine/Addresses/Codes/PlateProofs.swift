package import Crypto

/// How a QR code proves that the city made it (二维码签名方式); the raw values are the codes of the dictionary `qr_proof`.
package enum QRProof: String, Sendable, Hashable, CaseIterable {
  /// Nothing is proved.
  case none
  /// A keyed hash, short; only who has the key can check it.
  case mac
  /// An SM2 signature; anybody who has the public key checks it without network.
  case sm2
}

/// Makes and checks the proofs in QR codes of plates: over the whole text before the proof, so that a genuine
/// proof behind another address of a site is worth nothing.
package struct PlateProofs: Sendable {
  package let keys: SigningKeys
  /// By every key the city has had, the current one first.
  private let macs: [ShortMAC]

  /// Characters of a keyed hash: guessed with probability 2⁻⁶⁰ a try.
  static let macLength = 12

  /// - Throws: ``CryptoFailure``.
  package init(ring: KeyRing) throws(CryptoFailure) {
    keys = try SigningKeys(ring: ring, purpose: .plate)
    var macs = [ShortMAC(key: try ring.secret(.index), label: "plate", length: PlateProofs.macLength)]
    for entry in ring.inventory where entry.purpose == .index && !entry.isCurrent {
      let key = try ring.secret(.index, id: entry.id)
      macs.append(ShortMAC(key: key, label: "plate", length: PlateProofs.macLength))
    }
    self.macs = macs
  }

  /// The proof of `text`; empty for `none`.
  ///
  /// - Throws: ``CryptoFailure`` when there is no key to sign with.
  package func proof(_ kind: QRProof, of text: String) throws(CryptoFailure) -> String {
    switch kind {
    case .none: return ""
    case .mac: return macs[0].code(for: text)
    case .sm2:
      guard let key = keys.current?.key else { throw CryptoFailure(.unknownKey, "plate-key", "no key to sign with") }
      return SignatureFigures.write(try key.sign(Array(text.utf8)))
    }
  }

  /// Whether `proof` is a proof of `text` by any key of the city.
  package func isGenuine(_ proof: String, _ kind: QRProof, of text: String) -> Bool {
    switch kind {
    case .none: false
    case .mac: macs.contains { $0.isValid(proof, for: text) }
    case .sm2: keys.trusted.values.contains { PlateProofs.isSigned(text, proof, by: $0) }
    }
  }

  /// Checks one signature off line.
  package static func isSigned(_ text: String, _ proof: String, by key: SM2PublicKey) -> Bool {
    guard let signature = SignatureFigures.read(proof) else { return false }
    return (try? key.isValid(signature, of: Array(text.utf8))) ?? false
  }
}

/// An SM2 signature in figures: each two bytes of r ‖ s as five figures, 160 in all. A QR code sets runs of figures in its
/// densest mode, ten bits for three, so this takes 534 bits where Base64 would take 688.
package enum SignatureFigures {
  package static let length = 160

  package static func write(_ signature: SM2Signature) -> String {
    let raw = signature.raw
    var text = ""
    for index in stride(from: 0, to: raw.count - 1, by: 2) {
      let figures = String(Int(raw[index]) << 8 | Int(raw[index + 1]))
      text += String(repeating: "0", count: 5 - figures.utf8.count) + figures
    }
    return text
  }

  /// `nil` when the text is no signature.
  package static func read(_ text: String) -> SM2Signature? {
    let figures = Array(text.utf8)
    guard figures.count == length, figures.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    var raw: [UInt8] = []
    for start in stride(from: 0, to: length, by: 5) {
      let value = figures[start..<start + 5].reduce(0) { $0 * 10 + Int($1 - 0x30) }
      guard value <= 0xFFFF else { return nil }
      raw += [UInt8(value >> 8), UInt8(value & 0xFF)]
    }
    return try? SM2Signature(raw: raw)
  }

  /// A scanned text whose end is a signature, and what it signs.
  package static func split(_ text: String) -> (signed: String, proof: String)? {
    let bytes = Array(text.utf8)
    guard bytes.count > length, bytes.suffix(length).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return (
      String(decoding: bytes.dropLast(length), as: UTF8.self), String(decoding: bytes.suffix(length), as: UTF8.self)
    )
  }
}
