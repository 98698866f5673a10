import Core
import HTML
import Testing

@Suite struct AttributeTests {
  @Test(arguments: [
    "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:x",
    "\u{1}javascript:x", "vbscript:x", "data:text/html,<script>", "data:image/svg+xml;base64,xx", "file:///etc/passwd",
    "blob:x", "x:y", ":", "javascript&colon;:x",
  ])
  func linksThatCouldRunSomethingLeadNowhere(_ url: String) {
    #expect(a(.href(url)).string() == "<a href=\"about:invalid\"></a>")
    #expect(form(.action(url)).string() == "<form action=\"about:invalid\"></form>")
  }

  @Test(arguments: [
    "/a?b=c:d", "?q=1", "#top", "a/b", "https://dazhou.gov.cn/", "HTTP://x", "mailto:a@b.cn", "tel:0818-2123456", "",
    "/x#javascript:1",
  ])
  func ordinaryLinksStay(_ url: String) {
    #expect(a(.href(url)).string() == "<a href=\"\(url)\"></a>")
  }

  @Test func imagesMayCarryBitmapsAndNothingElse() {
    #expect(img(.src("data:image/png;base64,AAAA")).string() == "<img src=\"data:image/png;base64,AAAA\">")
    #expect(img(.src("data:image/svg+xml,<svg>")).string() == "<img src=\"about:invalid\">")
    #expect(img(.src("javascript:x")).string() == "<img src=\"about:invalid\">")
  }

  @Test(arguments: [
    "//evil.example/x", "/\\evil.example", "https://evil.example", "x", "/\t/evil.example", "javascript:x",
  ])
  func scriptsFetchFromThisSiteOnly(_ url: String) {
    #expect(div(.hxGet(url)).string() == "<div hx-get=\"about:invalid\"></div>")
  }

  @Test(arguments: ["/", "/a/b?c=d", "?page=2", "#x", ""])
  func scriptsFetchLocalPaths(_ url: String) {
    #expect(div(.hxGet(url)).string() == "<div hx-get=\"\(url)\"></div>")
  }

  @Test func classesAreGatheredIntoOneAttribute() {
    #expect(
      div(.class("a"), .id("i"), .class(nil), .all([.class("b c"), .when(false, .class("d"))])).string()
        == "<div class=\"a b c\" id=\"i\"></div>")
  }

  @Test func flagsAndMissingValuesLeaveNoTrace() {
    #expect(input(.checked(false), .value(nil), .required()).string() == "<input required>")
    #expect(a(.href(nil)).string() == "<a></a>")
  }

  @Test func jsonInAnAttributeSurvives() {
    #expect(div(.hxVals(["a": "\"<"])).string() == "<div hx-vals=\"{&quot;a&quot;:&quot;\\&quot;&lt;&quot;}\"></div>")
  }

  @Test func inlineStyleAndHandlersCannotBeWritten() async {
    await #expect(processExitsWith: .failure) { _ = Attribute.custom("style", "color:red") }
    await #expect(processExitsWith: .failure) { _ = Attribute.custom("onclick", "x()") }
    await #expect(processExitsWith: .failure) { _ = Attribute.custom("href", "javascript:x") }
  }
}
