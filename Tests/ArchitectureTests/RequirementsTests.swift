import Foundation
import Testing

/// `docs/requirements.tsv` says of requirement rows what is built, where a user finds it and which test shows it; what
/// it names must exist.
@Suite struct RequirementsTests {
  struct Claim: Sendable, CustomTestStringConvertible {
    let id: String
    let state: String
    let missing: String
    let places: [String]
    let tests: [String]

    var testDescription: String { id }
  }

  static let header = ["id", "state", "missing", "where", "test"]
  static let table = lines("docs/requirements.tsv")
  static let claims = table.dropFirst().map { line in
    let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    let cell = { (index: Int) in index < cells.count ? cells[index] : "" }
    return Claim(
      id: cell(0), state: cell(1), missing: cell(2), places: items(cell(3)), tests: items(cell(4)))
  }

  @Test func theTableHasItsColumnsAndNoRowTwice() {
    #expect(RequirementsTests.table.first?.split(separator: "\t").map(String.init) == RequirementsTests.header)
    #expect(!RequirementsTests.claims.isEmpty)
    for line in RequirementsTests.table {
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
      #expect(cells.count == RequirementsTests.header.count, "\(line)")
    }
    let ids = RequirementsTests.claims.map(\.id)
    #expect(Set(ids).count == ids.count)
  }

  @Test(arguments: RequirementsTests.claims) func everyIdIsARowOfARequirementFile(_ claim: Claim) {
    #expect(Product.requirements.contains(claim.id))
  }

  @Test(arguments: RequirementsTests.claims) func whatIsPartlyBuiltSaysWhatIsMissing(_ claim: Claim) {
    #expect(["built", "partly"].contains(claim.state))
    #expect(claim.missing.isEmpty == (claim.state == "built"))
    #expect(!claim.places.isEmpty)
    #expect(claim.state != "built" || !claim.tests.isEmpty)
  }

  @Test(arguments: RequirementsTests.claims) func everyPlaceExists(_ claim: Claim) {
    for place in claim.places { #expect(Product.has(place: place), "\(place)") }
  }

  @Test(arguments: RequirementsTests.claims) func everyTestExists(_ claim: Claim) {
    for test in claim.tests { #expect(Product.has(test: test), "\(test)") }
  }

  @Test(
    arguments: [
      "GET /r/no_such_register", "GET /nowhere", "GET /r/address/nowhere", "DELETE /lookup",
      "POST /r/app_user/{id}/do/no_such_action",
      "lifang conjure", "lifang import moonbeams", "entity:no_such_register", "",
    ])
  func whatDoesNotExistIsNotFound(_ place: String) { #expect(!Product.has(place: place)) }

  private static func items(_ cell: String) -> [String] {
    cell.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func lines(_ path: String) -> [String] {
    Product.text(path).split(separator: "\n").map(String.init)
  }
}

/// What the repository holds, as far as the table can name it: read from the sources as text.
private enum Product {
  static func text(_ path: String) -> String {
    (try? String(contentsOf: ImportTests.root.appending(path: path), encoding: .utf8)) ?? ""
  }

  static func files(_ folder: String, _ suffix: String) -> [URL] {
    let folder = ImportTests.root.appending(path: folder)
    guard let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
    return found.compactMap { $0 as? URL }.filter { $0.path.hasSuffix(suffix) }
  }

  static let requirements = Set(
    files("docs/requirements", ".tsv").flatMap { file in
      ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n").dropFirst()
        .compactMap { $0.split(separator: "\t").first.map(String.init) }
    })

  // MARK: Places

  static func has(place: String) -> Bool {
    if place.hasPrefix("entity:") { return entities[String(place.dropFirst("entity:".count))] != nil }
    let words = place.split(separator: " ").map(String.init)
    if words.first == "lifang" { return has(command: Array(words.dropFirst())) }
    return words.count == 2 && has(route: words[1], method: words[0])
  }

  /// Declared registers: the text of each by its name.
  private static let entities = Dictionary(
    files("Resources", ".yaml").filter { $0.deletingLastPathComponent().lastPathComponent == "entities" }.map {
      ($0.deletingPathExtension().lastPathComponent, (try? String(contentsOf: $0, encoding: .utf8)) ?? "")
    }, uniquingKeysWith: { first, _ in first })

  private struct Route {
    let method: String
    let segments: [Substring]
  }

  /// What the sources register with `router.on(.get, "/path"…` and `router.onImmediate(…`, `router.onGathered(…`, in a type that the App makes.
  private static let routes = files("Sources", ".swift").flatMap { file -> [Route] in
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return [".on(", ".onImmediate(", ".onGathered("].flatMap { call in
      var before = ""
      return text.components(separatedBy: call).flatMap { rest -> [Route] in
        defer { before += rest }
        guard !before.isEmpty, isServed(before) else { return [] }
        return routes(rest.prefix(200).drop(while: \.isWhitespace), after: before)
      }
    }
  }

  /// Whether the type that the source `before` a call has begun last is made by the App.
  private static func isServed(_ before: String) -> Bool {
    let starts =
      ["struct ", "class ", "extension "].compactMap { before.range(of: "\n" + $0, options: .backwards) }
      + ["\npackage struct ", "\npackage final class "].compactMap { before.range(of: $0, options: .backwards) }
    guard let start = starts.map(\.upperBound).max() else { return false }
    return composition.contains(identifier(String(before[start...].prefix(80))) + "(")
  }

  private static let composition = files("Sources/App", ".swift")
    .map { (try? String(contentsOf: $0, encoding: .utf8)) ?? "" }.joined(separator: "\n")

  /// The routes of a call that goes on with `arguments`. A path may begin with a constant of the source `before` it, or with
  /// what several values hold under one name: `subject.path` is each `path: "/…"` that the source gives.
  private static func routes(_ arguments: Substring, after before: String) -> [Route] {
    guard arguments.first == ".", let comma = arguments.firstIndex(of: ",") else { return [] }
    let method = arguments[..<comma].dropFirst().uppercased()
    let rest = arguments[comma...].dropFirst().drop(while: \.isWhitespace)
    var path = ""
    if rest.first == "\"" {
      path = String(rest.dropFirst().prefix { $0 != "\"" })
    } else {
      path = "\\(\(String(rest.prefix { $0 != "," && !$0.isWhitespace })))"
    }
    guard path.hasPrefix("\\("), let close = path.firstIndex(of: ")") else { return routes(method, [path]) }
    let name = path[..<close].dropFirst(2)
    let own = name.lastIndex(of: ".").map { name[$0...].dropFirst() } ?? name
    let end = path[close...].dropFirst()
    var starts: [String] = []
    if own != name { starts = before.components(separatedBy: "\(own): \"").dropFirst().map { $0 } }
    if starts.isEmpty, let start = before.range(of: "let \(own) = \"", options: .backwards)?.upperBound {
      starts = [String(before[start...])]
    }
    return routes(method, starts.map { start in String(start.prefix { $0 != "\"" }) + end })
  }

  private static func routes(_ method: String, _ paths: [String]) -> [Route] {
    paths.filter { $0.hasPrefix("/") }.map { Route(method: method, segments: $0.dropFirst(1).split(separator: "/")) }
  }

  private static func has(route path: String, method: String) -> Bool {
    guard path.hasPrefix("/") else { return false }
    let segments = path.split(separator: "/")
    return routes.contains { $0.method == method && matches($0.segments, segments) }
  }

  /// Whether a path of the table is one of the pattern; a register and an action that it names must be declared.
  private static func matches(_ pattern: [Substring], _ path: [Substring]) -> Bool {
    var register: String?
    for (index, segment) in pattern.enumerated() {
      if segment.hasSuffix("...}") { return true }
      guard index < path.count else { return false }
      let isNamed = !path[index].hasPrefix("{")
      switch segment {
      case "{entity}" where isNamed:
        guard entities[String(path[index])] != nil else { return false }
        register = String(path[index])
      case "{action}" where isNamed:
        guard let register, entities[register]?.contains("name: \(path[index]),") == true else { return false }
      default:
        guard segment == path[index] || segment.hasPrefix("{") && (!isNamed || segment == "{layer}") else {
          return false
        }
      }
    }
    return pattern.count == path.count
  }

  /// Commands of the tool by name, with every word of their usage.
  private static let commands = Dictionary(
    text("Sources/App/LifangApp/Commands/CommandLineTool.swift").components(separatedBy: "Command(").compactMap {
      call -> (String, Set<Substring>)? in
      guard let name = literal("name", in: call), let usage = literal("usage", in: call) else { return nil }
      return (name, Set(usage.split { !($0.isLetter || $0.isNumber || $0 == "-") }))
    }, uniquingKeysWith: { first, _ in first })

  private static func has(command words: [String]) -> Bool {
    guard let name = words.first, let usage = commands[name] else { return false }
    return words.allSatisfy { usage.contains($0[...]) }
  }

  private static func literal(_ label: String, in call: String) -> String? {
    // A long text stands on a line of its own.
    guard let colon = call.range(of: label + ":")?.upperBound, let quote = call[colon...].firstIndex(of: "\""),
      case let start = call.index(after: quote), let end = call[start...].firstIndex(of: "\"")
    else { return nil }
    return String(call[start..<end])
  }

  // MARK: Tests

  static func has(test name: String) -> Bool {
    if let separator = name.range(of: "::") {
      return text(String(name[..<separator.lowerBound])).contains("def \(name[separator.upperBound...])(")
    }
    let parts = name.split(separator: "/").map(String.init)
    return parts.count == 2 && suites[parts[0]]?.contains(parts[1]) == true
  }

  /// Functions of the suites by the name of their suite, which a few targets share.
  private static let suites: [String: Set<String>] = {
    var found: [String: Set<String>] = [:]
    for file in files("Tests", ".swift") {
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      for suite in text.components(separatedBy: "@Suite").dropFirst() {
        guard let name = word(after: "struct ", in: suite) else { continue }
        let functions = suite.components(separatedBy: "func ").dropFirst().map(identifier)
        found[name, default: []].formUnion(functions)
      }
    }
    return found
  }()

  private static func word(after mark: String, in text: String) -> String? {
    text.range(of: mark).map { identifier(String(text[$0.upperBound...].prefix(80))) }
  }

  private static func identifier(_ text: String) -> String {
    String(text.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
  }
}
