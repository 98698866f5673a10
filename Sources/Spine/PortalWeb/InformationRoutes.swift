import Access
import Core
package import Entities
import HTML
package import HTTP
import Shell
package import Site

/// What anybody may read (便民服务): policies with full-text search and telephone numbers (C-249, C-252, C-057).
package struct InformationRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let limiter: RateLimiter

  package init(site: Site, store: RecordStore, limiter: RateLimiter) {
    self.site = site
    self.store = store
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/policies", at: site) { visit in try await policies(visit) }
    router.on(.get, "/policies/{id}", at: site) { visit in try await policy(visit) }
    router.on(.get, "/hotlines", at: site) { visit in try await hotlines(visit) }
    router.on(.get, "/notices/{id}", at: site) { visit in try await notice(visit) }
  }

  private func policies(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询法规")
    let text = String((visit.request.query.first("q") ?? "").prefix(60))
    let found = try await store.records(as: .system).list(
      ListQuery(
        "desk_policy", search: text.isEmpty ? nil : text, sort: [.init(field: "issued_on", descending: true)],
        columns: ["name", "level", "number", "issued_on", "state"], limit: 50))
    return try await visit.portalPage("政策法规", note: "按标题、文号和正文里的任何词语查找") {
      form(.class("portal-search"), .role("search"), .action("/policies")) {
        Shell.Field("q", "查找内容", .text(text, .init(maximum: 60, placeholder: "例如 户口迁移", type: "search")))
        Action("查找法规", .submit(name: nil, value: nil), style: .primary)
      }
      if found.records.isEmpty {
        if text.isEmpty {
          StateView.empty("还没有公布的法规", "户政部门登记后会显示在这里。", icon: .document)
        } else {
          StateView.nothingFound("没有找到“\(text)”", "换一个词试试，例如“迁移”“姓名”。", clear: "/policies")
        }
      } else {
        ul(.class("nearby")) {
          for record in found.records {
            li {
              a(.class("nearby-row"), .href("/policies/\(record.id)")) {
                Icon.document
                span(.class("nearby-text")) {
                  span(.class("nearby-name")) {
                    record["name"].text ?? ""
                    if record["state"].text != "in_force" { Badge(record.titles["state"] ?? "", .warning) }
                  }
                  span(.class("nearby-detail")) {
                    [record.titles["level"], record["number"].text, record["issued_on"].date?.description]
                      .compactMap(\.self).joined(separator: " · ")
                  }
                }
              }
            }
          }
        }
        if found.count.value > found.records.count {
          p { "共 \(found.count.display) 件，先列出最近的 \(found.records.count) 件；请用更准确的词查找。" }
        }
      }
    }
  }

  private func policy(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询法规")
    let record = try await store.records(as: .system).get("desk_policy", try visit.request.integer("id"))
    return try await visit.portalPage(
      record["name"].text ?? "政策法规", note: record.titles["state"], crumbs: [Crumb("政策法规", "/policies")]
    ) {
      if ["amended", "repealed"].contains(record["state"].text ?? "") {
        Notice(.warning, "这份文件\(record.titles["state"] ?? "")，请以现行规定为准。")
      }
      Card("文件") {
        DetailList([
          DetailItem("层级", text: record.titles["level"]), DetailItem("发布机关", text: record["issuer"].text),
          DetailItem("文号", text: record["number"].text),
          DetailItem("发布日期", text: record["issued_on"].date?.description),
          DetailItem("施行日期", text: record["effective_on"].date?.description),
        ])
      }
      if let summary = record["summary"].text, !summary.isEmpty { Card("要点") { paragraphs(summary) } }
      Card("正文") { paragraphs(record["content"].text ?? "") }
    }
  }

  private func hotlines(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询电话")
    let found = try await store.records(as: .system).list(
      ListQuery(
        "desk_hotline", filters: [ListFilter("state", .equals(.text("on")))],
        sort: [.init(field: "division_code", descending: false)],
        columns: ["name", "division_code", "phone", "other_phone", "hours", "address"], limit: 200)
    ).records
    return try await visit.portalPage("户政咨询电话", note: "点号码可以直接拨打") {
      if found.isEmpty {
        StateView.empty("还没有登记电话", "急事请拨 110；政务咨询请拨 12345。", icon: .phone)
      } else {
        ul(.class("contacts")) {
          for record in found {
            li {
              a(.class("contact"), .href("tel:\(record["phone"].text ?? "")")) {
                span(.class("contact-text")) {
                  span(.class("contact-role")) { record.titles["division_code"] ?? "" }
                  span(.class("contact-name")) { record["name"].text ?? "" }
                  span(.class("contact-unit")) { record["hours"].text ?? "" }
                  span(.class("contact-phone number")) { record["phone"].text ?? "" }
                }
                span(.class("contact-call")) { Icon.phone.html(named: "拨打") }
              }
            }
          }
        }
      }
    }
  }

  private func notice(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查看公告")
    let record = try await store.records(as: .system).get("portal_banner", try visit.request.integer("id"))
    guard PortalHome.isShown(record, on: store.clock.today()) else {
      throw Refusal(.notFound, "notice-missing", "没有这条公告，或它不在公布的日期里。请从首页查看现在的公告。")
    }
    return try await visit.portalPage(record["name"].text ?? "", note: record["shown_from"].date?.description) {
      Card { paragraphs(record["content"].text ?? "") }
    }
  }
}

/// A paragraph a line.
func paragraphs(_ text: String) -> HTML {
  .joined(text.split(separator: "\n").map { line in p { String(line) } })
}
