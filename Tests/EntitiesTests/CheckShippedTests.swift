import Entities
import Foundation
import Testing

/// `lifang check` over what the product ships.
@Suite struct CheckShippedTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path(percentEncoded: false)

  @Test func theShippedDeclarationsHaveNoErrors() {
    let findings = CatalogReading(resources: "\(CheckShippedTests.root)/Resources").allFindings()
    let errors = findings.filter { $0.severity == .error }
    #expect(errors.isEmpty, "\(errors.map(\.description).joined(separator: "\n"))")
  }

  @Test func everyCityFitsOnWhatIsShipped() throws {
    let cities = "\(CheckShippedTests.root)/cities"
    for city in (try? FileManager.default.contentsOfDirectory(atPath: cities)) ?? [] where !city.hasPrefix(".") {
      let reading = CatalogReading(resources: "\(CheckShippedTests.root)/Resources", city: "\(cities)/\(city)")
      let errors = reading.allFindings().filter { $0.severity == .error }
      #expect(errors.isEmpty, "\(errors.map(\.description).joined(separator: "\n"))")
    }
  }
}
