import Core
import Crypto

/// Follows a chain link by link and stops at the first thing that is wrong; the same for tables and for exports.
struct ChainCheck {
  private(set) var report = AuditReport()
  private let trusted: [Int64: SM2PublicKey]
  private var previous = AuditLine.firstPreviousHash

  init(trusted: [Int64: SM2PublicKey]) { self.trusted = trusted }

  /// Returns false when the chain ends here for a fault.
  mutating func take(_ line: AuditLine, hash: [UInt8]) -> Bool {
    guard line.sequence == report.checked + 1 else { return fail(.linkMissing(sequence: report.checked + 1)) }
    guard line.previousHash == previous else { return fail(.relinked(sequence: line.sequence)) }
    guard line.hash == hash else {
      return fail(
        .altered(sequence: line.sequence, entry: line.entryID, time: line.time, action: line.action))
    }
    return accept(hash)
  }

  /// The same for a line of an export, of which only the text is known.
  mutating func take(sequence: Int64, previousHash: [UInt8], canonical: [UInt8], hash: [UInt8], altered: AuditFinding)
    -> Bool
  {
    guard sequence == report.checked + 1 else { return fail(.linkMissing(sequence: report.checked + 1)) }
    guard previousHash == previous else { return fail(.relinked(sequence: sequence)) }
    guard Digest.sm3(canonical) == hash else { return fail(altered) }
    return accept(hash)
  }

  /// Checks a head that stands at the last link taken.
  mutating func take(_ head: AuditHead) -> Bool {
    guard head.sequence == report.checked else {
      return fail(.truncated(sequence: report.checked, signedUpTo: head.sequence))
    }
    guard let key = trusted[head.keyID], head.isValid(under: key) else {
      return fail(.headForged(sequence: head.sequence))
    }
    guard head.hash == previous else {
      return fail(.headMismatch(sequence: head.sequence, lastGoodHead: report.signedUpTo))
    }
    report.signedUpTo = head.sequence
    return true
  }

  @discardableResult
  mutating func fail(_ finding: AuditFinding) -> Bool {
    report.finding = finding
    return false
  }

  mutating func note(pending: Int64) { report.pending = pending }

  private mutating func accept(_ hash: [UInt8]) -> Bool {
    previous = hash
    report.checked += 1
    report.lastHash = Hex.encode(hash)
    return true
  }
}
