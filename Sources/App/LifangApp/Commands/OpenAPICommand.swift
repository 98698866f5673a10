import CasesWeb
import Core
import EntitiesWeb
import SpineWeb

/// `lifang openapi`: the description of the interface on standard output.
enum OpenAPICommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: [])
    let catalog = try Deployment.loadCatalog(try Configuration(arguments))
    print(
      OpenAPI(catalog: catalog, title: "里坊接口", parts: PublishedInterfaces.parts)
        .document.text)
    return 0
  }
}
