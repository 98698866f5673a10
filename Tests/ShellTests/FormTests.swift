import HTML
import Shell
import Testing

@Suite struct FormTests {
  static func input(_ field: Field) throws -> Element {
    let elements = try Markup.elements(field.html.render())
    return try #require(elements.first { $0.attributes["id"] == field.inputID })
  }

  @Test func aFieldPointsAtItsHelpErrorAndSource() throws {
    let field = Field(
      "area", "面积", .number("x", unit: "㎡"), isRequired: true, help: "建筑面积", error: "面积要填数字", source: "来自不动产登记")
    let input = try FormTests.input(field)
    #expect(input.attributes["aria-describedby"] == "f-area-error f-area-help f-area-source")
    #expect(input.attributes["aria-invalid"] == "true")
    #expect(input.attributes["required"] != nil)
    let plain = try FormTests.input(Field("area", "面积", .number("12")))
    #expect(plain.attributes["aria-describedby"] == nil && plain.attributes["aria-invalid"] == nil)
  }

  @Test(arguments: ["<script>", "\"", "甲 & 乙", "\n第二行"])
  func whatWasTypedIsShownAgainUnchanged(_ value: String) throws {
    let text = try FormTests.input(Field("a", "甲", .text(value)))
    #expect(decoded(text.attributes["value"] ?? "") == value)
    let area = try FormTests.input(Field("a", "甲", .longText(value)))
    // The first line break belongs to the syntax.
    #expect(decoded(String(area.text.dropFirst())) == value)
  }

  private func decoded(_ text: String) -> String {
    var text = text
    for (reference, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
      text = text.split(separator: reference, omittingEmptySubsequences: false).joined(separator: character)
    }
    return text
  }

  @Test func passwordsAreNeverShownAgainNorKept() throws {
    let input = try FormTests.input(Field("password", "密码", .password(autocomplete: "current-password")))
    #expect(input.attributes["value"] == nil)
    #expect(input.attributes["data-private"] != nil)
  }

  @Test(arguments: [
    Control.text(""), .longText(""), .number(""), .date(""), .select("", []), .checkbox(false, caption: "是"),
    .radio("", [Choice("1", "一")]), .checkboxes([], [Choice("1", "一")]),
    .reference(.init(value: "1", text: "甲", source: "/x")), .point(.init(longitude: "", latitude: "")),
  ])
  func everyInputOfAPrivateFieldIsMarked(_ control: Control) throws {
    let elements = try Markup.elements(Field("a", "甲", control, isPrivate: true).html.render())
    let inputs = elements.filter { ["input", "select", "textarea"].contains($0.name) }
    #expect(!inputs.isEmpty)
    #expect(inputs.allSatisfy { $0.attributes["data-private"] != nil })
  }

  @Test func theSummaryLinksToEveryFieldAtFault() throws {
    let errors = [FieldError("name", "请填写名称"), FieldError(nil, "这栋楼刚被别人改过")]
    let elements = try Markup.elements(ErrorSummary(errors).html.render())
    #expect(elements.filter { $0.name == "a" }.map { $0.attributes["href"] } == ["#f-name"])
    #expect(elements.first?.text.contains("有 2 处需要修改") == true)
    #expect(elements.first?.attributes["role"] == "alert")
  }

  @Test func theIndexMarksSectionsWithErrors() throws {
    let sections = ["a", "b", "c"].map { id in
      FormSection(id: id, id, fields: [Field(id, id, .text(""), error: id == "b" ? "错" : nil)])
    }
    let form = FormView(
      path: "/x", sections: sections, submit: Action("保存", .submit(name: nil, value: nil)), cancelPath: nil)
    let links = try Markup.elements(form.html.render()).filter { $0.path.contains("nav") && $0.name == "a" }
    #expect(links.map { $0.attributes["class"] } == [nil, "has-error", nil])
  }

  @Test func dialogAndPageAskTheSame() throws {
    let dialog = try Markup.elements(Samples.confirmation.dialog.render(Samples.environment))
    let page = try Markup.elements(Samples.confirmation.page(visit: Samples.visit("/people")).render())
    let names = { (elements: [Element]) in
      elements.filter { $0.path.contains("form") }.compactMap { $0.attributes["name"] }.filter { $0 != "_csrf" }
    }
    #expect(names(dialog) == ["field", "purpose", "reason"])
    #expect(names(page).suffix(3) == ["field", "purpose", "reason"])
  }
}
