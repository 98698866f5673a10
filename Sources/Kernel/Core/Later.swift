import Synchronization

/// Something that whoever uses it is made before: rules are part of the store, and what they call is made of the store.
///
/// It is put in once, while the application is composed.
package final class Later<Value: Sendable>: Sendable {
  private let name: String
  private let held = Mutex<Value?>(nil)

  /// - Parameter name: what the fault of a use before its time is called, as `visits`.
  package init(_ name: String) { self.name = name }

  /// Gives the value; whoever asked before found none.
  package func begin(_ value: Value) { held.withLock { $0 = value } }

  /// `nil` before its time, as in commands that compose less than a server does.
  package var value: Value? { held.withLock(\.self) }

  /// - Throws: ``Fault`` `NAME-not-begun` before its time.
  package func known() throws(Fault) -> Value {
    guard let value else { throw Fault("\(name)-not-begun") }
    return value
  }
}
