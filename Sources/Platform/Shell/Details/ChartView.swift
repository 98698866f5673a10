import Core
package import HTML

/// A chart with its figures as a table below, which is all there is without scripts and for assistive technology.
package struct ChartView: HTMLConvertible, Sendable {
  package enum Kind: String, Sendable {
    case bar
    /// Horizontal bars: rankings and long names.
    case ranking
    case line
    /// Parts of a whole, at most six.
    case ring
  }

  package struct Series: Sendable, Hashable {
    package let label: String
    package let values: [Double]

    package init(_ label: String, _ values: [Double]) {
      self.label = label
      self.values = values
    }
  }

  let kind: Kind
  let title: String
  let unit: String
  let categories: [String]
  let series: [Series]
  let paths: [String]

  /// - Parameter paths: where each category opens down to; empty or one for each.
  package init(
    _ kind: Kind, title: String, unit: String, categories: [String], series: [Series], paths: [String] = []
  ) {
    self.kind = kind
    self.title = title
    self.unit = unit
    self.categories = categories
    self.series = series
    self.paths = paths
  }

  package var html: HTML {
    figure(
      .class("chart"), .data("data-chart", configuration.text)
    ) {
      div(.class("chart-canvas"), .data("data-chart-canvas"), .aria(.hidden, true), .hidden())
      details(.class("chart-figures"), .open()) {
        summary { "\(title)的数据（\(unit)）" }
        figures
      }
    }
  }

  private var figures: HTML {
    table(.class("table is-plain")) {
      thead {
        tr {
          th(.scope("col")) { "类别" }
          for one in series { th(.scope("col"), .class("col-number")) { one.label } }
        }
      }
      tbody {
        for index in categories.indices { row(index) }
      }
    }
  }

  private func row(_ index: Int) -> HTML {
    tr {
      th(.scope("row")) {
        if index < paths.count { a(.href(paths[index])) { categories[index] } } else { categories[index] }
      }
      for one in series {
        td(.class("col-number")) { index < one.values.count ? ChartView.number(one.values[index]) : "—" }
      }
    }
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? grouped(Int(value)) : "\(value)"
  }

  private var configuration: JSON {
    [
      "kind": .string(kind.rawValue), "title": .string(title), "unit": .string(unit),
      "categories": .array(categories.map { .string($0) }), "paths": .array(paths.map { .string($0) }),
      "series": .array(series.map(ChartView.json)),
    ]
  }

  private static func json(_ series: Series) -> JSON {
    ["label": .string(series.label), "values": .array(series.values.map { .double($0) })]
  }
}
