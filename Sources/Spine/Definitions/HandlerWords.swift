package import Entities
package import Processes

/// Handlers and lengths of time as people say them.
package struct HandlerWords: Sendable {
  private let roles: [String: String]

  package init(_ catalog: Catalog) {
    roles = Dictionary(catalog.roles.map { ($0.name, $0.label) }, uniquingKeysWith: { first, _ in first })
  }

  /// `role:hukou_officer` as 户籍民警.
  package func text(_ holder: String) -> String { StepHandler(holder).map { text($0) } ?? holder }

  /// Who a step asks: 户籍地户籍民警.
  package func text(_ handler: StepHandler) -> String {
    switch handler {
    case .role(let name): roles[name] ?? name
    case .homeRole(let name): "户籍地\(roles[name] ?? name)"
    case .post(let name): "岗位 \(name)"
    case .unit(let name): "单位 \(name)"
    case .unitOfAddress: "属地单位"
    case .starter: "申请人"
    case .sameAs(let step): "与环节 \(step) 相同的人"
    case .roleOf(let variable): "按 \(variable) 确定"
    }
  }

  /// What happens at the limit of a step.
  package func text(_ rule: OverdueRule) -> String {
    switch rule {
    case .pass: "自动通过"
    case .back(let step): step.map { "自动退回到 \($0)" } ?? "自动退回上一环节"
    case .escalate(let handler): "升级给\(text(handler))"
    case .transfer: "转给兜底办理人"
    }
  }

  /// 1 个工作日, 2 小时 30 分.
  package static func text(_ duration: ProcessDuration) -> String {
    var parts: [String] = []
    if duration.days > 0 { parts.append("\(duration.days) 个工作日") }
    if duration.hours > 0 { parts.append("\(duration.hours) 小时") }
    if duration.minutes > 0 { parts.append("\(duration.minutes) 分") }
    return parts.joined(separator: " ")
  }
}
