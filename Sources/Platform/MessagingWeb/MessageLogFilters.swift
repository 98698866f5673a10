import Core
import HTTP
import Messaging
import Shell

/// What narrows the record of messages, as it stands in the page's address (B4-271, B4-275).
struct MessageLogFilters {
  private(set) var query = MessageCenter.LogQuery()

  init(_ items: QueryItems) {
    func text(_ name: String) -> String? { items.first(name).flatMap { $0.isEmpty ? nil : $0 } }
    query.state = text("state").flatMap { LoggedDelivery.State(rawValue: $0) }
    query.channel = text("channel").flatMap { MessageChannelKind(rawValue: $0) }
    query.template = text("template")
    query.via = text("via")
    query.user = text("user").flatMap { Int64($0) }
    query.isRead = text("read").flatMap { $0 == "yes" ? true : $0 == "no" ? false : nil }
    query.from = text("made.from").flatMap { CivilDate($0) }
    query.to = text("made.to").flatMap { CivilDate($0) }
    query.key = text("key")
    query.page = min(max(text("page").flatMap { Int($0) } ?? 1, 1), 10_000)
    query.size = min(max(text("size").flatMap { Int($0) } ?? 50, 10), 200)
  }

  var isNarrowed: Bool { !items.isEmpty }

  /// What is set, by the names of the address.
  private var items: [(name: String, value: String)] {
    let all: [(String, String?)] = [
      ("state", query.state?.rawValue), ("channel", query.channel?.rawValue), ("template", query.template),
      ("via", query.via), ("user", query.user.map(String.init)), ("read", query.isRead.map { $0 ? "yes" : "no" }),
      ("made.from", query.from?.description), ("made.to", query.to?.description), ("key", query.key),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  func path(page: Int = 1, size: Int = 50, without name: String? = nil) -> String {
    var parts = items.filter { $0.name != name && !$0.name.hasPrefix("\(name ?? "-").") }
    if page > 1 { parts.append(("page", String(page))) }
    if size != 50 { parts.append(("size", String(size))) }
    let kept = parts.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
    return kept.isEmpty ? "/messages/log" : "/messages/log?" + kept.joined(separator: "&")
  }

  /// - Parameter names: of users, by their number.
  func bar(templates: [MessageTemplate], names: [Int64: String]) -> FilterBar {
    FilterBar(
      path: "/messages/log", search: nil,
      basic: [
        Field(
          "state", "状态",
          .select(
            query.state?.rawValue ?? "", LoggedDelivery.State.allCases.map { Choice($0.rawValue, $0.label) },
            blank: "全部")),
        Field(
          "channel", "渠道",
          .select(
            query.channel?.rawValue ?? "", MessageChannelKind.allCases.map { Choice($0.rawValue, $0.label) },
            blank: "全部")),
        Field(
          "user", "发给",
          .reference(
            Control.Reference(
              value: query.user.map(String.init) ?? "", text: query.user.flatMap { names[$0] } ?? "",
              source: "/r/app_user/pick"))),
      ],
      more: [
        Field(
          "template", "模板",
          .select(query.template ?? "", templates.map { Choice($0.name, $0.label) }, blank: "全部")),
        Field(
          "read", "签收",
          .select(
            query.isRead.map { $0 ? "yes" : "no" } ?? "", [Choice("yes", "已读"), Choice("no", "未读")], blank: "全部"),
          help: "站内消息由收件人打开后记为已读"),
        Field(
          "made", "产生日期", .dateRange(from: query.from?.description ?? "", to: query.to?.description ?? "")),
      ],
      moreInForce: [query.template != nil, query.isRead != nil, query.from != nil || query.to != nil].filter { $0 }
        .count,
      kept: [("via", query.via), ("key", query.key)].compactMap { name, value in value.map { HiddenField(name, $0) } })
  }

  func chips(templates: MessageTemplates, names: [Int64: String]) -> ActiveFilters {
    var chips: [ActiveFilters.Chip] = []
    func add(_ label: String, _ value: String?, _ name: String) {
      if let value { chips.append(.init(label, value, removePath: path(without: name))) }
    }
    add("状态", query.state?.label, "state")
    add("渠道", query.channel?.label, "channel")
    add("模板", query.template.map { templates.template($0)?.label ?? $0 }, "template")
    add("发给", query.user.map { names[$0] ?? "用户 \($0)" }, "user")
    add("签收", query.isRead.map { $0 ? "已读" : "未读" }, "read")
    add("短信发送渠道", query.via, "via")
    add("同一次发送", query.key, "key")
    let days = [query.from?.description, query.to?.description]
    add("产生日期", days.contains { $0 != nil } ? days.map { $0 ?? "" }.joined(separator: " 至 ") : nil, "made")
    return ActiveFilters(chips, clearPath: "/messages/log")
  }
}
