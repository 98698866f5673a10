package import Core
import Crypto

/// What one numbered envelope carries: a kind, what it is about, and its content (摆渡消息).
package struct FerryMessage: Sendable, Hashable {
  /// Which receiver understands it: `case.application`.
  package let kind: String
  /// What it is about: messages of one subject are never applied past one that is held. Empty for none.
  package let subject: String
  package let payload: JSON
  /// Bytes that are no JSON, such as a part of a file.
  package let body: [UInt8]

  package init(kind: String, subject: String, payload: JSON, body: [UInt8] = []) {
    self.kind = kind
    self.subject = subject
    self.payload = payload
    self.body = body
  }

  /// Length of the head (4 bytes, big endian), the head as JSON, the body.
  package var bytes: [UInt8] {
    let head: JSON = ["kind": .string(kind), "subject": .string(subject), "payload": payload]
    let text = Array(head.text.utf8)
    return UInt32(text.count).bigEndianBytes + text + body
  }

  /// - Throws: ``FerryFailure`` `content`.
  package init(bytes: [UInt8]) throws(FerryFailure) {
    guard bytes.count >= 4, let count = UInt32(bigEndianBytes: bytes[..<4]), Int(count) <= bytes.count - 4,
      let head = try? JSON(parsing: Array(bytes[4..<(4 + Int(count))])), let kind = head["kind"]?.string,
      let subject = head["subject"]?.string, let payload = head["payload"], kind.utf8.count <= 50,
      subject.utf8.count <= 100
    else { throw FerryFailure(.content, "no message") }
    self.init(kind: kind, subject: subject, payload: payload, body: Array(bytes[(4 + Int(count))...]))
  }
}
