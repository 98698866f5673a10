import Core
import Entities
import HTML
import HTTP
import Shell

/// The page of a table of statistics: what is counted, the chart, the table beside it.
struct StatisticsPage {
  let register: Register
  let request: StatisticsRequest
  let result: StatisticsResult
  let address: ListAddress
  let exportPath: String

  private var entity: EntityDeclaration { register.entity }
  private var role: StatisticsRole { request.role }

  var actions: [Action] {
    [Action("导出", .download(exportPath), icon: .download), Action("打印", .print, icon: .print)]
  }

  /// The prepared tables, or the dimensions of a register that has none.
  var tabs: Tabs {
    if role.views.isEmpty {
      return Tabs(
        role.dimensions.compactMap { name in
          entity.field(name).map {
            Tabs.Tab(
              $0.label, path: "\(request.path)?by=\(name)",
              isCurrent: name == request.by?.name || request.by == nil && name == role.time)
          }
        }, label: "统计维度")
    }
    return Tabs(
      role.views.map {
        Tabs.Tab($0.label, path: "\(request.path)?view=\($0.name)", isCurrent: $0.name == request.view?.name)
      } + [Tabs.Tab("自己组合", path: "\(request.path)?by=\(role.dimensions[0])", isCurrent: request.view == nil)],
      label: "统计表")
  }

  var content: HTML {
    HTML {
      controls
      chips
      if let note = result.note { Notice(.info, note) }
      if !result.lines.isEmpty, let chart { Card { chart } }
      Card(result.title, isFlush: true) { table }
    }
  }

  // MARK: What is counted

  private var controls: FilterBar {
    let filters = FilterFields(register: register, address: address)
    let dimensions = role.dimensions.filter { $0 != role.time }.compactMap { name in
      entity.field(name).map { Choice(name, $0.label) }
    }
    var basic = [
      Shell.Field("by", "按", .select(request.by?.name ?? "", dimensions, blank: role.time == nil ? nil : "不分组")),
      Shell.Field(
        "across", "再按", .select(request.across?.name ?? "", dimensions, blank: "不再分")),
    ]
    if let time = request.timeField {
      basic.append(
        Shell.Field(
          "per", "时间",
          .select(
            request.period?.rawValue ?? "", StatisticsRole.Period.allCases.map { Choice($0.rawValue, "按\($0.label)") },
            blank: "不按时间")))
      basic.append(
        Shell.Field("since", "\(time.label)从", .date(request.since.map { "\($0)" } ?? "")))
      basic.append(Shell.Field("until", "到", .date(request.until.map { "\($0)" } ?? "")))
      basic.append(Shell.Field("compare", "", .checkbox(request.compares, caption: "与上期比较")))
    }
    if request.isCross, role.measures.count > 1 {
      basic.append(
        Shell.Field(
          "measure", "数字",
          .select(
            "\(request.measure)", role.measures.indices.map { Choice("\($0)", measureLabel($0)) }, blank: nil)))
    }
    let asked = entity.list.filters.filter { $0 != role.time }.compactMap { entity.field($0) }
      .filter { $0.gathering == nil }
    return FilterBar(
      path: request.path, search: nil, basic: basic, more: asked.map(filters.field),
      moreInForce: asked.filter { address.filtered.contains($0.name) }.count,
      kept: request.view.map { [HiddenField("view", $0.name)] } ?? [])
  }

  private func measureLabel(_ index: Int) -> String {
    let measure = role.measures[index]
    return measure.label ?? StatisticsCount.label(measure, entity)
  }

  private var chips: HTML {
    let chips = FilterFields(register: register, address: address).chips
    if chips.isEmpty { return .empty }
    return p(.class("field-help")) { "条件：" + chips.map { "\($0.label) \($0.value)" }.joined(separator: "；") }
  }

  // MARK: The numbers

  private var chart: ChartView? {
    if result.isCourse, request.by == nil {
      return ChartView(
        result.lines.count > 1 ? .line : .bar, title: result.title, unit: "件",
        categories: result.lines.map(\.label),
        series: result.charted.map { column in
          ChartView.Series(result.columns[column], result.lines.map { $0.cells[column].number })
        }, paths: result.lines.compactMap(\.path))
    }
    if request.isCross {
      let shown = result.lines.prefix(6)
      guard result.charted.count > 1 else { return nil }
      return ChartView(
        result.isCourse ? .line : .bar, title: result.title + (result.lines.count > 6 ? "（前 6 项）" : ""), unit: "件",
        categories: result.charted.map { result.columns[$0] },
        series: shown.map { line in
          ChartView.Series(line.label, result.charted.map { line.cells[$0].number })
        })
    }
    let top = result.lines.prefix(15)
    guard top.count > 1 else { return nil }
    return ChartView(
      .ranking, title: result.title + (result.lines.count > 15 ? "（前 15 项）" : ""), unit: result.columns[0],
      categories: top.map(\.label),
      series: [ChartView.Series(result.columns[0], top.map { $0.cells[0].number })], paths: top.compactMap(\.path))
  }

  private var table: DataTable {
    let columns = [Column(result.heading, .text)] + result.columns.map { Column($0, .number) }
    return DataTable(
      caption: result.title, columns: columns,
      rows: result.lines.enumerated().map { index, line in
        TableRow(
          id: "\(index)", name: line.label, path: line.path, cells: [.text(line.label)] + line.cells.map(cell))
      }, opensPanel: false,
      totals: result.totals.isEmpty
        ? []
        : [.text("合计")] + result.totals.map(cell)
          + Array(repeating: HTML.empty, count: max(0, result.columns.count - result.totals.count)),
      empty: .empty("没有可统计的\(entity.label)", "这段时间和这些条件下，您的数据范围内没有记录。放宽时间或条件再看。"))
  }

  private func cell(_ cell: StatisticsCell) -> HTML {
    guard let path = cell.path, cell.value != .integer(0) else { return .text(cell.text) }
    return a(.href(path)) { cell.text }
  }
}

extension StatisticsRange {
  /// The range in words.
  var text: String {
    switch (since, until) {
    case (nil, nil): "全部"
    case (let since?, nil): "\(since) 起"
    case (nil, let until?): "到 \(until)"
    case (let since?, let until?): "\(since) 至 \(until)"
    }
  }
}
