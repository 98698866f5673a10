package import SQL

/// What is done with one kind of message (摆渡业务).
package struct FerryReceiver: Sendable {
  package let kind: String
  /// Shown on the page, such as `网上申请`.
  package let label: String
  /// Which side it comes from.
  package let from: FerrySide
  package let shape: FerryShape
  /// Applies it in the transaction of its number. A `Refusal` holds the message for somebody to look at; anything else
  /// is tried again.
  package let apply: @Sendable (FerryMessage, Transaction) async throws -> Void

  package init(
    _ kind: String, _ label: String, from: FerrySide, _ shape: FerryShape,
    apply: @escaping @Sendable (FerryMessage, Transaction) async throws -> Void
  ) {
    self.kind = kind
    self.label = label
    self.from = from
    self.shape = shape
    self.apply = apply
  }
}
