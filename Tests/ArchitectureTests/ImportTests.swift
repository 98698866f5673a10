import Foundation
import Testing

/// The walls of `docs/architecture.md`, read from the sources themselves.
@Suite struct ImportTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// From the bottom up; a module may import its own layer's earlier modules and every lower layer.
  static let layers: [(folder: String, modules: [String])] = [
    (
      "Kernel",
      ["Core", "YAML", "Crypto", "SQL", "Compression", "HTTP", "HTML", "Transport", "Geo", "XML", "Documents"]
    ),
    (
      "Platform",
      [
        "Access", "Search", "Audit", "Jobs", "Files", "Entities", "Processes", "Identity", "Messaging", "Connectors",
        "Feeds", "Ferry", "Papers", "Operations", "Reports", "SignOn", "Shell", "Site", "EntitiesWeb", "IdentityWeb",
        "MessagingWeb",
        "ConnectorsWeb",
        "FeedsWeb",
        "FerryWeb", "PapersWeb", "ReportsWeb", "SignOnWeb",
      ]
    ),
    (
      "Spine",
      [
        "Addresses", "AddressParsing", "Households", "Residences", "Cases", "Definitions", "Portal", "SpineWeb",
        "CasesWeb",
        "DefinitionsWeb", "PortalWeb",
      ]
    ),
    ("Suites", ["DoorPlates", "DoorPlatesWeb", "HouseholdRegistration"]),
    ("App", ["DemoCity", "Peers", "LifangApp", "lifang"]),
  ]

  struct Source {
    let module: String
    let path: String
    let imports: [String]
    let lines: Int
  }

  static let sources: [Source] = {
    var found: [Source] = []
    for layer in layers {
      for module in layer.modules {
        let folder = root.appending(path: "Sources/\(layer.folder)/\(module)")
        guard let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { continue }
        for case let file as URL in files where file.pathExtension == "swift" {
          guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
          let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
          let imports = lines.compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 1, words.count == index + 2,
              index == 0 || ["package", "public", "internal"].contains(words[0])
            else { return nil }
            return String(words[index + 1])
          }
          found.append(Source(module: module, path: file.path, imports: imports, lines: lines.count))
        }
      }
    }
    return found
  }()

  @Test func everySourceFolderHasAPlaceInTheLayers() throws {
    for layer in ImportTests.layers {
      let folder = ImportTests.root.appending(path: "Sources/\(layer.folder)")
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
        #expect(layer.modules.contains(name), "\(layer.folder)/\(name) is in no layer")
      }
    }
  }

  @Test func importsOnlyPointDownwards() {
    let order = ImportTests.layers.flatMap(\.modules)
    #expect(!ImportTests.sources.isEmpty)
    for source in ImportTests.sources {
      guard let own = order.firstIndex(of: source.module) else { continue }
      for name in source.imports {
        guard let other = order.firstIndex(of: name) else { continue }
        #expect(other < own, "\(source.path) imports \(name), which stands above it")
      }
    }
  }

  @Test func aSuiteKnowsNoOther() {
    let suites = ImportTests.layers.first { $0.folder == "Suites" }?.modules ?? []
    #expect(!suites.isEmpty)
    for source in ImportTests.sources where suites.contains(source.module) {
      for name in source.imports where suites.contains(name) {
        // The pages of a suite stand over the suite.
        #expect(source.module == name + "Web", "\(source.path) imports \(name)")
      }
    }
  }

  @Test func aCLibraryIsImportedByOneModuleOnly() {
    var owners: [String: Set<String>] = [:]
    for source in ImportTests.sources {
      for name in source.imports where name.first == "C" && name.dropFirst().first?.isUppercase == true {
        owners[name, default: []].insert(source.module)
      }
    }
    #expect(!owners.isEmpty)
    for (library, modules) in owners { #expect(modules.count == 1, "\(library) is imported by \(modules.sorted())") }
  }

  @Test func modulesWithoutPagesKnowNeitherHTTPNorHTML() {
    let pages: Set = [
      "CasesWeb", "ConnectorsWeb", "DefinitionsWeb", "DoorPlatesWeb", "EntitiesWeb", "FeedsWeb", "FerryWeb", "HTML",
      "HTTP",
      "IdentityWeb",
      "LifangApp", "MessagingWeb", "PapersWeb", "Peers", "PortalWeb", "ReportsWeb", "Shell", "SignOnWeb", "Site",
      "SpineWeb", "lifang",
    ]
    for source in ImportTests.sources where !pages.contains(source.module) {
      for name in source.imports {
        #expect(!["HTTP", "HTML", "Shell"].contains(name), "\(source.path) imports \(name)")
      }
    }
  }

  @Test func noFileHoldsMoreThanSixHundredLines() {
    for source in ImportTests.sources { #expect(source.lines <= 600, "\(source.path) has \(source.lines) lines") }
  }

  @Test(arguments: ["NSRegularExpression", "try! Regex", "DateFormatter", "String(format:", "URLSession"])
  func slowOrUnsafeFoundationTypesStayOut(_ name: String) throws {
    for source in ImportTests.sources {
      let text = try String(contentsOfFile: source.path, encoding: .utf8)
      #expect(!text.contains(name), "\(source.path) uses \(name)")
    }
  }
}
