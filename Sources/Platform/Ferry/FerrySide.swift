/// The side of the boundary a deployment stands on (摆渡的一侧).
package enum FerrySide: String, Sendable, Hashable, CaseIterable {
  /// 互联网: citizens apply and follow their cases.
  case outside
  /// 公安网: officers handle them.
  case inside

  package var other: FerrySide { self == .outside ? .inside : .outside }

  package var label: String { self == .outside ? "互联网侧" : "公安网侧" }
}
