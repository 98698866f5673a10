import Core

/// Whether an application on line is signed (电子签名要求); at the window it is signed on paper or on the pad there.
package enum SignatureDemand: String, Sendable, Hashable, CaseIterable {
  /// Nothing is granted before a signature covers what stands in the case: electronic, or on paper and registered.
  case required
  /// Whoever wants may sign.
  case optional
  /// Nobody is asked.
  case unasked = "none"

  package var label: String {
    switch self {
    case .required: "必须签名"
    case .optional: "可以签名"
    case .unasked: "不需要"
    }
  }
}

/// How somebody signed (签名方式).
///
/// Strokes and a code on our own page are electronic signatures that both sides agreed on, proved by what the platform
/// seals; only a cloud signature is made with a certificate of the signer's own (《电子签名法》第十三条), and only ink
/// on paper needs no proof of ours.
package enum SignatureMethod: String, Sendable, Hashable, CaseIterable {
  case handwriting
  case phoneCode = "phone_code"
  case cloud
  case paper

  /// What an applicant does without anybody there.
  package static let alone: [SignatureMethod] = [.handwriting, .phoneCode, .cloud]

  package var label: String {
    switch self {
    case .handwriting: "手写签名"
    case .phoneCode: "短信验证码确认"
    case .cloud: "云签"
    case .paper: "纸质签名"
    }
  }
}
