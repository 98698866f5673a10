import Core
import HTML
import Shell
import Testing

@Suite struct FrameTests {
  static func page(_ path: String) throws -> [Element] {
    try Markup.elements(Page(title: "页", visit: Samples.visit(path)) { "内容" }.render())
  }

  @Test func theMenuShowsWhereThePageBelongs() throws {
    let elements = try FrameTests.page("/buildings/12/edit")
    let current = elements.filter { $0.path.contains("nav") && $0.attributes["aria-current"] != nil }
    #expect(current.map { $0.attributes["href"] } == ["/buildings"])
    #expect(current.first?.attributes["aria-current"] == "true")
    let open = elements.filter { $0.attributes["data-menu-group"] != nil && $0.attributes["open"] != nil }
    #expect(open.map { $0.attributes["data-menu-group"] } == ["标准地址"])
  }

  @Test func theStartIsCurrentOnlyOnItself() throws {
    let start = try FrameTests.page("/").first {
      $0.attributes["href"] == "/" && $0.attributes["class"]?.contains("menu-item") == true
    }
    #expect(start?.attributes["aria-current"] == "page")
    let elsewhere = try FrameTests.page("/map").first {
      $0.attributes["href"] == "/" && $0.attributes["class"]?.contains("menu-item") == true
    }
    #expect(elsewhere?.attributes["aria-current"] == nil)
  }

  @Test func namesFromTheSessionCannotBecomeMarkup() throws {
    var visit = Samples.visit("/")
    visit.person = Person(name: "<b>李", unit: "\"><script>", roles: ["<i>"])
    visit.flashes = [Flash(.success, "<img src=x>")]
    let elements = try Markup.elements(Page(title: "</title><b>", visit: visit) { "" }.render())
    #expect(!elements.contains { ["b", "i", "script"].contains($0.name) && $0.attributes["src"] == nil })
    #expect(!elements.contains { $0.attributes["src"] == "x" })
  }

  @Test func aFragmentCarriesItsMessagesOutOfBand() throws {
    let visit = Samples.visit("/", flashes: [Flash(.warning, "请复核", link: "/x", linkLabel: "去看")])
    let elements = try Markup.elements(Fragment(title: "甲", visit: visit) { p { "内容" } }.render())
    let toasts = try #require(elements.first { $0.attributes["id"] == "toasts" })
    #expect(toasts.attributes["hx-swap-oob"] == "beforeend")
    #expect(toasts.text.contains("请复核"))
    #expect(!elements.contains { $0.name == "html" })
  }

  @Test func errorsQuoteTheRequest() throws {
    for name in ["error", "forbidden"] {
      let page = try #require(Samples.standard.first { $0.name == name })
      #expect(String(decoding: page.bytes, as: UTF8.self).contains("请求编号 7f3a-19c2e4"))
    }
  }

  @Test func telephoneLinksHoldOnlyWhatCanBeDialled() throws {
    let card = ContactCard(role: "民警", name: "周勇", unit: "东城派出所", phone: "(0818) 212-3456 转 8\" onclick", icon: .police)
    let link = try #require(try Markup.elements(card.html.render()).first { $0.name == "a" })
    #expect(link.attributes["href"] == "tel:08182123456" + "8")
    #expect(
      try Markup.elements(ContactCard(role: "民警", name: "周勇", unit: "所", phone: nil, icon: .police).html.render())
        .allSatisfy { $0.name != "a" })
  }

  @Test(arguments: [(90, "90 米"), (999, "999 米"), (1000, "1.0 公里"), (1250, "1.3 公里"), (1949, "1.9 公里")])
  func distancesReadNaturally(_ metres: Int, _ text: String) throws {
    let list = NearbyList([.init(name: "医院", kind: "医院", icon: .hospital, distance: metres, address: "街")])
    #expect(list.html.string().contains(">\(text)<"))
  }

  @Test func aChartKeepsItsFiguresForThoseWhoCannotSeeIt() throws {
    let elements = try Markup.elements(Samples.chart.html.render())
    let configuration = try #require(elements.first?.attributes["data-chart"])
    let json = try JSON(
      parsing: configuration.split(separator: "&quot;", omittingEmptySubsequences: false).joined(separator: "\""))
    #expect(json["series"]?.array?.count == 2)
    #expect(elements.filter { $0.name == "td" }.map(\.text).prefix(2) == ["31.2", "2.1"])
  }

  @Test func anUnavailableActionSaysWhyAndDoesNothing() throws {
    let action = Action("发布", .link("/x"), disabledReason: "还有 2 处未核实")
    let elements = try Markup.elements(action.html.render())
    #expect(elements.first?.attributes["aria-disabled"] == "true")
    #expect(elements.allSatisfy { $0.attributes["href"] == nil })
    #expect(elements.first?.text.contains("还有 2 处未核实") == true)
  }
}
