import HTML
import Shell
import Testing

@Suite struct ListTests {
  static func links(_ pager: Pager) throws -> [(page: Int, element: Element)] {
    try Markup.elements(pager.html.render()).compactMap { element in
      guard element.name == "a", let href = element.attributes["href"], href.hasSuffix("/20"),
        let page = Int(href.dropLast(3))
      else { return nil }
      return (page, element)
    }
  }

  @Test(arguments: 1...40)
  func pagesLeadSomewhereAndTheCurrentOneIsMarked(_ page: Int) throws {
    let total = 20 * 40 - 7
    let pager = Pager(total: .exact(total), page: page, size: 20, shown: page == 40 ? 13 : 20) { "\($0)/\($1)" }
    let links = try ListTests.links(pager)
    #expect(links.allSatisfy { (1...40).contains($0.page) && $0.page != page })
    #expect(
      Set(links.map(\.page)).isSuperset(of: Set([1, 40, max(1, page - 1), min(40, page + 1)]).subtracting([page])))
    #expect(links.contains { $0.element.attributes["rel"] == "next" } == (page < 40))
    #expect(links.contains { $0.element.attributes["rel"] == "prev" } == (page > 1))
    let current = try Markup.elements(pager.html.render()).filter { $0.attributes["aria-current"] == "page" }
    #expect(current.map(\.text) == ["\(page)"])
  }

  @Test func anEstimateThatIsTooLowStillOffersTheNextPage() throws {
    let full = Pager(total: .about(15), page: 3, size: 20, shown: 20) { "\($0)/\($1)" }
    #expect(try ListTests.links(full).contains { $0.page == 4 })
    let last = Pager(total: .about(1500), page: 3, size: 20, shown: 19) { "\($0)/\($1)" }
    #expect(try !ListTests.links(last).contains { $0.element.attributes["rel"] == "next" })
  }

  static func table(panel: Bool = true, batch: Bool = false) -> DataTable {
    DataTable(
      caption: "楼栋",
      columns: [
        Column("名称", sortPath: "?sort=name", sorted: .ascending), Column("层数", .number), Column("三"), Column("四"),
        Column("五"), Column("六"),
      ],
      rows: [
        TableRow(
          id: "7", name: "甲栋", path: "/b/7", listPath: "/b?open=7", cells: ["甲栋", "18", "3", "4", "5", "6"],
          isOpen: true)
      ], opensPanel: panel,
      batch: batch ? .init(path: "/b/batch", actions: [], total: .exact(1)) : nil,
      empty: .empty("没有", "没有"))
  }

  @Test func headingsSayHowRowsAreSorted() throws {
    let headings = try Markup.elements(ListTests.table().html.render()).filter { $0.attributes["scope"] == "col" }
    #expect(headings.map { $0.attributes["aria-sort"] } == ["ascending", nil, nil, nil, nil, nil])
  }

  @Test func aRowOpensInThePanelOrAsAPage() throws {
    let inPanel = try Markup.elements(ListTests.table().html.render()).first { $0.name == "a" && $0.text == "甲栋" }
    #expect(inPanel?.attributes["href"] == "/b/7")
    #expect(inPanel?.attributes["hx-get"] == "/b/7")
    #expect(inPanel?.attributes["hx-push-url"] == "/b?open=7")
    #expect(inPanel?.attributes["aria-current"] == "true")
    let asPage = try Markup.elements(ListTests.table(panel: false).html.render()).first {
      $0.text == "甲栋" && $0.name == "a"
    }
    #expect(asPage?.attributes["hx-get"] == nil)
  }

  @Test func columnsBeyondTheFifthLeaveWhereRoomIsShort() throws {
    let elements = try Markup.elements(ListTests.table().html.render())
    let hidden = elements.filter { $0.attributes["class"]?.contains("not-on-phone") == true }
    #expect(hidden.map(\.text) == ["六", "6"])
  }

  @Test func selectedRowsTravelWithTheBatchForm() throws {
    let elements = try Markup.elements(ListTests.table(batch: true).html.render())
    let box = try #require(elements.first { $0.attributes["name"] == "id" })
    #expect(box.attributes["form"] == "batch" && box.attributes["value"] == "7")
    #expect(box.attributes["aria-label"] == "选择 甲栋")
    #expect(elements.contains { $0.name == "form" && $0.attributes["id"] == "batch" })
  }

  @Test func chipsLiftOneFilterEach() throws {
    let chips = ActiveFilters(
      [.init("区划", "通川区", removePath: "/b?x=1"), .init("类型", "住宅", removePath: "/b?y=1")], clearPath: "/b")
    let links = try Markup.elements(chips.html.render()).filter { $0.name == "a" }
    #expect(links.map { $0.attributes["href"] } == ["/b?x=1", "/b?y=1", "/b"])
    #expect(ActiveFilters([], clearPath: "/b").html.string().isEmpty)
  }
}
