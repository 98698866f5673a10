/// Addresses that may stand in a page without running anything (OWASP: `javascript:`, `vbscript:`, `data:text/html`).
package enum SafeURL {
  /// What is written in place of an address that is not allowed; following it leads nowhere.
  package static let blocked = "about:invalid"

  /// Schemes that a link or a form may lead to.
  private static let linkSchemes = ["http", "https", "mailto", "tel", "sms", "geo", "weixin"]

  /// `url` when following it can run nothing in this page, else ``blocked``.
  ///
  /// Relative addresses pass. A colon before the first `/`, `?` or `#` makes what stands before it a scheme, which must
  /// be one of a short list, letter for letter: browsers ignore blanks and control characters there, so a scheme that
  /// contains any is refused.
  package static func link(_ url: String) -> String {
    guard let scheme = scheme(of: url) else { return url }
    return linkSchemes.contains(scheme) ? url : blocked
  }

  /// `url` when it may be loaded as an image, a font or a script: as for links, and `data:` for the bitmap formats.
  package static func source(_ url: String) -> String {
    guard let scheme = scheme(of: url) else { return url }
    switch scheme {
    case "http", "https", "blob": return url
    case "data":
      let allowed = ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,"]
      return allowed.contains { url.hasPrefix($0) } ? url : blocked
    default: return blocked
    }
  }

  /// `url` when it is a path, query or fragment of this very site, else ``blocked``; for requests that scripts make.
  package static func local(_ url: String) -> String {
    let bytes = Array(url.utf8.prefix(2))
    guard let first = bytes.first else { return url }
    switch first {
    case UInt8(ascii: "?"), UInt8(ascii: "#"): return url
    case UInt8(ascii: "/"):
      // `//host` and `/\host` both name another host.
      let second = bytes.dropFirst().first
      let isForeign = second == UInt8(ascii: "/") || second == UInt8(ascii: "\\") || (second ?? 0x2F) <= 0x20
      return bytes.count > 1 && isForeign ? blocked : url
    default: return blocked
    }
  }

  /// What stands before the first colon, lower-cased in ASCII; `nil` for a relative address.
  private static func scheme(of url: String) -> String? {
    for (offset, byte) in url.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): return nil
      case UInt8(ascii: ":"):
        let letters = url.utf8.prefix(offset).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return String(decoding: letters, as: UTF8.self)
      default: continue
      }
    }
    return nil
  }
}
