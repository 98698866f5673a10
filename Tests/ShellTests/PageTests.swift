import Foundation
import HTML
import Shell
import Testing

/// What holds for every page, whatever it shows.
@Suite struct PageTests {
  static let names = Samples.standard.map(\.name)

  static func elements(_ name: String, _ size: TextSize = .standard) throws -> [Element] {
    let pages = size == .standard ? Samples.standard : Samples.pages(size)
    let page = try #require(pages.first { $0.name == name })
    return try Markup.elements(page.bytes)
  }

  @Test func theGalleryIsWrittenWhenAskedFor() throws {
    guard let folder = ProcessInfo.processInfo.environment["LIFANG_GALLERY"] else { return }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for size in TextSize.allCases {
      for (name, bytes) in Samples.pages(size) {
        let suffix = size == .standard ? "" : "-\(size.rawValue)"
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)\(suffix).html"))
      }
    }
    try Data(Samples.panel.render(Samples.environment)).write(to: URL(filePath: "\(folder)/_panel.html"))
    try Data(Samples.confirmation.dialog.render(Samples.environment)).write(to: URL(filePath: "\(folder)/_dialog.html"))
  }

  @Test(arguments: names)
  func idsAreUniqueAndReferencesLeadSomewhere(_ name: String) throws {
    let elements = try PageTests.elements(name)
    let ids = elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count, "\(Dictionary(grouping: ids, by: { $0 }).filter { $1.count > 1 }.keys)")
    for element in elements {
      for key in ["for", "form", "aria-labelledby", "aria-describedby", "aria-controls", "list"] {
        for id in (element.attributes[key] ?? "").split(separator: " ") {
          #expect(ids.contains(String(id)), "<\(element.name) \(key)=\(id)>")
        }
      }
      if let href = element.attributes["href"], href.hasPrefix("#"), element.name == "a", href != "#" {
        #expect(ids.contains(String(href.dropFirst())), "<a href=\(href)>")
      }
    }
  }

  @Test(arguments: names)
  func everyControlHasAName(_ name: String) throws {
    let elements = try PageTests.elements(name)
    let labelled = Set(elements.filter { $0.name == "label" }.compactMap { $0.attributes["for"] })
    for element in elements where ["input", "select", "textarea"].contains(element.name) {
      if element.attributes["type"] == "hidden" { continue }
      let isNamed =
        element.attributes["aria-label"] != nil || element.path.contains("label")
        || element.attributes["id"].map(labelled.contains) == true
      #expect(isNamed, "<\(element.name) name=\(element.attributes["name"] ?? "")> has no label")
    }
    for element in elements where ["button", "a", "summary"].contains(element.name) {
      let isNamed = !element.text.isEmpty || element.attributes["aria-label"] != nil || holdsImage(element, elements)
      #expect(isNamed, "<\(element.name) \(element.attributes)> says nothing")
    }
  }

  private func holdsImage(_ element: Element, _ elements: [Element]) -> Bool {
    elements.contains {
      $0.attributes["role"] == "img" && $0.attributes["aria-label"] != nil && $0.path.last == element.name
    }
  }

  @Test(arguments: names)
  func nothingRunsOrStylesInline(_ name: String) throws {
    for element in try PageTests.elements(name) {
      #expect(element.attributes["style"] == nil)
      #expect(!element.attributes.keys.contains { $0.hasPrefix("on") })
      if element.name == "script" { #expect(element.attributes["src"] != nil && element.text.isEmpty) }
      #expect(element.name != "style")
    }
  }

  @Test(arguments: names)
  func thereIsOneTitleOneHeadingAndOneMain(_ name: String) throws {
    let elements = try PageTests.elements(name)
    for tag in ["title", "h1", "main"] {
      #expect(elements.filter { $0.name == tag }.count == 1, "\(tag)")
    }
    let levels = elements.compactMap { ["h1": 1, "h2": 2, "h3": 3, "h4": 4][$0.name] }
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "headings skip a level: \(levels)")
  }

  @Test(arguments: names)
  func formsThatChangeSomethingCarryTheToken(_ name: String) throws {
    let elements = try PageTests.elements(name)
    let forms = elements.filter { $0.name == "form" && $0.attributes["method"] == "post" }.count
    let tokens = elements.filter { $0.attributes["name"] == "_csrf" && $0.attributes["value"] == "token" }.count
    #expect(forms == tokens)
  }

  @Test func everyIconIsDrawn() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Web/icons.svg")
    let sprite = try String(contentsOf: file, encoding: .utf8)
    for icon in Icon.allCases { #expect(sprite.contains("id=\"\(icon.rawValue)\""), "\(icon)") }
  }

  @Test func elderModeMarksTheDocument() throws {
    let standard = try #require(try PageTests.elements("scan").first)
    let largest = try #require(try PageTests.elements("scan", .largest).first)
    #expect(standard.attributes["class"] == nil)
    #expect(largest.attributes["class"] == "elder text-largest")
  }
}
