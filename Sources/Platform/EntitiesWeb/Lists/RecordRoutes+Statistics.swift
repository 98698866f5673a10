import Access
import Core
import Documents
import Entities
import Files
import HTML
import HTTP
import Shell
import Site

/// Totals of a register by its declared dimensions and over time; every number opens the list behind it.
extension RecordRoutes {
  func statistics(_ visit: Visit) async throws -> Response {
    let (register, request, result) = try await count(visit)
    let entity = register.entity
    let query = visit.request.query
    let address = try ListAddress(entity, request.filters, divisions: register.divisions)
    let page = StatisticsPage(
      register: register, request: request, result: result, address: address,
      exportPath: request.address("\(request.path)/export", query))
    return try await visit.page(
      "\(entity.label)统计", layout: .wide, crumbs: [Crumb(entity.label, "/r/\(entity.name)")],
      actions: page.actions, tabs: page.tabs, scripts: [.chart]
    ) { page.content }
  }

  private func count(_ visit: Visit) async throws -> (Register, StatisticsRequest, StatisticsResult) {
    var register = try register(visit)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    register = Register(
      register.entity, catalog: register.catalog, context: register.context,
      divisions: try await records.divisionNames())
    let request = try StatisticsRequest(register.entity, visit.request.query)
    return (register, request, try await StatisticsCount(request: request, records: records).result())
  }

  /// The table as a workbook, with what it was counted by.
  func exportStatistics(_ visit: Visit) async throws -> Response {
    let (register, request, result) = try await count(visit)
    let file = try TemporaryFile(in: files.files.folder)
    let writer = try TableWriter(
      path: file.path, format: .xlsx(sheet: "统计", created: site.clock.now()),
      columns: ([result.heading] + result.columns).map { TableColumn($0) })
    for line in result.lines { try writer.append([.text(line.label)] + line.cells.map(RecordRoutes.cell)) }
    if !result.totals.isEmpty { try writer.append([.text("合计")] + result.totals.map(RecordRoutes.cell)) }
    try writer.begin(sheet: "条件", columns: [TableColumn("项目"), TableColumn("内容")])
    try writer.append([.text("统计表"), .text(result.title)])
    try writer.append([.text("时间"), .text(request.range.text)])
    let address = try ListAddress(register.entity, request.filters, divisions: register.divisions)
    for chip in FilterFields(register: register, address: address).chips {
      try writer.append([.text(chip.label), .text(chip.value)])
    }
    try writer.append([.text("统计人"), .text(visit.principal.name)])
    try writer.append([.text("统计时间"), .text(site.clock.now().display)])
    try writer.finish()
    return file.response(named: "\(register.entity.label)统计-\(site.clock.today()).xlsx")
  }

  private static func cell(_ cell: StatisticsCell) -> TableValue {
    switch cell.value {
    case .integer(let number): .integer(number)
    case .money(let money): .decimal(money.fen, scale: 2)
    case .decimal(let number): .decimal((number.rounded(places: 2) ?? number).millionths, scale: 6)
    case .null: .empty
    default: .text(cell.value.plainText)
    }
  }
}
