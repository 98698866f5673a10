import Access
import Audit
import Core
import Entities
import SQL
import Synchronization

/// What stands in a case and its form, in clear: read once in a move, however many of its consequences need it, and audited
/// as one look.
///
/// What a move changes itself (state, step, times) is as it was before.
final class CaseContents: Sendable {
  private let read: @Sendable () async throws -> (record: Record, form: Record?)
  private let known = Mutex<(record: Record, form: Record?)?>(nil)

  /// - Parameter reader: may read the case and its form.
  init(of id: Int64, form: String, _ reader: Records) {
    read = {
      let record = try await reader.get(ServiceCase.entity, id, reveal: true)
      return (record, try await reader.attached(form, to: id, reveal: true).first)
    }
  }

  /// Of a case that is being made, for what is said of it: nothing has to be read.
  ///
  /// - Parameter values: what it was made of, in clear.
  init(_ made: Record, _ values: [String: Value], number: String) {
    var record = made
    record.values.merge(values) { _, given in given }
    record.values["number"] = .text(number)
    read = { [record] in (record, nil) }
  }

  var record: Record { get async throws { try await both().record } }

  /// `nil` when the answers are not kept here.
  var form: Record? { get async throws { try await both().form } }

  private func both() async throws -> (record: Record, form: Record?) {
    if let known = known.withLock({ $0 }) { return known }
    let fresh = try await read()
    known.withLock { $0 = fresh }
    return fresh
  }
}
