import Files
import Messaging

extension FileStore {
  /// A kept file as it goes along with a letter.
  func attachment(_ key: String) async throws -> MailAttachment? {
    let file = try await find(key)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(file.size))
    try await read(file) { bytes += $0 }
    return MailAttachment(name: file.name, contentType: file.contentType, bytes: bytes)
  }
}
