package import Core

/// How one published register fares on the ferry (登记摆渡): what is on its way, what is here, what could not be taken.
package struct PublishedRegister: Sendable, Hashable {
  package let register: String
  package let label: String
  /// Inside: changes that are not put into the outbox yet.
  package let waiting: Int64
  /// Inside: whether records that were there already are still being sent.
  package let isScanning: Bool
  /// Inside: records sent. Outside: records that stand here as the inside has them.
  package let count: Int64
  /// Outside: records that the rules of this side do not let in.
  package let faults: Int64
  package let lastAt: Instant?

  package init(
    register: String, label: String, waiting: Int64 = 0, isScanning: Bool = false, count: Int64, faults: Int64 = 0,
    lastAt: Instant? = nil
  ) {
    self.register = register
    self.label = label
    self.waiting = waiting
    self.isScanning = isScanning
    self.count = count
    self.faults = faults
    self.lastAt = lastAt
  }
}

/// A record of a published register that was not taken, and why.
package struct PublishedFault: Sendable, Hashable {
  package let register: String
  /// Its code, or its number on the other side.
  package let name: String
  package let reason: String
  package let at: Instant

  package init(register: String, name: String, reason: String, at: Instant) {
    self.register = register
    self.name = name
    self.reason = reason
    self.at = at
  }
}

/// Which registers the inside publishes (发布到互联网侧的登记), as administrators wrote it.
package enum PublishedRegisters {
  /// The parameter that says it.
  package static let parameter = "ferry.registers"

  /// The names in the text of the parameter, each once, in their order.
  package static func names(in text: String) -> [String] {
    var seen: Set<Substring> = []
    return text.split { " ,，、".contains($0) }.filter { seen.insert($0).inserted }.map(String.init)
  }
}
