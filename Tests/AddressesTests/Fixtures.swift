import Addresses
import Testing

/// The repository's own gazetteer, read once for all tests.
enum Fixtures {
  static let gazetteer = Result { try Gazetteer.load(folder: root + "/Resources/spine/divisions") }

  /// The folder of the package, from where this file lies.
  static let root: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/")
  }()

  static func segmenter() throws -> AddressSegmenter { AddressSegmenter(gazetteer: try gazetteer.get()) }
}
