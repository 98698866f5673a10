package import Addresses
import Core
import Crypto
package import Entities
import HTML
package import HTTP
import Shell
package import Site

/// 门牌验真: whether a QR code was made by the city. The page carries the public keys and judges on the device, so that it
/// works without network once it was opened; without JavaScript, and for codes by a keyed hash, the server judges.
package struct PlateVerifyRoutes: Sendable {
  let site: Site
  let rules: QRRules
  let suspicions: PlateSuspicions
  let limiter: RateLimiter

  package init(site: Site, rules: QRRules, store: RecordStore, limiter: RateLimiter) {
    self.site = site
    self.rules = rules
    self.limiter = limiter
    suspicions = PlateSuspicions(store: store)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/plates/verify", at: site) { visit in try await page(visit, "", nil) }
    router.on(.post, "/plates/verify", at: site) { visit in try await judge(visit) }
    router.on(.get, "/plates/key", at: site) { _ in try key() }
  }

  private func judge(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "核验")
    let text = TextForms.trimmed(try await visit.request.body.form().first("code") ?? "")
    let verdict = rules.judge(text)
    if case .forged(let code) = verdict { try await suspicions.note(.forged, code: code, text: text) }
    if visit.wantsJSON { return .json(PlateVerifyRoutes.json(verdict)) }
    return try await page(visit, text, text.isEmpty ? nil : verdict)
  }

  private func page(_ visit: Visit, _ text: String, _ verdict: QRRules.Verdict?) async throws -> Response {
    let keys = rules.proofs.keys.trusted.values.map { Hex.encode(Array($0.point.suffix(64))) }.sorted()
    let marks = JSON.array(rules.signedMarks.map { [.string($0.before), .string($0.between)] })
    let page = PublicPage(title: "门牌验真", visit: try await visit.frame(), scripts: [.scan, .plate]) {
      header(.class("address-header")) {
        h1 { "门牌验真" }
        p(.class("address-note")) { "扫一扫门牌上的二维码，看它是不是本市制作的。打开过本页后，没有网络也能核验。" }
      }
      div(
        .class("scan"), .data("data-scan"), .data("data-plate"), .data("data-plate-keys", keys.joined(separator: ",")),
        .data("data-plate-marks", marks.text)
      ) {
        div(.data("data-plate-verdict"), .aria(.live, "polite")) { if let verdict { notice(verdict) } }
        p(.class("scan-status"), .role("status"), .data("data-scan-status"))
        form(.class("public-lookup"), .method(.post), .action("/plates/verify"), .data("data-plate-form")) {
          formTokenField()
          Shell.Field(
            "code", "二维码内容", .longText(text, rows: 4, maximum: 1000), isRequired: true,
            help: "用别的扫码工具读出的整段文字，从 https:// 到最后一位。")
          Action("核验", .submit(name: nil, value: nil), style: .primary)
          p(.class("field-help")) {
            "签名用 SM2 和 SM3 算法，"
            a(.href("/plates/key")) { "公钥" }
            "可以下载，用通用工具核验。验真说明二维码由本市制作；牌面文字与扫码页面的地址不一致的，同样不可信。"
          }
        }
      }
    }
    return try visit.html(page.render())
  }

  private func notice(_ verdict: QRRules.Verdict) -> Notice {
    switch verdict {
    case .genuine(let code):
      Notice(.success, title: "签名有效") {
        p {
          "这块门牌的二维码由本市制作。地址编码 "
          a(.href("/d/\(code.text)")) { code.text }
          "。请再核对牌面的地址与扫码页面是否一致。"
        }
      }
    case .unsigned(let code):
      Notice(.warning, title: "没有签名，不能证明真伪") {
        p {
          "这是早期或打印的二维码，地址编码 "
          a(.href("/d/\(code.text)")) { code.text }
          "。请核对牌面的地址与扫码页面是否一致。"
        }
      }
    case .forged:
      Notice(.danger, title: "签名无效") { "二维码不是本市制作的，或被改动过，已登记待民警核查。请不要通过它付款或填写个人信息。" }
    case .foreign: Notice(.warning, title: "不是本市的门牌二维码") { "内容不是本市门牌的网址。请核对是否扫错了二维码。" }
    }
  }

  private static func json(_ verdict: QRRules.Verdict) -> JSON {
    switch verdict {
    case .genuine(let code): ["verdict": "genuine", "code": .string(code.text)]
    case .unsigned(let code): ["verdict": "unsigned", "code": .string(code.text)]
    case .forged: ["verdict": "forged"]
    case .foreign: ["verdict": "foreign"]
    }
  }

  private func key() throws -> Response {
    guard let key = rules.proofs.keys.current?.key.publicKey else { throw Fault("plate-key", "none") }
    var response = Response.bytes(Array(try key.pem().utf8), type: "application/x-pem-file")
    response.attach(as: "plate-public-key.pem")
    return response
  }
}
