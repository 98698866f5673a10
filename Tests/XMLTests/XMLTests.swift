import Testing
import XML

@Suite struct XMLTests {
  @Test func aTreeKnowsNamespacesAttributesTextAndLines() throws {
    let root = try XMLElement(
      parsing: Array(
        """
        <?xml version="1.0"?>
        <a:root xmlns:a="urn:a" xmlns="urn:b" id="1" a:id="2">
          <child>八一 &amp; 九<![CDATA[<x>]]></child>
        </a:root>
        """.utf8))
    #expect(root.name == "root" && root.namespace == "urn:a" && root.line == 2 && root.column == 1)
    #expect(root["id"] == "1" && root["id", in: "urn:a"] == "2" && root["none"] == nil)
    let child = try #require(root.child("child", in: "urn:b"))
    #expect(child.text == "八一 & 九<x>" && child.line == 3 && child.column == 3)
    #expect(root.child("child", in: "urn:a") == nil)
  }

  @Test(arguments: [
    "", "<a>", "<a></b>", "<a b=1/>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>&unknown;</a>",
    String(repeating: "<a>", count: 200) + String(repeating: "</a>", count: 200),
  ])
  func whatIsNotReadIsToldWithItsPlace(_ text: String) throws {
    let failure = #expect(throws: XMLFailure.self) { try XMLElement(parsing: Array(text.utf8)) }
    #expect((failure?.line ?? 0) >= 1 && failure?.reason.isEmpty == false)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let hard = "<\"八'&>\n\t\u{1}末"
    var writer = XMLWriter()
    writer.element("root", [("a", hard), ("b", nil)]) { writer in
      writer.element("empty")
      writer.element("text", text: hard)
    }
    let root = try XMLElement(parsing: Array(writer.text.utf8))
    #expect(root["a"] == "<\"八'&>\n\t末" && root["b"] == nil)
    #expect(root.children.map(\.name) == ["empty", "text"] && root.children[1].text == "<\"八'&>\n\t末")
  }
}
