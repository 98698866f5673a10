import Core
import Testing

@Suite struct MetricsTests {
  @Test func aReadingTakesTheSeriesThatWereAskedFor() {
    let metrics = Metrics()
    #expect(metrics.reading("requests") == nil)
    metrics.count("requests", "method=\"GET\",status=\"200\"", by: 5)
    metrics.count("requests", "method=\"GET\",status=\"500\"", by: 2)
    metrics.count("requests", "method=\"POST\",status=\"500\"")
    #expect(metrics.reading("requests") == .counter(8))
    #expect(metrics.reading("requests", "status=\"500\"") == .counter(3))
    #expect(metrics.reading("requests", "status=\"500\", method=\"GET\"") == .counter(2))
    #expect(metrics.reading("requests", "status=\"50\"") == nil)
    metrics.set("free", "disk=\"a\"", to: 3)
    metrics.set("free", "disk=\"b\"", to: 7)
    #expect(metrics.reading("free") == .gauge(7))
    #expect(metrics.reading("free", "disk=\"a\"") == .gauge(3))
    metrics.observe("seconds", seconds: 0.5)
    metrics.observe("seconds", "kind=\"x\"", seconds: 1.5)
    #expect(metrics.reading("seconds") == .histogram(sum: 2, count: 2))
  }
}
