import Core
import Entities
import Foundation
import Testing

/// The sample declarations of `Tests/Fixtures/declarations`, a small public-rental-housing product with one city.
enum Samples {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/declarations").path(percentEncoded: false)

  static let resources = "\(root)/Resources"
  static let changsha = "\(root)/cities/changsha"

  static let catalog = Result { try Catalog.load(resources: resources) }
  static let city = Result { try Catalog.load(resources: resources, city: changsha) }

  static func entity(_ name: String) throws -> EntityDeclaration { try #require(try catalog.get().entity(name)) }

  /// 2026-11-21 14:05 in China.
  static let now = Instant(seconds: 1_795_241_100)
  static let context = EvaluationContext(now: now, user: 7, unit: 3, division: "430104")

  /// A catalog of one entity with these fields, each a YAML flow mapping.
  static func entity(fields: [String], more: String = "") throws -> EntityDeclaration {
    let text = "entity: thing\nlabel: 事物\ntitle: id\nfields:\n" + fields.map { "  - \($0)\n" }.joined() + more
    return try #require(try Catalog.load(texts: [("thing.yaml", text)]).entity("thing"))
  }

  /// The findings about one text beside the sample declarations.
  static func findings(_ text: String) -> [Finding] {
    do { return try catalog.get().findings(adding: text, origin: "t.yaml") } catch { return [] }
  }
}
