package import Cases
import Core
import Crypto
import Entities
import HTML
package import HTTP
import Papers
import Shell
package import Site

/// What anybody learns of a signature by its code (签名验证): whether it is genuine, when and how it was given and whether the
/// application was changed since; nothing of what was applied for but its kind.
package struct SignatureProofRoutes: Sendable {
  let site: Site
  let cases: CaseStore
  let limiter: RateLimiter

  package init(site: Site, cases: CaseStore, limiter: RateLimiter) {
    self.site = site
    self.cases = cases
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/signatures/{code}/statement", at: site) { visit in
      let proof = try await known(visit)
      return .text(proof.statement.text)
    }
    router.on(.get, "/signatures/{code}/signature", at: site) { visit in
      var response = Response.bytes(try await known(visit).seal, type: "application/octet-stream")
      response.attach(as: "signature.der")
      return response
    }
    router.on(.get, "/signatures/{code}/key", at: site) { visit in
      guard let key = try await known(visit).key else { throw SignatureProofRoutes.unknown }
      var response = Response.bytes(Array(try key.pem().utf8), type: "application/x-pem-file")
      response.attach(as: "public-key.pem")
      return response
    }
  }

  private typealias Sealed = (statement: SignatureStatement, seal: [UInt8], key: SM2PublicKey?)

  private func known(_ visit: Visit) async throws -> Sealed {
    try limiter.require(visit.request.remoteAddress, toDo: "查验")
    let (code, origin) = (try visit.request.parameter("code"), visit.request.origin)
    if let proof = try await cases.verifySignature(code, by: visit.principal, origin: origin) {
      return (proof.signature.statement, proof.signature.seal, proof.signature.key)
    }
    guard let erased = try await cases.erasedSignature(code, by: visit.principal, origin: origin) else {
      throw SignatureProofRoutes.unknown
    }
    return (erased.statement, erased.seal, erased.key)
  }

  private static let unknown = Refusal(.notFound, "signature-unknown", "没有这个验真码对应的签名。请核对验真码。")

  /// The page of a code; `nil` for one that is no signature's.
  package func page(_ code: String, _ visit: Visit) async throws -> Response? {
    guard
      let proof = try await cases.verifySignature(code, by: visit.principal, origin: visit.request.origin)
    else { return try await erased(code, visit) }
    if visit.wantsJSON { return .json(SignatureProofRoutes.json(proof)) }
    let signature = proof.signature
    let page = PublicPage(title: "签名验证", visit: try await visit.frame()) {
      PublicHeading("签名验证", note: "核对申请表上的电子签名是不是真的、签名后有没有改动")
      verdict(signature.verdict)
      Card("签名") {
        DetailList(
          [
            DetailItem("签的是", text: "\(proof.item)申请表"),
            DetailItem("受理编号", text: proof.number, isCode: true), DetailItem("签名人", text: proof.signer),
            DetailItem("签名时间", text: signature.signedAt.display, isCode: true),
            DetailItem("签名方式", text: signature.method.label),
            DetailItem("身份核对", text: identity(signature.identity)), DetailItem("受理单位", text: proof.unit),
          ])
        p(.class("field-help")) { "请把以上内容与申请表上的逐项核对，不一致的不要采信。" }
      }
      if signature.verdict != .broken { tools(signature.code, digest: signature.digest) }
    }
    return try visit.html(page.render())
  }

  /// The page of a signature whose case was erased here.
  private func erased(_ code: String, _ visit: Visit) async throws -> Response? {
    guard let erased = try await cases.erasedSignature(code, by: visit.principal, origin: visit.request.origin) else {
      return nil
    }
    let statement = erased.statement
    if visit.wantsJSON {
      return .json([
        "verdict": erased.isGenuine ? "erased" : "broken", "number": .string(statement["number"] ?? ""),
        "method": .string(statement["method"] ?? ""), "identity": .string(statement["identity"] ?? ""),
        "signedAt": .string(statement["signed"] ?? ""), "sm3": .string(statement["content"] ?? ""),
      ])
    }
    let signed = statement["signed"].flatMap { Instant($0)?.display } ?? ""
    let method = statement["method"].flatMap { SignatureMethod(rawValue: $0)?.label } ?? ""
    let page = PublicPage(title: "签名验证", visit: try await visit.frame()) {
      PublicHeading("签名验证", note: "核对申请表上的电子签名是不是真的")
      if erased.isGenuine {
        Notice(.info, title: "签名真实，内容已按规定清除") {
          "办件已经结束，申请内容已从互联网侧清除，不能在这里核对签名后有没有改动；需要核对的，请联系受理单位。"
        }
      } else {
        verdict(.broken)
      }
      Card("签名") {
        DetailList(
          [
            DetailItem("受理编号", text: statement["number"] ?? "", isCode: true),
            DetailItem("签名时间", text: signed, isCode: true), DetailItem("签名方式", text: method),
            DetailItem("身份核对", text: identity(statement["identity"] ?? "")),
          ])
        p(.class("field-help")) { "请把以上内容与申请表上的逐项核对，不一致的不要采信。" }
      }
      if erased.isGenuine { tools(statement["code"] ?? "", digest: statement["content"] ?? "") }
    }
    return try visit.html(page.render())
  }

  /// What stock tools prove it with.
  private func tools(_ code: String, digest: String) -> HTML {
    Card("用通用工具核验") {
      p(.class("field-help")) {
        "签名是对“签名陈述”的 SM2（SM3）签名："
        for (label, part) in [("签名陈述", "statement"), ("签名", "signature"), ("公钥", "key")] {
          if part != "statement" { "、" }
          a(.href("/signatures/\(code)/\(part)")) { label }
        }
      }
      p(.class("field-help")) {
        "申请内容摘要 SM3："
        span(.class("number")) { digest }
      }
    }.html
  }

  private func identity(_ code: String) -> String { cases.store.catalog.signatureIdentity(code) }

  private func verdict(_ verdict: CaseSignature.Verdict) -> Notice {
    switch verdict {
    case .whole: Notice(.success, title: "签名有效") { "签名真实，签名后申请内容和材料没有改动。" }
    case .extended: Notice(.success, title: "签名有效，之后有补充") { "签名真实，所签的内容没有改动；签名之后又补充了内容，不在签名之内。" }
    case .incomparable:
      Notice(.success, title: "签名有效，部分不能比对") { "签名真实；所签的内容中有的项目在系统升级后已经取消，不能比对，其余没有改动。" }
    case .altered: Notice(.warning, title: "签名真实，内容已改动") { "签名真实，但签名之后申请内容或材料有改动，改动的部分不受这次签名约束。" }
    case .broken: Notice(.danger, title: "不能确认") { "保存的签名与签名值不符。请不要采信，并联系受理单位核实。" }
    }
  }

  private static func json(_ proof: SignatureProof) -> JSON {
    [
      "verdict": .string(proof.signature.verdict.code), "label": .string("\(proof.item)申请表"),
      "number": .string(proof.number),
      "signer": .string(proof.signer), "method": .string(proof.signature.method.rawValue),
      "identity": .string(proof.signature.identity), "signedAt": .string(proof.signature.signedAt.iso8601),
      "sm3": .string(proof.signature.digest),
    ]
  }
}
