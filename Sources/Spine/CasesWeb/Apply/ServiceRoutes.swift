import Access
package import Cases
import Core
import Entities
package import Files
import HTML
package import HTTP
import Identity
import SQL
import Shell
package import Site

/// What may be applied for and how: the catalogue, the guide of an item, the application itself.
package struct ServiceRoutes: Sendable {
  let site: Site
  let cases: CaseStore
  let files: FileStore
  let inspection: ImageInspection

  package init(site: Site, cases: CaseStore, files: FileStore, inspection: ImageInspection) {
    self.site = site
    self.cases = cases
    self.files = files
    self.inspection = inspection
  }

  var store: RecordStore { cases.store }

  package func register(in router: inout Router) {
    router.on(.get, "/services", at: site) { visit in try await catalogue(visit) }
    router.on(.get, "/services/{item}", at: site) { visit in try await guide(visit) }
    router.on(.get, "/services/{item}/apply", at: site) { visit in try await begin(visit) }
    router.on(.post, "/services/{item}/apply", maximumBody: ServiceRoutes.maximumBody, at: site) { visit in
      try await submit(visit)
    }
  }

  /// An application with its files, in bytes.
  static let maximumBody = 200 << 20

  func item(_ visit: Visit) throws -> ServiceItem {
    guard let item = cases.services.item(try visit.request.parameter("item")), !item.isInternal else {
      throw Refusal(.notFound, "item-unknown", "没有这个事项，或它已停办。请从事项列表重新选择。")
    }
    return item
  }

  // MARK: Catalogue

  private func catalogue(_ visit: Visit) async throws -> Response {
    let text = String((visit.request.query.first("q") ?? "").prefix(40))
    let offered = cases.services.items.filter { !$0.isInternal }
    let found = offered.filter { item in
      text.isEmpty || item.label.contains(text) || cases.category(of: item).contains(text)
        || item.guide.contains(text) || item.materials.contains { $0.label.contains(text) }
    }
    var groups: [(label: String, items: [ServiceItem])] = []
    for item in found {
      let label = cases.category(of: item)
      if let index = groups.firstIndex(where: { $0.label == label }) {
        groups[index].items.append(item)
      } else {
        groups.append((label, [item]))
      }
    }
    let drafts = visit.principal.kind == .user ? try await cases.drafts(by: visit.principal) : []
    let content = HTML {
      form(.class("service-search"), .role("search"), .action("/services")) {
        Shell.Field("q", "要办的事", .text(text, .init(maximum: 40, placeholder: "要办的事，例如新生儿、落户、户口簿", type: "search")))
        Action("查找", .submit(name: nil, value: nil), style: .primary)
      }
      if !drafts.isEmpty {
        Card("没有办完的申请") {
          ul(.class("plain-list")) {
            for draft in drafts {
              if let item = cases.services.item(draft.item) {
                li {
                  a(.href("/services/\(item.code)/apply")) { "继续填写：\(item.label)" }
                  small { "　上次填写 \(draft.at.display)" }
                }
              }
            }
          }
        }
      }
      if groups.isEmpty {
        StateView.empty("没有找到“\(text)”", "换一个说法试试，例如“新生儿”“落户”“补户口簿”。", icon: .search)
      }
      if text.isEmpty, groups.count > 3 {
        nav(.class("class-index"), .aria(.label, "业务类别")) {
          ul {
            for (index, group) in groups.enumerated() {
              li {
                a(.href("#class-\(index)")) {
                  group.label
                  small { "\(group.items.count)" }
                }
              }
            }
          }
        }
      }
      for (index, group) in groups.enumerated() {
        Card(group.label, id: "class-\(index)", count: .exact(group.items.count)) {
          ul(.class("service-list")) {
            for item in group.items {
              li {
                a(.href("/services/\(item.code)")) {
                  span(.class("service-name")) { item.label }
                  span(.class("service-note")) { note(item) }
                }
              }
            }
          }
        }
      }
    }
    if visit.principal.kind == .stranger {
      let page = PublicPage(title: "办事服务", visit: try await visit.frame()) {
        header(.class("address-header")) { h1 { "办事服务" } }
        content
      }
      return try visit.html(page.render())
    }
    return try await visit.page(mayAccept(visit) ? "窗口受理" : "我要办事", subtitle: "共 \(offered.count) 个事项") {
      content
    }
  }

  private func note(_ item: ServiceItem) -> String {
    (item.limit == 1 ? "当场办结" : "\(item.limit) 个工作日") + " · \(item.materials.filter { $0.need == .required }.count) 项材料"
      + (item.channels.contains(.online) ? "" : " · 限窗口")
  }

  func mayAccept(_ visit: Visit) -> Bool {
    visit.principal.may(Permission("case_work", "accept")) && visit.principal.unit != nil
  }

  // MARK: Guide

  private func guide(_ visit: Visit) async throws -> Response {
    let item = try item(visit)
    var actions: [Action] = []
    if mayAccept(visit), item.channels.contains(.window) {
      actions.append(Action("窗口受理", .link("/services/\(item.code)/apply"), style: .primary))
    } else if item.channels.contains(.online) {
      actions.append(Action("开始申请", .link("/services/\(item.code)/apply"), style: .primary))
    }
    if !mayAccept(visit), item.channels.contains(.window) {
      actions.append(Action("预约到窗口", .link("/appointments/new?item=\(item.code)"), icon: .calendar))
    }
    let content = HTML {
      Columns {
        Card("办事指南") {
          for line in item.guide.split(separator: "\n") { p { String(line) } }
          if !item.channels.contains(.online) {
            Notice(.info, "这个事项只能到窗口办理。")
          } else if !item.result.delivery.isEmpty, !item.result.goesByCourier {
            Notice(.info, "这个事项的材料和结果不邮寄，办好后请到受理窗口领取。")
          }
        }
        Card("申请材料", count: .exact(item.materials.count)) {
          if item.materials.isEmpty { p(.class("blank")) { "不需要另交材料。" } }
          ol(.class("material-list")) {
            for requirement in item.materials { li { materialLine(requirement) } }
          }
        }
      } side: {
        Card("办理") {
          DetailList(
            [
              DetailItem("业务类别", text: cases.category(of: item)),
              DetailItem("承诺时限", text: item.limit == 1 ? "材料齐全当场办结" : "\(item.limit) 个工作日"),
              DetailItem("办理方式", text: item.channels.map(\.label).joined(separator: "、")),
              DetailItem("办理结果", text: item.result.document ?? "登记完成，不另发证件"),
              DetailItem("取件方式", text: item.result.delivery.map(\.label).joined(separator: "、")),
              DetailItem("网上申请要求", text: item.assurance == .password ? "登录即可" : item.assurance.label),
              DetailItem("网上签名", text: item.signature.label),
              DetailItem("收费", text: "不收费"),
              DetailItem("事项编码", text: item.code, isCode: true),
            ], isCompact: true)
        }
      }
    }
    if visit.principal.kind == .stranger {
      let page = PublicPage(title: item.label, visit: try await visit.frame()) {
        header(.class("address-header")) {
          p(.class("address-region")) { cases.category(of: item) }
          h1 { item.label }
        }
        ActionBar(actions)
        content
      }
      return try visit.html(page.render())
    }
    return try await visit.page(
      item.label, crumbs: [Crumb("办事服务", "/services")], subtitle: cases.category(of: item), actions: actions,
      moreActions: [Action("打印指南", .print, icon: .print)]
    ) { content }
  }

  private func materialLine(_ requirement: MaterialRequirement) -> HTML {
    HTML {
      strong { requirement.label }
      " "
      Badge(requirement.need.label, requirement.need == .required ? .info : .neutral)
      if requirement.medium == .original { Badge("核验原件", .warning) }
      if requirement.kinds.contains(where: \.isHeld) { Badge("可免提交", .success) }
      if requirement.isChoice {
        p(.class("field-help")) { "任选一种：\(requirement.kinds.map(\.label).joined(separator: "；"))" }
      } else if let help = requirement.kinds.first?.help {
        p(.class("field-help")) { help }
      }
      if requirement.when != nil { p(.class("field-help")) { "视填写的情况需要，填表时会提示。" } }
    }
  }
}
