package import Access
package import Core

extension ServiceItem {
  /// Why somebody who is known this surely may not apply on line; `nil` when it is enough.
  package func assuranceRefusal(_ held: Assurance) -> Refusal? {
    if held >= assurance { return nil }
    return Refusal(
      .forbidden, "assurance-low",
      "在网上申请“\(label)”要求\(assurance.label)，您这次登录是\(held.label)。请退出后从登录页选择统一身份认证平台重新登录，或带身份证到窗口办理。")
  }
}
