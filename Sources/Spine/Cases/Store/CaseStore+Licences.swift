package import Access
import Audit
import Connectors
package import Core
import Crypto
import Entities
import Foundation
import SQL

/// What came of asking for an electronic licence (电子证照调取结果).
package enum LicenceFetch: Sendable, Hashable {
  /// Proved, with the file.
  case fetched(ElectronicLicence, file: [UInt8])
  /// Why there is none, in words; the material is handed in otherwise.
  case not(String)
}

extension CaseStore {
  static let licences = "electronic_licence"

  private var licenceKey: SM2PublicKey? { trustedKey("signature.licence_key") }

  /// Whether electronic licences can be fetched, and proved, here.
  package var hasLicences: Bool {
    connectors?.connectors.connector(CaseStore.licences) != nil && licenceKey != nil
  }

  /// Fetches a licence of whoever proved with their living face who they are (扫脸认证本人后调取, C-063).
  ///
  /// - Parameters:
  ///   - holder: the number that a provider of identities vouched for.
  ///   - item: what it is for.
  /// - Throws: ``Refusal`` `licence-face` when the session is not that sure, `read-often`.
  package func fetchLicence(
    _ kind: MaterialKind, holder: (name: String, document: String), for item: ServiceItem, by principal: Principal
  ) async throws -> LicenceFetch {
    guard principal.assurance >= .face else {
      throw Refusal(
        .forbidden, "licence-face", "调用电子证照要先刷脸实名认证。请退出后从登录页选择统一身份认证平台刷脸登录，或直接上传照片。")
    }
    guard let connectors, let key = licenceKey, let type = kind.licence,
      let operation = connectors.connectors.connector(CaseStore.licences)?.operation("fetch")
    else { return .not("电子证照没有开通") }
    let answer = try await connectors.read(
      CaseStore.licences, operation,
      [
        "licence_type": .text(type), "holder_name": .text(holder.name), "holder_document": .text(holder.document),
        "purpose": .text(item.label),
      ], owner: nil, limit: ConnectorClient.applicant, purpose: "申请“\(item.label)”时调用电子证照", by: principal)
    func text(_ name: String) -> String? { answer.values[name]?.text }
    guard answer.outcome == .yes else { return .not(answer.reason ?? "电子证照系统没有答复") }
    guard let number = text("number"), let name = text("name"), let issuer = text("issuer"),
      let seal = text("signature").flatMap({ Hex.decode($0) }),
      let file = text("file").flatMap({ Data(base64Encoded: $0) }), file.count <= 10 << 20
    else { return .not("电子证照系统的答复不完整") }
    let licence = ElectronicLicence(
      type: type, number: number, name: name, issuer: issuer, issuedOn: answer.values["issued_on"]?.date,
      validUntil: answer.values["valid_until"]?.date, digest: Hex.encode(Digest.sm3(Array(file))), seal: seal,
      key: key.point)
    guard licence.isGenuine(holder: holder.document) else {
      return .not("电子证照的签名没有通过核验，不能采用")
    }
    if let last = licence.validUntil, last < store.clock.today() { return .not("这份电子证照已于 \(last) 到期") }
    return .fetched(licence, file: Array(file))
  }

  /// What is to be thought of a material that came as an electronic licence.
  ///
  /// - Parameters:
  ///   - document: of whom the paper has to belong to; empty when nobody says.
  ///   - digests: of the files that were handed in.
  func proof(
    of licence: ElectronicLicence, _ kind: MaterialKind, holder document: String, digests: some Collection<String>
  ) -> MaterialVerification {
    func found(_ result: MaterialVerification.Result, _ note: String) -> MaterialVerification {
      MaterialVerification(
        result, note: "电子证照\(licence.described)：\(note)", at: store.clock.now(), by: "电子证照核验")
    }
    guard kind.licence != nil else { return found(.unknown, "本侧没有声明这种电子证照，请对照原件人工核验") }
    guard licence.key == licenceKey?.point else {
      return found(.unknown, "不是用本系统现在登记的公钥签的，请对照原件人工核验")
    }
    guard licence.type == kind.licence, digests.contains(licence.digest), licence.isGenuine(holder: document) else {
      return found(.mismatch, "签名与文件或持证人不符，请对照原件")
    }
    if let last = licence.validUntil, last < store.clock.today() { return found(.mismatch, "已到期") }
    let others = digests.count - 1
    return found(
      .match, "签名有效，持证人相符" + (others > 0 ? "（另有 \(others) 个文件不是电子证照，请一并查看）" : ""))
  }

  /// The same of a material that is handed in; `nil` when it is no licence.
  ///
  /// - Parameter known: the answers of the case and its form, in clear.
  func proof(
    of handed: HandedMaterial, _ requirement: MaterialRequirement, _ kind: MaterialKind, _ known: [String: Value],
    in session: some SQLSession
  ) async throws -> MaterialVerification? {
    guard let licence = handed.licence else { return nil }
    let files = try await ArchiveDigest.files(handed.files, in: session)
    return proof(
      of: licence, kind, holder: requirement.holder.flatMap { known[$0]?.text } ?? "",
      digests: files.values.compactMap { $0["digest"]?.string })
  }

  /// Proves once more that the files of a material are the electronic licence that they were; `nil` when it is none.
  func proof(
    of record: Record, _ requirement: MaterialRequirement, _ kind: MaterialKind, in id: Int64, form: String,
    origin: Origin
  ) async throws -> MaterialVerification? {
    guard record.isFromLicence else { return nil }
    let system = store.records(as: .system, purpose: "核验电子证照", origin: origin).plain
    let material = try await system.get(
      ServiceCase.material, record.id, columns: ["licence", "files"], reveal: true)
    guard let licence = ElectronicLicence(text: material["licence"].text)
    else {
      return nil
    }
    var holder = ""
    if let field = requirement.holder {
      let own = try await system.get(ServiceCase.entity, id, reveal: true)
      let answers = try await system.attached(form, to: id, reveal: true).first
      holder = own[field].text ?? answers?[field].text ?? ""
    }
    let files = try await ArchiveDigest.files(material["files"].list ?? [], in: store.database)
    return proof(of: licence, kind, holder: holder, digests: files.values.compactMap { $0["digest"]?.string })
  }
}

extension Record {
  /// Whether a material came as an electronic licence (电子证照), whoever looks.
  package var isFromLicence: Bool { masked.contains("licence") || !self["licence"].isBlank }
}
