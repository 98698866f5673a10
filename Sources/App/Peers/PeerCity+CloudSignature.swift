import Core
package import Crypto

/// The cloud signature service: whoever is asked confirms in time, so the first answer is to wait and the next is signed. A
/// signer whose number ends in 8 refuses.
extension PeerCity {
  /// The key of a service that exists nowhere: known to everybody.
  private static let cloudSigner: SM2PrivateKey? = try? SM2PrivateKey(
    scalar: SecretBytes(Digest.sm3(Array("lifang-peer-cloud-signature".utf8))))

  /// What has to be set as `signature.cloud_key`.
  package static var cloudKey: String { cloudSigner.map { Hex.encode($0.publicKey.point) } ?? "" }

  func cloudSigned(_ request: JSON) -> JSON {
    let reference = request["reference"]?.string ?? ""
    if request["signer_document"]?.string?.hasSuffix("8") == true {
      return ["result": "refused", "message": "签名人在云签里选择了不签"]
    }
    begin("cloud \(reference)")
    guard let asked = ask("cloud \(reference)"), asked > 1 else {
      return ["result": "waiting", "message": "请在云签 App 里核对并确认，再回到这里查看结果"]
    }
    let digest = request["digest"]?.string ?? ""
    let print = Digest.sm3(Array(reference.utf8)).prefix(5)
    let serial = "YQ\(Hex.encode(Array(print)).uppercased())"
    let time = clock.now().iso8601
    let text = "cloud-signature-1\n\(reference)\n\(digest)\n\(serial)\n\(time)\n"
    guard let seal = try? PeerCity.cloudSigner?.sign(Array(text.utf8)) else {
      return ["result": "refused", "message": "云签服务的密钥不可用"]
    }
    return [
      "result": "signed", "serial": .string(serial), "signed_at": .string(time),
      "signature": .string(Hex.encode(seal.der)),
    ]
  }
}
