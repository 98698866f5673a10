import Synchronization

/// Counters, gauges and histograms, written in the Prometheus text format (version 0.0.4).
package final class Metrics: Sendable {
  private struct Series: Hashable {
    let name: String
    let labels: String
  }

  private struct Histogram {
    var counts = [UInt64](repeating: 0, count: Metrics.buckets.count + 1)
    var sum = 0.0
  }

  private struct State {
    var counters: [Series: UInt64] = [:]
    var gauges: [Series: Double] = [:]
    var histograms: [Series: Histogram] = [:]
    var help: [String: String] = [:]
  }

  /// Upper bounds of the histogram buckets, in seconds.
  static let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  private let state = Mutex(State())

  package init() {}

  package func describe(_ name: String, _ help: String) { state.withLock { $0.help[name] = help } }

  /// - Parameter labels: in the Prometheus form, such as `method="GET",status="200"`.
  package func count(_ name: String, _ labels: String = "", by amount: UInt64 = 1) {
    state.withLock { $0.counters[Series(name: name, labels: labels), default: 0] += amount }
  }

  package func set(_ name: String, _ labels: String = "", to value: Double) {
    state.withLock { $0.gauges[Series(name: name, labels: labels)] = value }
  }

  package func observe(_ name: String, _ labels: String = "", seconds: Double) {
    let bucket = Metrics.buckets.firstIndex { seconds <= $0 } ?? Metrics.buckets.count
    state.withLock {
      $0.histograms[Series(name: name, labels: labels), default: Histogram()].counts[bucket] += 1
      $0.histograms[Series(name: name, labels: labels), default: Histogram()].sum += seconds
    }
  }

  package func value(_ name: String, _ labels: String = "") -> UInt64 {
    state.withLock { $0.counters[Series(name: name, labels: labels)] ?? 0 }
  }

  /// A counter over all its labels.
  package func total(_ name: String) -> UInt64 {
    state.withLock { $0.counters.reduce(0) { $1.key.name == name ? $0 + $1.value : $0 } }
  }

  /// What stands under a name now.
  package enum Reading: Sendable, Hashable {
    /// Counted since the start, over all series that were asked for.
    case counter(Double)
    /// The greatest of the series that were asked for.
    case gauge(Double)
    case histogram(sum: Double, count: Double)
  }

  /// The series of `name` whose labels hold every one of `labels`, taken together; `nil` while there are none.
  ///
  /// - Parameter labels: in the Prometheus form, such as `method="GET",status="500"`.
  package func reading(_ name: String, _ labels: String = "") -> Reading? {
    let wanted = labels.split(whereSeparator: { $0 == "," || $0 == " " })
    func fits(_ series: Series) -> Bool {
      guard series.name == name else { return false }
      if wanted.isEmpty { return true }
      let own = series.labels.split(separator: ",")
      return wanted.allSatisfy { own.contains($0) }
    }
    return state.withLock { state in
      let counters = state.counters.filter { fits($0.key) }
      if !counters.isEmpty { return .counter(counters.reduce(0) { $0 + Double($1.value) }) }
      if let gauge = state.gauges.filter({ fits($0.key) }).map(\.value).max() { return .gauge(gauge) }
      let histograms = state.histograms.filter { fits($0.key) }
      guard !histograms.isEmpty else { return nil }
      return .histogram(
        sum: histograms.reduce(0) { $0 + $1.value.sum },
        count: histograms.reduce(0) { $0 + Double($1.value.counts.reduce(0, +)) })
    }
  }

  /// All series as Prometheus text, in a stable order.
  package var exposition: String {
    let state = state.withLock { $0 }
    var lines: [String] = []
    func head(_ name: String, _ type: String) {
      if let help = state.help[name] { lines.append("# HELP \(name) \(help)") }
      lines.append("# TYPE \(name) \(type)")
    }
    func braces(_ labels: String) -> String { labels.isEmpty ? "" : "{\(labels)}" }
    for (name, series) in Dictionary(grouping: state.counters, by: \.key.name).sorted(by: { $0.key < $1.key }) {
      head(name, "counter")
      lines += series.map { "\(name)\(braces($0.key.labels)) \($0.value)" }.sorted()
    }
    for (name, series) in Dictionary(grouping: state.gauges, by: \.key.name).sorted(by: { $0.key < $1.key }) {
      head(name, "gauge")
      lines += series.map { "\(name)\(braces($0.key.labels)) \($0.value)" }.sorted()
    }
    for (name, series) in Dictionary(grouping: state.histograms, by: \.key.name).sorted(by: { $0.key < $1.key }) {
      head(name, "histogram")
      for (key, histogram) in series.sorted(by: { $0.key.labels < $1.key.labels }) {
        let prefix = key.labels.isEmpty ? "" : key.labels + ","
        var total: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
          total += count
          let bound = index < Metrics.buckets.count ? "\(Metrics.buckets[index])" : "+Inf"
          lines.append("\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)")
        }
        lines.append("\(name)_sum\(braces(key.labels)) \(histogram.sum)")
        lines.append("\(name)_count\(braces(key.labels)) \(total)")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
