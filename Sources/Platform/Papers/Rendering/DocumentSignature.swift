/// A signature as it stands on paper (电子签名): the strokes where there are some, and what proves it.
package struct DocumentSignature: Sendable {
  /// The strokes as PNG with their proportion, width to height; `nil` for another kind of signature.
  package var picture: (png: [UInt8], ratio: Double)?
  /// What stands where strokes would, such as 短信验证码确认.
  package let method: String
  /// When it was given, as people read it.
  package let time: String
  /// What it is worth: what was checked, and with whom.
  package let note: String
  /// Digest of what was signed, in hexadecimal.
  package let digest: String
  /// Proves it at `/verify`.
  package let code: String

  package init(
    picture: (png: [UInt8], ratio: Double)? = nil, method: String, time: String, note: String, digest: String,
    code: String
  ) {
    self.picture = picture
    self.method = method
    self.time = time
    self.note = note
    self.digest = digest
    self.code = code
  }
}
