import Access
import Addresses
import Core
import Documents
package import DoorPlates
import Entities
import Foundation
import HTML
package import HTTP
import Shell
package import Site

/// 门牌版式: every design with a picture, and the artwork of single addresses as SVG and as PDF for the press.
package struct PlateDesignRoutes: Sendable {
  let site: Site
  let press: PlatePress

  package init(site: Site, press: PlatePress) {
    self.site = site
    self.press = press
  }

  package func register(in router: inout Router) {
    router.on(.get, "/plates/designs", at: site) { visit in try await list(visit) }
    router.on(.get, "/plates/designs/{name}/sample.svg", at: site) { visit in try sample(visit) }
    router.on(.get, "/plates/artwork/{code}", at: site) { visit in try await page(visit) }
    router.on(.get, "/plates/artwork/{code}/{design}/plate.svg", at: site) { visit in try await svg(visit) }
    router.on(.get, "/plates/artwork/{code}/{design}/plate.pdf", at: site) { visit in try await pdf(visit) }
  }

  private static let view = Permission("address", "view")

  // MARK: Designs

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(PlateDesignRoutes.view, toDo: "查看门牌版式")
    return try await visit.page(
      "门牌版式", subtitle: "各类门牌的尺寸、颜色和版面；图样按比例，用的是样例文字"
    ) {
      ul(.class("plate-designs")) {
        for design in press.designs.all {
          li(.class("plate-design")) {
            figure(.class("plate-figure")) {
              img(
                .src("/plates/designs/\(design.name)/sample.svg"), .alt("\(design.label)样例"),
                .class("plate-picture"))
            }
            h2 { design.label }
            DetailList(
              [
                DetailItem("尺寸", text: design.sizeText), DetailItem("出血", text: "四边各 \(Int(design.bleed)) 毫米"),
                DetailItem("二维码", text: "边长 \(Int(design.codeSide)) 毫米，容错 H 级"),
                DetailItem("用于", text: kinds(design.suits)), DetailItem("依据", text: design.basis),
              ], isCompact: true)
          }
        }
      }
    }
  }

  private func kinds(_ codes: [String]) -> String {
    let dictionary = press.store.catalog.dictionary("address_kind")
    return codes.map { dictionary?.label(of: $0) ?? $0 }.joined(separator: "、")
  }

  private func sample(_ visit: Visit) throws -> Response {
    try visit.principal.require(PlateDesignRoutes.view, toDo: "查看门牌版式")
    let design = try design(try visit.request.parameter("name"))
    guard let fields = design.samples.first else { throw Fault("plate-without-sample", design.name) }
    let painter = PlatePainter()
    // The code of a sample leads nowhere: a sample is no plate.
    let artwork = try painter.paint(design, fields, content: "样例，不是门牌")
    return PlateDesignRoutes.picture(artwork.svg(painter.book))
  }

  private func design(_ name: String) throws(Refusal) -> PlateDesign {
    guard let design = press.designs.design(name) else {
      throw Refusal(.notFound, "plate-design-unknown", "没有名为“\(name.prefix(40))”的门牌版式。请从列表里选。")
    }
    return design
  }

  private static func picture(_ svg: String) -> Response {
    var response = Response.bytes(Array(svg.utf8), type: "image/svg+xml")
    response.headers["Cache-Control"] = "private, no-cache"
    return response
  }

  // MARK: One address

  private func address(_ visit: Visit) async throws -> Record {
    try visit.principal.require(PlateDesignRoutes.view, toDo: "查看门牌")
    let code = try visit.request.parameter("code")
    let records = press.store.records(as: visit.principal, origin: visit.request.origin)
    let query = ListQuery(
      "address", filters: [ListFilter("code", .equals(.text(code)))],
      columns: PlatePress.columns, limit: 1)
    guard let address = try await records.list(query).records.first else {
      throw Refusal(.notFound, "record-missing", "没有编码为“\(code.prefix(32))”的地址，或它不在您的数据范围内。")
    }
    return address
  }

  private func page(_ visit: Visit) async throws -> Response {
    let address = try await address(visit)
    let code = address["code"].text ?? ""
    let usual = try press.design(visit.request.query.first("design"), for: address)
    let suiting = press.designs.all.filter { $0.suits.contains(address["kind"].text ?? "") }
    let problem = problem(usual, address)
    let path = "/plates/artwork/\(code)/\(usual.name)/plate"
    return try await visit.page(
      "\(usual.label) · \(address["full_name"].text ?? code)", subtitle: "\(usual.sizeText)，\(usual.basis)",
      actions: problem == nil
        ? [
          Action("下载印刷文件（PDF）", .link("\(path).pdf?cut=1"), style: .primary),
          Action("下载 SVG", .link("\(path).svg?cut=1")), Action("地址记录", .link("/r/address/\(address.id)")),
        ] : [Action("地址记录", .link("/r/address/\(address.id)"))]
    ) {
      Tabs(
        suiting.map { design in
          Tabs.Tab(
            design.label, path: "/plates/artwork/\(code)?design=\(design.name)", isCurrent: design.name == usual.name)
        }, label: "版式")
      if let problem {
        Notice(.danger, title: "这种牌面放不下") { problem }
      } else {
        figure(.class("plate-figure")) {
          img(.src("\(path).svg"), .alt("\(usual.label)：\(address["full_name"].text ?? "")"), .class("plate-picture"))
        }
        p(.class("field-help")) {
          "印刷文件：四色、文字转曲、含出血，裁切线和安装孔是专色 CutContour。二维码带签名，不要外传；制牌请通过“门牌申领”打包下发。"
        }
      }
    }
  }

  private func problem(_ design: PlateDesign, _ address: Record) -> String? {
    do throws(Refusal) {
      _ = try press.artwork(design, of: address, content: "x", by: PlatePainter())
      return nil
    } catch {
      return error.message
    }
  }

  private func made(_ visit: Visit) async throws -> (PlateDesign, PrintArtwork, PlatePainter) {
    let address = try await address(visit)
    let design = try press.design(try visit.request.parameter("design"), for: address)
    let painter = PlatePainter()
    let content = try press.rules.content(for: address["code"].text ?? "")
    return (design, try press.artwork(design, of: address, content: content, by: painter), painter)
  }

  private func svg(_ visit: Visit) async throws -> Response {
    let (design, artwork, painter) = try await made(visit)
    let isForCutting = visit.request.query.first("cut") == "1"
    var response = PlateDesignRoutes.picture(artwork.svg(painter.book, forCutting: isForCutting))
    if isForCutting { response.attach(as: "\(try visit.request.parameter("code"))-\(design.name).svg") }
    return response
  }

  private func pdf(_ visit: Visit) async throws -> Response {
    let (design, artwork, painter) = try await made(visit)
    let path = NSTemporaryDirectory() + "lifang-plate-\(UUID().uuidString).pdf"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try PrintPDF(
      path: path, book: painter.book, title: design.label, created: press.store.clock.now(),
      showsMarks: visit.request.query.first("cut") == "1")
    try file.add(artwork)
    try file.finish()
    guard let data = FileManager.default.contents(atPath: path) else { throw Fault("plate-pdf", path) }
    var response = Response.bytes(Array(data), type: "application/pdf")
    response.headers["Cache-Control"] = "private, no-store"
    response.attach(as: "\(try visit.request.parameter("code"))-\(design.name).pdf")
    return response
  }
}
