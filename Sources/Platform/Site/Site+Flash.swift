import Core
import Crypto
import HTML
package import HTTP
package import Shell

/// Messages left for the next page, in a short-lived signed cookie.
extension Site {
  package func setFlash(_ text: String, tone: Tone, in response: inout Response) throws {
    let value = Base64URL.encode(Array("\(tone.rawValue)|\(text)".utf8))
    response.setCookie(try cookie("flash", "\(value).\(mac("flash", value))", maxAge: 60))
  }

  func flash(in request: Request) -> Flash? {
    guard let parts = request.cookies["flash"]?.split(separator: "."), parts.count == 2,
      constantTimeEqual(Array(mac("flash", String(parts[0])).utf8), Array(parts[1].utf8)),
      let bytes = Base64URL.decode(String(parts[0]))
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let bar = text.firstIndex(of: "|"), let tone = Tone(rawValue: String(text[..<bar])) else { return nil }
    return Flash(tone, String(text[text.index(after: bar)...]))
  }

  func clearFlash(of request: Request, in response: inout Response) throws {
    guard request.cookies["flash"] != nil else { return }
    response.setCookie(try Cookie.removal(of: "flash", secure: secureCookies))
  }
}

/// Form tokens (CSRF): every form that changes something carries one, bound to the session or to the visiting browser.
extension Site {
  /// The form token of somebody without a session, bound to the browser's `visitor` cookie.
  package func strangerToken(_ visitor: String) -> String { mac("form", visitor) }

  /// A fresh value for the `visitor` cookie.
  package func newVisitor() -> String { Base64URL.encode(RandomSource.system.bytes(18)) }
}

extension Visit {
  /// - Throws: ``Refusal`` `cross-site` when a form was not made for this browser or has grown too old.
  func checkFormToken() async throws {
    // A stranger without a cookie of its own has no token either.
    let isKnown = session != nil || !(request.cookies["visitor"] ?? "").isEmpty
    try await CrossSiteGuard.check(request, expected: isKnown ? environment.formToken : "")
  }
}
