import COpenSSL

/// A cryptographic operation that could not be done, or whose input did not prove genuine.
///
/// Neither description ever holds a key, a password, a plain text or a cipher text.
package struct CryptoFailure: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  package enum Code: String, Sendable, Hashable {
    /// The input has the wrong length, encoding or structure.
    case malformed
    /// A tag, checksum or signature does not match: the data was altered or belongs elsewhere.
    case notAuthentic
    /// The key that sealed the data is not in the ring.
    case unknownKey
    /// A key file is missing, unreadable or readable by others.
    case keyFile
    /// libcrypto refused; `detail` is its reason text.
    case library
  }

  package let code: Code
  /// What was being done, such as `sm2-decrypt`.
  package let operation: String
  /// More for the log; holds names and sizes only.
  package let detail: String

  package init(_ code: Code, _ operation: String, _ detail: String = "") {
    self.code = code
    self.operation = operation
    self.detail = detail
  }

  package var description: String { "crypto-\(code.rawValue)" }

  package var debugDescription: String {
    "crypto-\(code.rawValue) in \(operation)\(detail.isEmpty ? "" : ": \(detail)")"
  }

  /// The last error of libcrypto on this thread, whose queue is emptied.
  static func library(_ operation: String) -> CryptoFailure {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "no reason given"
    return CryptoFailure(.library, operation, reason)
  }
}
