package import Core
package import Documents
import Foundation

/// The QR code of an address as other systems get it: what it says, and the picture.
///
/// The picture is the one that plates carry, with its signature; an address that is cancelled has none any more.
package struct AddressQR: Sendable {
  package static let mediaType = "image/png"
  /// Pixels a module, unless asked otherwise.
  package static let scale = 6

  private let rules: QRRules

  package init(rules: QRRules) { self.rules = rules }

  /// The symbol, with as much redundancy as a plate needs.
  package func symbol(of code: String) throws -> (content: String, code: QRCode) {
    let content = try rules.content(for: code)
    return (content, try QRCode(content, level: .high))
  }

  /// `{"content", "mediaType", "contentEncoding": "base64", "data"}`, or null for an address that is cancelled.
  package func json(code: String?, status: String?, scale: Int = AddressQR.scale) throws -> JSON {
    guard let code, status != "cancelled" else { return .null }
    let symbol = try symbol(of: code)
    let data = Data(symbol.code.png(scale: scale)).base64EncodedString()
    return [
      "content": .string(symbol.content), "mediaType": .string(AddressQR.mediaType), "contentEncoding": "base64",
      "data": .string(data),
    ]
  }
}
