package import Core
import Crypto

/// A certificate of somebody's key medium (数字证书) as an X.509 file in PEM: known by the SHA-256 of its DER bytes, as
/// `openssl x509 -fingerprint -sha256` prints it.
package struct ClientCertificate: Sendable, Hashable {
  /// Hexadecimal, without colons.
  package let fingerprint: String

  /// Reads the first certificate of a text.
  ///
  /// - Throws: ``Refusal`` `certificate-unreadable`.
  package init(pem: String) throws(Refusal) {
    let (head, foot) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
    guard let start = pem.firstRange(of: head)?.upperBound, let end = pem[start...].firstRange(of: foot)?.lowerBound,
      let der = ClientCertificate.decode(pem[start..<end]), der.first == 0x30, der.count > 128,
      der.count <= 16_384
    else {
      throw Refusal(
        .unprocessable, "certificate-unreadable",
        "这不是 PEM 格式的证书。请把证书导出为 PEM（Base64），连同 BEGIN CERTIFICATE 和 END CERTIFICATE 两行一起粘贴。",
        field: "certificate")
    }
    fingerprint = Hex.encode(Digest.hash(der, .sha256))
  }

  /// Base64 with line breaks and padding.
  private static func decode(_ text: Substring) -> [UInt8]? {
    Base64URL.decode(
      String(text.filter { !$0.isWhitespace && $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }))
  }

  /// The end of the fingerprint, by which people compare it.
  package var ending: String { String(fingerprint.suffix(8)).uppercased() }
}
