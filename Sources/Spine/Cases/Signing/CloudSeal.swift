import Core
import Crypto

/// What the cloud service signed of a case, and the key that it was proved by that day (云签凭据): kept with the signature, so
/// that it can be proved when the service has another key, or is gone.
package struct CloudSeal: Sendable, Hashable {
  /// Our number of what was to be signed.
  package let business: String
  /// The service's number of the signature.
  package let serial: String
  /// When it was given, as the service writes it.
  package let time: String
  /// SM2 with SM3, DER.
  package let seal: [UInt8]
  /// The service's public key, `04 ‖ x ‖ y`.
  package let key: [UInt8]

  package init(business: String, serial: String, time: String, seal: [UInt8], key: [UInt8]) {
    (self.business, self.serial, self.time, self.seal, self.key) = (business, serial, time, seal, key)
  }

  /// Reads ``json``; `nil` for anything else.
  init?(_ json: JSON) {
    guard let business = json["reference"]?.string, let serial = json["serial"]?.string,
      let time = json["signed_at"]?.string, let seal = json["signature"]?.string.flatMap({ Hex.decode($0) }),
      let key = json["key"]?.string.flatMap({ Hex.decode($0) })
    else { return nil }
    self.init(business: business, serial: serial, time: time, seal: seal, key: key)
  }

  var json: JSON {
    [
      "reference": .string(business), "serial": .string(serial), "signed_at": .string(time),
      "signature": .string(Hex.encode(seal)), "key": .string(Hex.encode(key)),
    ]
  }

  /// What a signature keeps of the serial number to be shown, which is all of any that is not absurd.
  var reference: String { String(serial.prefix(100)) }

  /// As the platform's own statement holds it, in hexadecimal.
  var digest: String {
    ArchiveDigest.hash(
      "lifang-cloud-seal-1\n\(business)\n\(serial)\n\(time)\n\(Hex.encode(seal))\n\(Hex.encode(key))\n")
  }

  /// Whether the service's seal is over this content.
  func covers(_ content: String) -> Bool {
    guard let key = try? SM2PublicKey(point: key), let signature = try? SM2Signature(der: seal) else { return false }
    let text = "cloud-signature-1\n\(business)\n\(content)\n\(serial)\n\(time)\n"
    return (try? key.isValid(signature, of: Array(text.utf8))) ?? false
  }
}
