package import Access
import Connectors
import Core
import Crypto
import Entities

/// What came of asking the cloud service for a signature (云签结果).
package enum CloudSigning: Sendable, Hashable {
  /// Signed by the signer's own certificate, under the service's seal.
  case signed(CloudSeal)
  /// The signer has to confirm it there; asking again tells whether they have.
  case waiting(String)
  /// Nobody answered, or the service or the signer will not; the case goes on with another signature.
  case not(String)
}

extension CaseStore {
  static let cloud = "cloud_signature"

  private var cloudKey: SM2PublicKey? { trustedKey("signature.cloud_key") }

  /// The public key of another system that a parameter names, as 130 hexadecimal digits; `nil` while it names none.
  func trustedKey(_ parameter: String) -> SM2PublicKey? {
    Hex.decode((try? parameters.text(parameter)) ?? "").flatMap { try? SM2PublicKey(point: $0) }
  }

  /// Whether the city has a cloud service whose signatures can be proved here.
  package var hasCloudSigning: Bool {
    connectors?.connectors.connector(CaseStore.cloud) != nil && cloudKey != nil
  }

  /// Asks the cloud service for the applicant's signature under what the page shows: once to begin, then how it stands.
  ///
  /// What the service says counts only with its seal over this very digest.
  package func cloudSign(_ offer: SignatureOffer, by principal: Principal) async throws -> CloudSigning {
    guard let connectors, let key = cloudKey else { return .not("云签没有开通") }
    let system = store.records(as: .system, purpose: "云签").plain
    let record = try await system.get(
      ServiceCase.entity, offer.id, columns: ["applicant_document"], reveal: true)
    let reference = "\(offer.number)-\(offer.digest.prefix(16))"
    let answer = try await connectors.call(
      CaseStore.cloud, "sign",
      [
        "reference": .text(reference), "digest": .text(offer.digest), "subject": .text("\(offer.item.label)申请表"),
        "signer_name": .text(offer.signer), "signer_document": record["applicant_document"],
      ], purpose: "申请书云签",
      about: ConnectorSubject(entity: ServiceCase.entity, id: offer.id, label: "办件 \(offer.number)"), by: principal)
    guard answer.outcome == .yes, let serial = answer.values["serial"]?.text,
      let time = answer.values["signed_at"]?.text
    else {
      if answer.values["result"]?.text == "waiting" {
        return .waiting(answer.reason ?? "请在云签里核对并确认，再回到这里查看结果")
      }
      return .not(answer.reason ?? "云签服务没有答复")
    }
    guard let seal = answer.values["signature"]?.text.flatMap({ Hex.decode($0) }) else {
      return .not(CaseStore.cloudUnproved)
    }
    let signed = CloudSeal(
      business: reference, serial: serial, time: time, seal: seal, key: key.point)
    return signed.covers(offer.digest) ? .signed(signed) : .not(CaseStore.cloudUnproved)
  }

  private static let cloudUnproved = "云签服务的签名值没有通过核验，不能采用，请联系管理员"
}
