package import HTTP
import Synchronization

/// Rendered public pages, kept until what they show changes; bounded by bytes, least recently used first to go.
///
/// A public page is the same for every stranger, so it is rendered once. A change of an address empties its entry, a
/// change of anything else that public pages show (stations, grids, facilities, services) empties all.
package final class RenderedPages: Sendable {
  private struct Entry {
    let response: Response
    let addressID: Int64
    let bytes: Int
    var age: UInt64
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var codes: [Int64: Set<String>] = [:]
    var bytes = 0
    var age: UInt64 = 0
    /// Counts up when anything is emptied, so that a page rendered from older data is not kept.
    var generation: UInt64 = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: bytes of pages to keep; a page has some 17,000.
  package init(limit: Int = 128 << 20) { self.limit = limit }

  package func page(_ key: String) -> (response: Response, addressID: Int64)? {
    state.withLock { state in
      guard let entry = state.entries[key] else { return nil }
      state.age += 1
      state.entries[key]?.age = state.age
      return (entry.response, entry.addressID)
    }
  }

  /// Taken before the data of a page is read and handed back to ``keep``.
  package var generation: UInt64 { state.withLock { $0.generation } }

  package func keep(_ response: Response, _ bytes: Int, as key: String, of addressID: Int64, since generation: UInt64) {
    state.withLock { state in
      guard state.generation == generation, bytes < limit else { return }
      if let old = state.entries[key] { state.bytes -= old.bytes }
      state.age += 1
      state.entries[key] = Entry(response: response, addressID: addressID, bytes: bytes, age: state.age)
      state.codes[addressID, default: []].insert(key)
      state.bytes += bytes
      if state.bytes > limit { shrink(&state) }
    }
  }

  /// Drops the oldest quarter at once, so that the cost is spread over many additions.
  private func shrink(_ state: inout State) {
    let ages = state.entries.values.map(\.age).sorted()
    let threshold = ages[ages.count / 4]
    for (key, entry) in state.entries where entry.age <= threshold {
      state.entries[key] = nil
      state.bytes -= entry.bytes
      state.codes[entry.addressID]?.remove(key)
      if state.codes[entry.addressID]?.isEmpty == true { state.codes[entry.addressID] = nil }
    }
  }

  package func forget(addressID: Int64) {
    state.withLock { state in
      state.generation += 1
      for key in state.codes.removeValue(forKey: addressID) ?? [] {
        if let entry = state.entries.removeValue(forKey: key) { state.bytes -= entry.bytes }
      }
    }
  }

  package func forgetAll() {
    state.withLock { state in
      state.generation += 1
      state.entries = [:]
      state.codes = [:]
      state.bytes = 0
    }
  }
}
