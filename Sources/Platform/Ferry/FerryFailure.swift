/// Why something that came by the ferry is not taken (拒收原因).
package struct FerryFailure: Error, Sendable, Hashable {
  /// Why a file is refused (拒收原因).
  package enum Reason: String, Sendable, Hashable, CaseIterable {
    /// No complete envelope: cut off, or no XML of ours.
    case malformed
    /// Larger than the limit.
    case tooLarge = "too-large"
    /// From our own side, or for somebody else.
    case direction
    /// Not signed by the other side's key, or altered after signing.
    case signature
    /// Wrapped for another key than ours.
    case key
    /// The content does not open or is no message.
    case content
    /// A number that was applied already, with another content.
    case reused
    /// So far ahead that it cannot be waited for.
    case ahead
    /// A link, folder or device in place of a file.
    case notAFile = "not-a-file"

    package var label: String {
      switch self {
      case .malformed: "文件不完整或不是摆渡文件"
      case .tooLarge: "文件超过大小限制"
      case .direction: "方向不对"
      case .signature: "签名不符，内容可能被改动"
      case .key: "不是用本侧的公钥加密"
      case .content: "内容打不开"
      case .reused: "序号重复而内容不同"
      case .ahead: "序号超前太多"
      case .notAFile: "不是普通文件"
      }
    }
  }

  package let reason: Reason
  /// For the log and the page; never personal data.
  package let detail: String

  package init(_ reason: Reason, _ detail: String = "") {
    self.reason = reason
    self.detail = detail
  }
}
