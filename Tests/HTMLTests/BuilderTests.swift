import HTML
import Testing

@Suite struct BuilderTests {
  @Test func bodiesTakeConditionsLoopsAndOptionals() {
    func list(_ items: [String], _ note: String?) -> String {
      ul {
        for item in items { li { item } }
        if let note { li(.class("note")) { note } }
        if items.isEmpty { li { "无" } } else { li { "\(items.count)" } }
      }.string()
    }
    #expect(list(["a", "b"], nil) == "<ul><li>a</li><li>b</li><li>2</li></ul>")
    #expect(list([], "x") == "<ul><li class=\"note\">x</li><li>无</li></ul>")
  }

  @Test func aDocumentHasItsDoctype() {
    #expect(
      document(.lang("zh-CN")) { body { "x" } }.string()
        == "<!doctype html>\n<html lang=\"zh-CN\"><body>x</body></html>\n")
  }

  @Test func piecesLearnAboutTheirPageWhileTheyAreWritten() {
    let page = HTML {
      formTokenField()
      spriteImage("icons.svg", "search", .class("icon"))
      img(.assetSrc("logo.svg"))
    }
    #expect(
      page.string(HTMLEnvironment(assets: "/assets/1f", formToken: "t\"")) == """
        <input type="hidden" name="_csrf" value="t&quot;">\
        <svg class="icon"><use href="/assets/1f/icons.svg#search"></use></svg>\
        <img src="/assets/1f/logo.svg">
        """)
  }

  @Test func aPieceCanBeWrittenAgain() {
    let piece = p { "x" }
    #expect(piece.render() == piece.render())
  }
}
