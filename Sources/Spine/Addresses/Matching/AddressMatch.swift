/// What a written address was found to be (匹配结果).
package struct AddressMatch: Sendable {
  package enum Outcome: String, Sendable {
    /// 采纳: the first candidate is the address.
    case accepted
    /// 存疑: somebody has to choose among the candidates.
    case doubtful
    /// 无匹配.
    case none
  }

  /// An address that may be meant.
  package struct Candidate: Sendable, Hashable {
    package let id: Int64
    /// How well it explains the text; only differences mean anything.
    package let score: Float
  }

  /// Why a match is doubtful, or why there is none.
  package enum Reason: String, Sendable, CaseIterable {
    case nothingFound = "nothing-found"
    case noNumber = "no-number"
    case severalFit = "several-fit"
    case notInBase = "not-in-base"
    case numberDiffers = "number-differs"
    case divisionDiffers = "division-differs"
    case nameDiffers = "name-differs"
    case misspelt
    case incomplete
    case unexplained

    package var message: String {
      switch self {
      case .nothingFound: "地址库中没有这里的道路、小区或村"
      case .noNumber: "没有门牌号、楼栋号，不能确定到户"
      case .severalFit: "有几条地址同样相符"
      case .notInBase: "地址库中没有这么细的楼栋、单元或室"
      case .numberDiffers: "门牌号与地址库不一致"
      case .divisionDiffers: "写明的区县、街道或社区与地址库不一致"
      case .nameDiffers: "写明的道路或小区与地址库不一致"
      case .misspelt: "名称有错别字"
      case .incomplete: "缺少的部分较多"
      case .unexplained: "有不能识别的内容"
      }
    }
  }

  package let outcome: Outcome
  /// The chance that the first candidate is right, by the formula of ``MatchConfidence``; 0 without one.
  package let confidence: Double
  package let reasons: [Reason]
  /// The best first, at most five.
  package let candidates: [Candidate]
  package let features: MatchFeatures
}

/// What the confidence of a match depends on.
package struct MatchFeatures: Sendable, Hashable {
  /// Points lost for what does not agree, what is missing and what is misspelt.
  package var loss: Float = 0
  /// Points between the first candidate and the next; at most ``widest``.
  package var margin: Float = 0
  /// Points lost for names misspelt.
  package var slips: Float = 0
  /// Levels at which text and address contradict each other.
  package var conflicts: Float = 0
  /// Levels that one side names and the other does not, below the plate.
  package var depth: Float = 0
  /// Chinese characters without explanation.
  package var unexplained: Float = 0
  /// Names that text and address share.
  package var shared: Float = 0

  package static let widest: Float = 6
}
