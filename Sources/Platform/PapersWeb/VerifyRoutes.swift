import Core
import Crypto
import Entities
import HTML
package import HTTP
package import Papers
import Shell
package import Site

/// The public page that says whether a document is authentic (验真): anybody with the paper may ask, and learns nothing
/// that does not stand on it.
package struct VerifyRoutes: Sendable {
  let site: Site
  let office: DocumentOffice
  let limiter: RateLimiter
  /// The page of a code that is no document's; `nil` for one that nobody knows.
  let others: @Sendable (_ code: String, Visit) async throws -> Response?

  package init(
    site: Site, office: DocumentOffice, limiter: RateLimiter,
    others: @escaping @Sendable (_ code: String, Visit) async throws -> Response? = { _, _ in nil }
  ) {
    self.others = others
    self.site = site
    self.office = office
    self.limiter = limiter
  }

  /// A scan of a sheet, in bytes.
  private static let maximumBody = 12 << 20

  package func register(in router: inout Router) {
    router.on(.get, "/verify", at: site) { visit in try await ask(visit) }
    router.on(.get, "/verify/{code}", at: site) { visit in try await show(visit) }
    router.on(.post, "/verify/{code}", maximumBody: VerifyRoutes.maximumBody, at: site) { visit in
      try await compare(visit)
    }
    router.on(.get, "/verify/{code}/signature", at: site) { visit in try await signature(visit) }
    router.on(.get, "/verify/{code}/key", at: site) { visit in try await key(visit) }
  }

  // MARK: Pages

  /// Of the page on which a code is typed, which may be a document's or a signature's.
  private static let title = "证照、签名验真"

  private func ask(_ visit: Visit) async throws -> Response {
    if let code = visit.request.query.first("code")?.filter({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
      !code.isEmpty
    {
      return .redirect(to: "/verify/\(code.uppercased().prefix(40))")
    }
    return try await page(visit, VerifyRoutes.title) { form }
  }

  private func show(_ visit: Visit) async throws -> Response {
    let code = try visit.request.parameter("code")
    try limiter.require(visit.request.remoteAddress, toDo: "查验")
    if let other = try await others(code, visit) { return other }
    guard let proof = try await office.verify(code, by: visit.principal, origin: visit.request.origin) else {
      if visit.wantsJSON {
        throw Refusal(.notFound, "document-unknown", "没有这个验真码对应的证照或签名。请核对验真码，或联系签发、受理的单位核实。")
      }
      return try await page(visit, VerifyRoutes.title, status: 404) {
        Notice(.danger, title: "查不到这份证照或签名") { "没有这个验真码对应的证照或签名。请核对验真码；核对无误仍查不到的，请不要采信，并联系签发、受理的单位核实。" }
        form
      }
    }
    if visit.wantsJSON { return .json(VerifyRoutes.json(proof)) }
    return try await page(visit, "证照验真") { content(proof, code, compared: nil) }
  }

  /// Compares a file that somebody was sent with the one that was issued.
  private func compare(_ visit: Visit) async throws -> Response {
    let code = try visit.request.parameter("code")
    guard let proof = try await proof(visit) else { return .redirect(to: "/verify/\(code)") }
    let form = try await visit.request.body.form()
    var isEqual: Bool?
    if let file = form.files.first, let bytes = try? file.bytes(upTo: VerifyRoutes.maximumBody), !bytes.isEmpty {
      isEqual = Hex.encode(Digest.sm3(bytes)) == proof.digest
    }
    return try await page(visit, "证照验真") { content(proof, code, compared: .some(isEqual)) }
  }

  private func proof(_ visit: Visit) async throws -> DocumentProof? {
    try limiter.require(visit.request.remoteAddress, toDo: "查验")
    return try await office.verify(
      try visit.request.parameter("code"), by: visit.principal, origin: visit.request.origin)
  }

  private func page(
    _ visit: Visit, _ title: String, status: Int = 200, @HTMLBuilder _ content: () -> HTML
  ) async throws -> Response {
    let page = PublicPage(title: title, visit: try await visit.frame()) {
      PublicHeading(
        title,
        note: title == VerifyRoutes.title ? "核对证照、证明和申请表上的签名是不是真的" : "核对证照和证明是不是真的、现在还有没有效")
      content()
    }
    return try visit.html(page.render(), status: status)
  }

  private var form: HTML {
    Card("输入验真码") {
      element("form", .class("confirmation"), .method(.get), .action("/verify")) {
        Shell.Field(
          "code", "验真码", .text("", .init(maximum: 40)), isRequired: true,
          help: "证照上，或申请表的签名旁，二维码下方的 20 位字母和数字，空格可以不输。")
        div(.class("dialog-actions")) { Action("查验", .submit(name: nil, value: nil), style: .primary) }
      }
    }.html
  }

  private func content(_ proof: DocumentProof, _ code: String, compared: Bool??) -> HTML {
    HTML {
      verdict(proof)
      if let compared { comparison(compared, proof) }
      Card("证照") {
        DetailList(
          [
            DetailItem("名称", text: proof.label), DetailItem("编号", text: proof.number, isCode: true),
            DetailItem("持证人", text: proof.holder), DetailItem("签发机关", text: proof.unit),
            DetailItem("签发日期", text: proof.issuedOn.description, isCode: true),
            DetailItem("有效期至", text: proof.validUntil?.description ?? "长期", isCode: true),
          ])
        p(.class("field-help")) { "请把以上内容与手中的证照逐项核对，不一致的不要采信。" }
      }
      if proof.verdict != .broken { files(proof, code) }
    }
  }

  private func verdict(_ proof: DocumentProof) -> Notice {
    switch proof.verdict {
    case .authentic: Notice(.success, title: "真实有效") { "这份证照由\(proof.unit)签发，文件签名有效，现在有效。" }
    case .expired:
      Notice(.warning, title: "真实，已过有效期") { "这份证照由\(proof.unit)签发，已于 \(proof.validUntil?.description ?? "") 到期。" }
    case .void:
      Notice(.danger, title: "已作废") { "这份证照已于 \(proof.voidedOn?.description ?? "") 作废，不能再使用。" }
    case .broken: Notice(.danger, title: "不能确认") { "台账中的文件与签名不符。请不要采信，并联系签发机关核实。" }
    }
  }

  private func comparison(_ compared: Bool?, _ proof: DocumentProof) -> Notice {
    switch compared {
    case true?: Notice(.success, title: "文件一致") { "您上传的文件与签发的文件完全一致，没有被改动。" }
    case false?: Notice(.danger, title: "文件不一致") { "您上传的文件不是签发的原始文件：可能被改动过，或是扫描、另存的副本。请以核对内容为准。" }
    case nil: Notice(.warning) { "没有收到文件。请选择收到的 PDF 文件后再比对。" }
    }
  }

  private func files(_ proof: DocumentProof, _ code: String) -> HTML {
    Card("比对电子文件") {
      p { "收到的是 PDF 文件的，可以在这里比对它是否被改动。文件只用于比对，不会保存。" }
      element("form", .class("confirmation"), .method(.post), .action("/verify/\(code)"), .multipart()) {
        formTokenField()
        Shell.Field("file", "PDF 文件", .file(.init(accept: "application/pdf", limit: "12 MB 以内")), isRequired: true)
        div(.class("dialog-actions")) { Action("比对", .submit(name: nil, value: nil), style: .primary) }
      }
      p(.class("field-help")) {
        "也可以用通用工具核验签名（SM2 with SM3）："
        a(.href("/verify/\(code)/signature")) { "签名" }
        "、"
        a(.href("/verify/\(code)/key")) { "公钥" }
        "。文件摘要 SM3："
        span(.class("number")) { proof.digest }
      }
    }.html
  }

  // MARK: For programs

  static func json(_ proof: DocumentProof) -> JSON {
    let verdict =
      switch proof.verdict {
      case .authentic: "authentic"
      case .expired: "expired"
      case .void: "void"
      case .broken: "broken"
      }
    return [
      "verdict": .string(verdict), "label": .string(proof.label), "number": .string(proof.number),
      "holder": .string(proof.holder), "unit": .string(proof.unit), "issuedOn": .string(proof.issuedOn.description),
      "validUntil": proof.validUntil.map { .string($0.description) } ?? .null, "sm3": .string(proof.digest),
    ]
  }

  private func signature(_ visit: Visit) async throws -> Response {
    guard let proof = try await proof(visit) else { throw VerifyRoutes.unknown }
    var response = Response.bytes(proof.signature, type: "application/octet-stream")
    response.attach(as: "signature.der")
    return response
  }

  private func key(_ visit: Visit) async throws -> Response {
    guard let key = try await proof(visit)?.key else { throw VerifyRoutes.unknown }
    var response = Response.bytes(Array(try key.pem().utf8), type: "application/x-pem-file")
    response.attach(as: "public-key.pem")
    return response
  }

  private static let unknown = Refusal(.notFound, "document-unknown", "没有这个验真码对应的证照。请核对验真码。")
}
