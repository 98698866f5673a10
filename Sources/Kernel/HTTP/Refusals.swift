package import Core

/// The refusals that the server itself speaks.
enum Refusals {
  static let notFound = Refusal(.notFound, "not-found", "没有找到这个页面，它可能已被移动或删除。请检查网址，或返回首页重新查找。")

  static let methodNotAllowed = Refusal(.unsupported, "method-not-allowed", "这个地址不支持此操作，未做任何改动。请返回上一页后重试。")

  static let malformedRequest = Refusal(.invalid, "malformed-request", "请求格式有误，未做任何改动。请刷新页面后重试。")

  static let headerTooLarge = Refusal(.tooLarge, "header-too-large", "请求头过大，未做任何改动。请清除本站的浏览器缓存和 Cookie 后重试。")

  static let busy = Refusal(.unavailable, "busy", "系统正忙，本次提交未处理。请稍候几秒再试。")

  static let internalError = Refusal(.unavailable, "internal-error", "系统处理出错，本次操作未完成。请稍后重试；若仍出现，请把请求编号告知管理员。")

  static let bodyInterrupted = Refusal(.invalid, "upload-interrupted", "提交的内容没有传完，未保存任何内容。请检查网络后重新提交。")

  static func bodyTooLarge(limit: Int) -> Refusal {
    Refusal(.tooLarge, "body-too-large", "提交的内容超过上限 \(sizeText(limit))，未保存任何内容。请减少内容或分几次提交。")
  }

  /// A size as people read it: `512 KB`, `200 MB`.
  static func sizeText(_ bytes: Int) -> String {
    if bytes >= 1 << 20 {
      return bytes % (1 << 20) == 0 ? "\(bytes >> 20) MB" : "\((bytes * 10) >> 20)".decimalPoint + " MB"
    }
    return bytes >= 1 << 10 ? "\(bytes >> 10) KB" : "\(bytes) 字节"
  }
}

extension String {
  /// `15` tenths as `1.5`.
  fileprivate var decimalPoint: String { count < 2 ? "0.\(self)" : "\(dropLast()).\(suffix(1))" }
}

/// A refusal together with the seconds after which another try makes sense; becomes `Retry-After`.
package struct RetryLater: Error, Sendable {
  package let refusal: Refusal
  package let seconds: Int

  package init(_ refusal: Refusal, seconds: Int) {
    self.refusal = refusal
    self.seconds = max(1, seconds)
  }
}
