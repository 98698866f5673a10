import Access
package import Cases
package import Core
import Documents
import Entities
import EntitiesWeb
package import Files
import HTML
package import HTTP
import Papers
import Shell
package import Site

/// Codes to the telephone of an account by which somebody confirms what they sign (短信验证码确认); a code is good for one
/// content of one case.
package struct SigningCodes: Sendable {
  let send: @Sendable (_ phone: PhoneNumber, _ subject: String) async throws -> Void
  let redeem: @Sendable (_ code: String, _ phone: PhoneNumber, _ subject: String) async throws -> Void

  package init(
    send: @escaping @Sendable (_ phone: PhoneNumber, _ subject: String) async throws -> Void,
    redeem: @escaping @Sendable (_ code: String, _ phone: PhoneNumber, _ subject: String) async throws -> Void
  ) {
    self.send = send
    self.redeem = redeem
  }
}

/// Checking the application once more and signing it (核对并签名; C-048, C-237).
package struct SigningRoutes: Sendable {
  let site: Site
  let cases: CaseStore
  let images: PageImages
  let codes: SigningCodes
  let limiter: RateLimiter

  package init(site: Site, cases: CaseStore, images: PageImages, codes: SigningCodes, limiter: RateLimiter) {
    self.site = site
    self.cases = cases
    self.images = images
    self.codes = codes
    self.limiter = limiter
  }

  private static let maximumBody = 24 << 20

  package func register(in router: inout Router) {
    router.on(.get, "/cases/{id}/sign", at: site) { visit in try await ask(visit) }
    router.on(.post, "/cases/{id}/sign", maximumBody: SigningRoutes.maximumBody, at: site) { visit in
      try await sign(visit)
    }
    router.on(.get, "/cases/{id}/signatures/{signature}/evidence.json", at: site) { visit in
      try await evidence(visit)
    }
  }

  private func offer(_ visit: Visit) async throws -> SignatureOffer {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再签名。")
    }
    return try await cases.signing(
      try visit.request.integer("id"), as: visit.principal, origin: visit.request.origin)
  }

  private func view(_ visit: Visit) async throws -> CaseView {
    try await cases.view(try visit.request.integer("id"), as: visit.principal, origin: visit.request.origin)
  }

  // MARK: Asking

  private func ask(_ visit: Visit) async throws -> Response {
    try await page(visit, try await offer(visit), errors: [])
  }

  private func page(_ visit: Visit, _ offer: SignatureOffer, errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    let page = SigningPage(
      offer: offer, application: try await CasePage.sheet(of: offer.view, cases, visit),
      phone: offer.witness == nil ? try await phone(visit) : nil, hasCloud: cases.hasCloudSigning,
      codeSent: visit.request.query.first("sent") != nil || errors["code"] != nil, errors: errors)
    let title = offer.witness == nil ? "核对并签名" : offer.awaitsScan ? "补登扫描件" : "登记申请人签名"
    var response = try await visit.page(
      title, status: status, crumbs: [Crumb("办件 \(offer.number)", "/cases/\(offer.id)")],
      subtitle: offer.item.label, scripts: [.signature]
    ) { page }
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  /// The mobile telephone that is bound to the account; `nil` without one.
  private func phone(_ visit: Visit) async throws -> PhoneNumber? {
    let account = try await cases.store.records(as: .system, purpose: "签名确认").get(
      "app_user", visit.principal.id, columns: ["phone"])
    guard let phone = account["phone"].text.flatMap({ PhoneNumber($0) }), phone.kind == .mobile else { return nil }
    return phone
  }

  // MARK: Signing

  private func sign(_ visit: Visit) async throws -> Response {
    let offer = try await offer(visit)
    let form = try await visit.request.body.form()
    try limiter.require("user \(visit.principal.id)", toDo: "签名")
    do {
      guard let method = form.first("way").flatMap({ SignatureMethod(rawValue: $0) }), offer.methods.contains(method)
      else { throw CaseStore.unofferedMethod }
      var given = SignatureGiven(method, seen: form.first("digest") ?? "")
      // Each of the officer's forms has a name of its own for it.
      given.sawDocument = [form.first("saw_document"), form.first("saw_signer")].contains("true")
      guard given.seen == offer.digest else {
        throw CaseStore.staleSignature
      }
      var strokes: SignaturePicture?
      switch method {
      case .handwriting:
        strokes = try await picture(form)
        given.picture = strokes?.png
      case .phoneCode:
        if let asked = try await confirm(offer, form, visit) { return asked }
      case .cloud:
        switch try await cases.cloudSign(offer, by: visit.principal) {
        case .signed(let seal): given.cloud = seal
        case .waiting(let message):
          return try visit.redirect(to: "/cases/\(offer.id)/sign", saying: message, tone: .info)
        case .not(let reason):
          throw Refusal(
            .unavailable, "cloud-signature", "没有签上：\(reason)。申请照常办理，请改用手写签名，或打印申请表签好交到窗口。", field: "cloud")
        }
      case .paper: given.sheet = try scan(form, offer)
      }
      if method != .paper { given.sheet = try await sheet(offer, given, strokes, visit) }
      do {
        try await cases.sign(offer, given, by: visit.principal, origin: visit.request.origin)
      } catch let refusal as Refusal where method == .paper && refusal.code == "file-kind" {
        throw Refusal(refusal.kind, refusal.code, refusal.message, field: "scan")
      }
      return try visit.redirect(
        to: "/cases/\(offer.id)",
        saying: offer.witness == nil
          ? "已签名，签名的申请表在“电子签名”里。" : offer.awaitsScan ? "已补登签名的扫描件。" : "已登记申请人的签名。")
    } catch let refusal as Refusal where !visit.wantsJSON && refusal.kind != .tooMany && refusal.kind != .forbidden {
      return try await page(
        visit, try await self.offer(visit), errors: [FieldError](refusal), status: refusal.kind.status)
    }
  }

  private func picture(_ form: FormData) async throws -> SignaturePicture {
    guard let file = form.files("signature").first(where: { $0.size > 0 }) else {
      throw Refusal(.invalid, "signature-blank", "还没有签名。请在方框里写上姓名，或拍下写在白纸上的签名。", field: "signature")
    }
    do {
      return try await images.signature(try file.bytes(upTo: 12 << 20))
    } catch let refusal as Refusal where refusal.field == nil {
      throw Refusal(refusal.kind, refusal.code, refusal.message, field: "signature")
    }
  }

  /// The scan of a signed sheet, which an officer has before them and may keep.
  private func scan(_ form: FormData, _ offer: SignatureOffer) throws -> [UInt8]? {
    guard form.first("seen_paper") == "true" else {
      throw Refusal(.invalid, "paper-unseen", "请确认已收到本人签名的纸质申请表，内容与这里一致。", field: "seen_paper")
    }
    let given = form.files("scan").first { $0.size > 0 }
    guard given != nil || !offer.awaitsScan else {
      throw Refusal(.invalid, "scan-missing", "还没有选择扫描件。请选择签好的申请表的图片或 PDF。", field: "scan")
    }
    return try given?.bytes(upTo: 20 << 20)
  }

  /// Sends a code, or takes one.
  ///
  /// - Returns: where to go after sending; `nil` once the code was right.
  private func confirm(_ offer: SignatureOffer, _ form: FormData, _ visit: Visit) async throws -> Response? {
    guard let phone = try await phone(visit) else {
      throw Refusal(
        .unprocessable, "signature-phone", "您的账号没有绑定手机，不能用验证码确认。请先在“我的账号”里绑定，或用手写签名。", field: "code")
    }
    let subject = "\(offer.number) \(offer.digest)"
    if form.first("do") == "send" {
      try await codes.send(phone, subject)
      return try visit.redirect(
        to: "/cases/\(offer.id)/sign?sent=1#by-code", saying: "验证码已发到尾号 \(phone.text.suffix(4)) 的手机，十分钟内有效。",
        tone: .info)
    }
    try await codes.redeem(form.first("code") ?? "", phone, subject)
    return nil
  }

  /// The application as it is signed, set with the signature on it.
  private func sheet(
    _ offer: SignatureOffer, _ given: SignatureGiven, _ strokes: SignaturePicture?, _ visit: Visit
  ) async throws -> [UInt8] {
    let page = try await CasePage.sheet(of: offer.view, cases, visit)
    var note = "身份核对：\(cases.store.catalog.signatureIdentity(offer.identity(given)))"
    if let witness = offer.witness { note += "（\(witness)）" }
    if let reference = given.reference { note += "。云签流水号：\(reference)" }
    note += "。签名后改动申请内容或材料的，本签名不再约束改动的部分；可凭验真码在验真页面核对。"
    let signature = DocumentSignature(
      picture: strokes.map { ($0.png, Double($0.width) / Double($0.height)) }, method: given.method.label,
      time: offer.at.display, note: note, digest: offer.digest, code: offer.code)
    return try await cases.office.make(
      "application_form", of: offer.id, slots: page.formSlots, signatures: [CasePage.signaturePlace: signature],
      purpose: "签名", by: visit.principal, origin: visit.request.origin)
  }

  // MARK: Evidence

  private func evidence(_ visit: Visit) async throws -> Response {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再下载签名证据。")
    }
    let evidence = try await cases.signatureEvidence(
      try visit.request.integer("signature"), of: try await view(visit), by: visit.principal,
      origin: visit.request.origin)
    var response = Response.bytes(Array(evidence.text.utf8), type: "application/json")
    response.attach(as: "signature-evidence.json")
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
