package import Access
import Core
package import Entities

extension ConnectorClient {
  /// Readings an hour of somebody who accepts applications, and of an applicant.
  private static let window = 200
  package static let applicant = 20

  /// Reads what fills a form in (信息复用, C-033).
  ///
  /// - Parameter owner: the resident id of an applicant on line, who is shown only what is theirs; `nil` for whoever
  ///   accepts applications at a window, and where an operation answers nothing but what is the asker's own.
  ///   - limit: how often an hour; by default as often as an applicant on line, or somebody at a window, may.
  /// - Throws: ``Refusal`` `read-often`: nobody tries numbers out.
  package func read(
    _ name: String, _ operation: ConnectorOperation, _ values: [String: Value], owner: String?, limit: Int? = nil,
    purpose: String, by principal: Principal
  ) async throws -> ConnectorAnswer {
    let limit = limit ?? (owner == nil ? ConnectorClient.window : ConnectorClient.applicant)
    if let wait = readings.count("\(principal.kind) \(principal.id)", limit: limit, at: store.clock.now()) {
      throw Refusal(.tooMany, "read-often", "带入次数太多，请 \(max(wait / 60, 1)) 分钟后再试，也可以先手工填写。")
    }
    let answer = try await call(name, operation.name, values, purpose: purpose, by: principal)
    guard answer.outcome == .yes, let owner else { return answer }
    if operation.owners.contains(where: { answer.values[$0]?.text == owner }) { return answer }
    var hidden = ConnectorAnswer(.no, reason: "没有找到属于您本人的这份证件，请核对编号；由别人代办的，请手工填写")
    hidden.call = answer.call
    return hidden
  }
}
