package import Core
package import YAML

/// An expression that cannot be read, with the place in its file and the reason in Chinese.
package struct ExpressionFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package let position: SourcePosition
  /// The character of the expression at fault, counted from 1.
  package let column: Int
  package let message: String

  package var description: String { "\(position): \(message)" }

  /// The failure as an answer to somebody who typed the expression in the browser.
  package var refusal: Refusal {
    Refusal(.unprocessable, "expression-invalid", "表达式第 \(column) 个字处：\(message)。原来的内容没有改动，请改正后再保存。")
  }
}

/// A failure inside one expression, before its place in the file is known.
struct ExpressionFault: Error {
  /// Characters before the place.
  let offset: Int
  let message: String

  init(_ offset: Int, _ message: String) {
    self.offset = offset
    self.message = message
  }
}
