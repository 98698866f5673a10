import Core
import Entities
import Foundation
import Identity

extension Deployment {
  func identity(_ store: RecordStore) throws -> IdentityService {
    var configuration = IdentityService.Configuration(
      database: database, ring: keys, registers: StoreWriter(store))
    configuration.clock = clock
    configuration.log = log
    configuration.metrics = metrics
    let path = self.configuration.installation.resources + "/platform/common-passwords.txt"
    if let text = try? String(contentsOfFile: path, encoding: .utf8) {
      configuration.commonPasswords = CommonPasswords(text.split(separator: "\n").map(String.init))
    }
    return try IdentityService(configuration)
  }
}

extension IdentityPolicy {
  /// The rules of sign-in as administrators have set them.
  init(_ parameters: Parameters) {
    self.init { name in
      switch try? parameters.value("identity.\(name)") {
      case .integer(let number)?: .int(number)
      case .text(let text)?: .string(text)
      default: nil
      }
    }
  }
}
