import HTML
import Shell
import Testing

@Suite struct WatermarkTests {
  private static func page(_ watermark: Watermark?) -> String {
    var frame = FrameModel(city: "达州市", person: nil, path: "/r/person")
    frame.watermark = watermark
    return String(decoding: Page(title: "人口", visit: frame) { "内容" }.render(), as: UTF8.self)
  }

  @Test func aPageSaysWhoLooksAndNothingReadsItOut() {
    let page = WatermarkTests.page(Watermark(["王民警 东城派出所", "10.1.2.3 2026-11-21 14:05"]))
    #expect(page.contains("<svg class=\"watermark\" aria-hidden=\"true\""))
    #expect(page.contains("王民警 东城派出所") && page.contains("10.1.2.3 2026-11-21 14:05"))
    #expect(!page.contains("style="))
  }

  @Test func aNameCannotBreakOutOfIt() {
    #expect(!WatermarkTests.page(Watermark(["</text><script>"])).contains("<script>"))
  }

  @Test func otherPagesHaveNone() {
    #expect(!WatermarkTests.page(nil).contains("watermark"))
  }
}
