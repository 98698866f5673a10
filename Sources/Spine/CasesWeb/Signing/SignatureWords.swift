import Cases
import Entities

extension Catalog {
  /// How a signer was known, in words (身份核对).
  func signatureIdentity(_ code: String) -> String {
    dictionary("signature_identity")?.label(of: code) ?? code
  }
}
