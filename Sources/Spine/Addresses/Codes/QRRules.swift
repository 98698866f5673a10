package import Core
package import SQL
import Synchronization

/// The rules that QR codes of plates are made and read by (register `qr_rule`), held in memory.
///
/// New codes follow the rule in force; codes made by any rule that ever was in force are read.
package final class QRRules: Sendable {
  private struct Entry: Sendable {
    let rule: QRContentRule
    let proof: QRProof
  }

  private struct State {
    /// The one in force first; each once for every rule of address codes.
    var entries: [Entry]
  }

  /// What a scanned text turned out to be.
  package enum Verdict: Sendable, Hashable {
    /// Made by the city: the code is true.
    case genuine(AddressCode)
    /// Follows a rule that proves nothing.
    case unsigned(AddressCode)
    /// Looks like a plate of the city, but the proof or the code itself is wrong; with what stands for the code.
    case forged(String)
    /// Follows no rule of the city.
    case foreign
  }

  package let proofs: PlateProofs
  /// Stands for `{origin}` in patterns, such as `https://menpai.example.gov.cn`.
  package let origin: String
  private let state: Mutex<State>

  /// The rule when none was put in force: a URL that any scanner opens, signed by SM2.
  package static let standard = (pattern: "{origin}/d/{code}?s={proof}", proof: QRProof.sm2)

  /// - Throws: ``Refusal`` `qr-pattern` when `origin` is no web address.
  package init(proofs: PlateProofs, origin: String) throws(Refusal) {
    self.proofs = proofs
    self.origin = origin
    state = Mutex(State(entries: [try QRRules.standardEntry(origin, .standard)]))
  }

  private static func standardEntry(_ origin: String, _ codes: AddressCodeRule) throws(Refusal) -> Entry {
    Entry(
      rule: try QRContentRule(pattern: resolved(standard.pattern, origin: origin), codes: codes),
      proof: standard.proof)
  }

  static func resolved(_ pattern: String, origin: String) -> String {
    pattern.hasPrefix("{origin}") ? origin + pattern.dropFirst("{origin}".count) : pattern
  }

  /// Reads the rules again; one that no longer can be read is passed over.
  package func refresh(from session: any SQLSession) async throws {
    let codeRows = try await session.query(
      "select pattern from address_code_rule where state <> 'draft' order by state, id desc")
    var codes: [AddressCodeRule] = []
    for row in codeRows {
      if let rule = try? AddressCodeRule(pattern: try row.get("pattern")) { codes.append(rule) }
    }
    codes.append(.standard)
    var entries: [Entry] = []
    for row in try await session.query(
      "select pattern, proof from qr_rule where state <> 'draft' order by state = 'in_force' desc, id desc")
    {
      let pattern = QRRules.resolved(try row.get("pattern"), origin: origin)
      let proof = QRProof(rawValue: try row.get("proof")) ?? .none
      for code in codes {
        guard let rule = try? QRContentRule(pattern: pattern, codes: code) else { continue }
        entries.append(Entry(rule: rule, proof: proof))
      }
    }
    for code in codes { entries.append(try QRRules.standardEntry(origin, code)) }
    state.withLock { $0.entries = entries }
  }

  /// What the QR code of `code` says.
  ///
  /// - Throws: ``CryptoFailure`` when there is no key to sign with.
  package func content(for code: String) throws -> String {
    let entry = state.withLock { $0.entries[0] }
    return try entry.rule.content(for: AddressCode(canonical: code)) { try proofs.proof(entry.proof, of: $0) }
  }

  /// Judges a scanned text.
  package func judge(_ text: String) -> Verdict {
    guard text.utf8.count <= 1000 else { return .foreign }
    var verdict = Verdict.foreign
    for entry in state.withLock({ $0.entries }) {
      guard let frame = entry.rule.frame(of: text) else { continue }
      guard let code = entry.rule.codes.read(frame.code) else {
        if entry.rule.hasProof, verdict == .foreign { verdict = .forged(frame.code) }
        continue
      }
      switch entry.proof {
      case .none: return .unsigned(code)
      case .mac, .sm2:
        if proofs.isGenuine(frame.proof, entry.proof, of: frame.signed) { return .genuine(code) }
        verdict = .forged(code.text)
      }
    }
    return verdict
  }

  /// As ``judge(_:)`` for what was asked of this server, by whatever name it was reached.
  ///
  /// - Parameter target: path and query as received.
  package func judge(target: String) -> Verdict {
    var verdict = Verdict.foreign
    for prefix in origins {
      let found = judge(prefix + target)
      if found != .foreign { verdict = found }
      if case .genuine = found { return found }
    }
    return verdict
  }

  /// The sites that rules lead to.
  private var origins: [String] {
    var origins = [origin]
    for entry in state.withLock({ $0.entries }) {
      let parts = entry.rule.pattern.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4 else { continue }
      let site = parts[0] + "//" + parts[2]
      if !origins.contains(String(site)) { origins.append(String(site)) }
    }
    return origins
  }

  /// How signed codes look, for readers outside: what stands before the code and between code and signature.
  package var signedMarks: [(before: String, between: String)] {
    var marks: [(before: String, between: String)] = []
    for entry in state.withLock({ $0.entries }) where entry.proof == .sm2 {
      let mark = entry.rule.marks
      if !marks.contains(where: { $0 == mark }) { marks.append(mark) }
    }
    return marks
  }
}
