import Access
import Core
package import DoorPlates
import Entities
import Foundation
import HTML
package import HTTP
import Shell
package import Site

/// 打包下发: approved plates become a batch for a maker, and the maker downloads its package.
package struct PlateBatchRoutes: Sendable {
  let site: Site
  let batches: PlateBatches
  let press: PlatePress

  package init(site: Site, press: PlatePress) {
    self.site = site
    self.press = press
    batches = PlateBatches(press: press)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/plates/pack", at: site) { visit in try await ask(visit) }
    router.on(.post, "/plates/pack", at: site) { visit in try await make(visit) }
    router.on(.get, "/plates/batches/{id}/package.zip", at: site) { visit in try await package(visit) }
  }

  private func ask(_ visit: Visit, _ refusal: Refusal? = nil, typed: FormData? = nil) async throws -> Response {
    try visit.principal.require(PlateBatches.pack, toDo: "打包下发门牌")
    let records = press.store.records(as: visit.principal, origin: visit.request.origin)
    let makers = try await records.list(
      ListQuery("plate_maker", filters: [ListFilter("status", .equals(.text("on")))], columns: ["name"], limit: 200)
    ).records
    let ticked = try PlateBatchRoutes.ticked(typed?.first("plates") ?? visit.request.query.first("plates"))
    let chosen = try await batches.waiting(among: ticked, for: visit.principal)
    let waiting = ticked.isEmpty ? try await batches.waiting(for: visit.principal) : chosen.count
    let stations = try await records.list(
      ListQuery("police_station", columns: ["name"], limit: 500)
    ).records
    let kinds = press.store.catalog.dictionary("plate_kind")?.codes ?? []
    func error(_ field: String) -> String? { refusal?.field == field ? refusal?.message : nil }
    if waiting == 0 || makers.isEmpty {
      return try await visit.page("打包下发", subtitle: PlateBatchRoutes.subtitle) {
        if makers.isEmpty {
          StateView.empty(
            "还没有制牌企业", "先登记企业和它的机构，再打包。",
            actions: visit.principal.may(Permission("plate_maker", "create"))
              ? [Action("登记制牌企业", .link("/r/plate_maker/new"))] : [])
        } else {
          StateView.empty(
            ticked.isEmpty ? "没有待制牌的门牌" : "勾选的门牌都不在待制牌", "审核通过、还没有打包的门牌会出现在这里。",
            actions: [Action("去审核", .link("/r/door_plate?state=pending"))])
        }
      }
    }
    return try await visit.confirmation(
      Confirmation(
        title: "打包下发",
        consequences: [
          ticked.isEmpty
            ? "待制牌 \(waiting) 块，一批最多 \(PlateBatches.limit) 块，先申领的先下发。"
            : "勾选了 \(ticked.count) 块，其中待制牌 \(waiting) 块，只打包这些。",
          "打包后企业就能下载制牌包；包里只有地址、牌面和二维码，没有住户信息。",
        ],
        fields: [
          Shell.Field(
            "maker", "制牌企业",
            .select(typed?.first("maker") ?? "", makers.map { Choice(String($0.id), $0["name"].text ?? "") }),
            isRequired: true, error: error("maker_id") ?? error("maker"))
        ]
          + (ticked.isEmpty
            ? [
              Shell.Field(
                "kind", "门牌类型",
                .select(typed?.first("kind") ?? "", kinds.map { Choice($0.code, $0.label) }, blank: "全部")),
              Shell.Field(
                "station", "派出所",
                .select(
                  typed?.first("station") ?? "", stations.map { Choice(String($0.id), $0["name"].text ?? "") },
                  blank: "全部")
              ),
            ] : []) + [
            Shell.Field("due", "要求完成日期", .date(typed?.first("due") ?? ""), error: error("due")),
            Shell.Field("note", "制作要求", .longText(typed?.first("note") ?? "", rows: 3, maximum: 500)),
          ], errors: refusal.map { [FieldError($0.field, $0.message)] } ?? [], path: "/plates/pack",
        hidden: chosen.isEmpty ? [] : [HiddenField("plates", chosen.map(String.init).joined(separator: ","))],
        submit: "打包下发",
        cancelPath: "/r/plate_batch"), status: refusal?.kind.status ?? 200)
  }

  /// The plates that were ticked in the list; empty when all that wait are meant.
  private static func ticked(_ text: String?) throws(Refusal) -> [Int64] {
    let ids = (text ?? "").split(separator: ",").compactMap { Int64($0) }
    guard ids.count <= PlateBatches.limit else {
      throw Refusal(.tooLarge, "plate-batch-large", "一批最多 \(PlateBatches.limit) 块，没有打包。请少勾选一些。")
    }
    return ids
  }

  private static let subtitle = "审核通过的门牌交给制牌企业制作"

  private func make(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    do {
      guard let maker = form.first("maker").flatMap({ Int64($0) }) else {
        throw Refusal(.invalid, "field-required", "请选择制牌企业。", field: "maker")
      }
      var wish = PlateBatches.Wish(
        maker: maker, kind: form.first("kind").flatMap { $0.isEmpty ? nil : $0 },
        station: form.first("station").flatMap { Int64($0) }, note: form.first("note"),
        plates: try PlateBatchRoutes.ticked(form.first("plates")))
      if let due = form.first("due"), !due.isEmpty {
        guard let date = CivilDate(due) else {
          throw Refusal(.invalid, "date-form", "日期应写成 2026-12-31 的样子。", field: "due")
        }
        wish.due = date
      }
      let batch = try await batches.make(wish, by: visit.principal, origin: visit.request.origin)
      if visit.wantsJSON { return .json(["id": .int(batch.id), "number": .string(batch["number"].text ?? "")]) }
      return try visit.redirect(
        to: "/r/plate_batch/\(batch.id)",
        saying: "已打包 \(batch["plates"].integer ?? 0) 块门牌，批次号 \(batch["number"].text ?? "")。")
    } catch let refusal as Refusal
      where [.invalid, .unprocessable, .conflict].contains(refusal.kind) && !visit.wantsJSON
    {
      return try await ask(visit, refusal, typed: form)
    }
  }

  private func package(_ visit: Visit) async throws -> Response {
    let path = NSTemporaryDirectory() + "lifang-package-\(UUID().uuidString).zip"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let batch = try await batches.write(
      try visit.request.integer("id"), to: path, by: visit.principal, origin: visit.request.origin)
    guard let data = FileManager.default.contents(atPath: path) else { throw Fault("plate-package", path) }
    var response = Response.bytes(Array(data), type: "application/zip")
    response.headers["Cache-Control"] = "private, no-store"
    response.attach(as: "\(batch["number"].text ?? "plates").zip")
    return response
  }
}
