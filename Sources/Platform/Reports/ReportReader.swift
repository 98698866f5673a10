import Core
package import Entities
import YAML

/// All reports that came with the product and the city's folder, read and proved.
package struct ReportDefinitions: Sendable {
  private let declared: DeclaredSet<(ReportDefinition, text: String)>

  package init(_ catalog: Catalog) {
    declared = DeclaredSet(.report, of: catalog) { document, collector in
      ReportReader(document.node, named: document.name, catalog, collector).report().map { ($0, document.node.write()) }
    }
  }

  /// In the order of files, each with its text.
  package var all: [(ReportDefinition, text: String)] { declared.all }
  package var findings: [Finding] { declared.findings }
}

/// Understands one report (`report: hukou_stations`) and finds what is wrong with it.
package struct ReportReader {
  private let name: String
  private let catalog: Catalog
  private let collector: FindingCollector
  private let reader: MappingReader

  init(_ node: YAMLNode, named name: String, _ catalog: Catalog, _ collector: FindingCollector) {
    self.name = name
    self.catalog = catalog
    self.collector = collector
    reader = MappingReader(
      node, "报表“\(name)”",
      keys: [
        "report", "label", "source", "title", "form", "period", "by", "digits", "heading", "rows", "columns", "note",
      ],
      collector)
  }

  /// A text as an administrator writes it.
  ///
  /// - Returns: the report, and what is wrong with it; no report when anything is.
  package static func read(_ text: String, in catalog: Catalog) -> (report: ReportDefinition?, findings: [Finding]) {
    let collector = FindingCollector()
    let start = SourcePosition(file: "报表定义", line: 1, column: 1)
    let node: YAMLNode
    do throws(YAMLFailure) { node = try YAMLNode(parsing: text, file: "报表定义") } catch {
      return (nil, [Finding(.error, error.position, error.message)])
    }
    guard let name = node["report"]?.text, DeclarationName.isValid(name) else {
      return (nil, [Finding(.error, start, "第一行应写 report: 代号，代号只用小写字母、数字和下划线，以字母开头")])
    }
    let report = ReportReader(node, named: name, catalog, collector).report()
    let findings = collector.findings.sortedByPlace
    return (findings.hasErrors ? nil : report, findings)
  }

  func report() -> ReportDefinition? {
    let dimension = reader.required("by", limit: 50, fallback: "")
    let columns = reader.nodes("columns").compactMap { column($0, dimension) }
    if columns.isEmpty { collector.error(reader.position, "报表“\(name)”没有可用的列（columns）") }
    if columns.count > 24 { collector.error(reader.place("columns"), "报表最多 24 列，再多纸上放不下") }
    let digits = reader.integer("digits", in: 2...12)
    let isDivision = columns.contains { catalog.entity($0.register)?.field(dimension)?.type == .division }
    if isDivision, digits == nil { collector.error(reader.place("by"), "按区划的报表应写 digits，例如县级 6、乡级 9、村级 12") }
    if !isDivision, digits != nil { collector.error(reader.place("digits"), "digits 只用于按区划的报表") }
    let label = reader.label(fallback: name)
    return ReportDefinition(
      name: name, label: label, title: reader.text("title", limit: 60) ?? label,
      form: reader.choice("form", ReportDefinition.Form.self) ?? .business,
      period: reader.choice("period", StatisticsRole.Period.self) ?? .month, dimension: dimension, digits: digits,
      heading: reader.required("heading", limit: 20, fallback: ""), rows: rows(), columns: columns,
      note: reader.text("note", limit: 300))
  }

  /// `{label: 出生, register: household_change, where: "kind=birth", of: sum(area), time: changed_on}`; `stands: true` counts
  /// what stands at the end of the period.
  private func column(_ node: YAMLNode, _ dimension: String) -> ReportDefinition.Column? {
    let column = MappingReader(
      node, "报表的列", keys: ["label", "register", "where", "of", "time", "stands"], collector)
    let label = column.label(fallback: "")
    guard let entity = register(column) else { return nil }
    guard let role = entity.statistics, role.dimensions.contains(dimension) else {
      collector.error(
        column.place("register"),
        "“\(entity.label)”不能按“\(dimension)”统计\(Suggestion.text(for: dimension, among: entity.statistics?.dimensions ?? []))"
      )
      return nil
    }
    var measure = StatisticsRole.Measure(function: .count, field: nil)
    if let text = column.text("of", limit: 60) {
      guard let known = role.measures.first(where: { $0.name == text }) else {
        collector.error(
          column.place("of"),
          "“\(entity.label)”没有统计量“\(text)”\(Suggestion.text(for: text, among: role.measures.map(\.name)))")
        return nil
      }
      measure = known
    }
    let stands = column.flag("stands", default: false)
    let time = column.text("time", limit: 50) ?? role.time
    if !stands {
      let kind = time.flatMap { entity.field($0) }?.valueKind
      guard kind == .date || kind == .instant else {
        collector.error(
          column.place(column.has("time") ? "time" : "register"),
          "列“\(label)”要有 time（日期或时间字段）才能按时段统计；统计期末数写 stands: true")
        return nil
      }
    }
    return ReportDefinition.Column(
      label: label, register: entity.name, filters: filters(column, entity), measure: measure,
      time: stands ? nil : time)
  }

  private func rows() -> ReportDefinition.Rows? {
    guard let rows = reader.mapping("rows", "报表的行", keys: ["register", "field", "where"]),
      let entity = register(rows)
    else { return nil }
    let field = rows.required("field", limit: 50, fallback: "")
    guard entity.field(field)?.isStored == true else {
      collector.error(
        rows.place("field"),
        "“\(entity.label)”没有字段“\(field)”\(Suggestion.text(for: field, among: entity.fields.map(\.name)))")
      return nil
    }
    return ReportDefinition.Rows(register: entity.name, field: field, filters: filters(rows, entity))
  }

  private func register(_ reader: MappingReader) -> EntityDeclaration? {
    let name = reader.required("register", limit: 50, fallback: "")
    if let entity = catalog.entity(name) { return entity }
    if !name.isEmpty {
      collector.error(
        reader.place("register"),
        "没有登记表“\(name)”\(Suggestion.text(for: name, among: catalog.entities.map(\.name)))")
    }
    return nil
  }

  private func filters(_ reader: MappingReader, _ entity: EntityDeclaration) -> [StatisticsRole.Filter] {
    let filters = (reader.text("where", limit: 300) ?? "").split(separator: "&").map { item in
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return StatisticsRole.Filter(name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
    }
    do throws(Refusal) {
      _ = try ListQuery(entity, items: filters.map { ($0.name, $0.value) })
    } catch { collector.error(reader.place("where"), "条件不能用：\(error.message)") }
    for filter in filters {
      guard let dictionary = entity.field(filter.name)?.dictionary.flatMap({ catalog.dictionary($0) }),
        dictionary.label(of: filter.value) == nil
      else { continue }
      let advice = Suggestion.text(for: filter.value, among: dictionary.codes.map(\.code))
      collector.error(reader.place("where"), "字典“\(dictionary.label)”没有代码“\(filter.value)”\(advice)")
    }
    return filters
  }
}
