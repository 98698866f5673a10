import Glibc
import Synchronization

/// One open connection: whose it is, and until when the client must have done what is awaited of it.
final class Link: Sendable {
  /// A deadline that never comes.
  static let never = UInt64.max

  let socket: Int32
  let address: Address?
  let addressText: String
  /// Whether the peer is a proxy that is believed.
  let isTrusted: Bool
  /// Milliseconds of the monotonic clock after which the connection is cut.
  let deadline: Atomic<UInt64>
  /// Milliseconds that were left when the deadline was put on hold.
  private let left = Atomic<UInt64>(0)
  /// The request under way, for the end of the server.
  let current = Mutex<Exchange?>(nil)

  init(socket: Int32, address: Address?, isTrusted: Bool, deadline: UInt64) {
    self.socket = socket
    self.address = address
    self.addressText = address?.text ?? ""
    self.isTrusted = isTrusted
    self.deadline = Atomic(deadline)
  }

  func expect(within seconds: Double) {
    deadline.store(Monotonic.coarseMilliseconds() + UInt64(seconds * 1000) + 1, ordering: .relaxed)
  }

  /// Gives the client more time, as it earns it by sending.
  func extend(by seconds: Double) {
    let now = deadline.load(ordering: .relaxed)
    if now != Link.never { deadline.store(now + UInt64(seconds * 1000), ordering: .relaxed) }
  }

  /// Stops the clock while the client waits for us.
  func hold() {
    let until = deadline.load(ordering: .relaxed)
    guard until != Link.never else { return }
    let now = Monotonic.coarseMilliseconds()
    left.store(max(until, now + 1000) - now, ordering: .relaxed)
    expectNothing()
  }

  func goOn() { deadline.store(Monotonic.coarseMilliseconds() + left.load(ordering: .relaxed), ordering: .relaxed) }

  func expectNothing() { deadline.store(Link.never, ordering: .relaxed) }

  /// Makes libmicrohttpd see the end of the connection; call only while the connection is in the table.
  func cut() { shutdown(socket, Int32(SHUT_RDWR)) }
}

/// The open connections; also counts them by client address.
final class LinkTable: Sendable {
  private struct State {
    var links: [ObjectIdentifier: Link] = [:]
    var perAddress: [Address: Int] = [:]
    var reserved = 0
  }

  private let state = Mutex(State())

  /// Connections that are open or being opened.
  var count: Int { state.withLock { $0.reserved } }

  enum Admission { case admitted, full, tooMany }

  /// Reserves a place for a connection that has just been accepted.
  func admit(_ address: Address?, limit: Int, perAddress: Int?) -> Admission {
    state.withLock { state in
      if state.reserved >= limit { return .full }
      if let address, let perAddress {
        if state.perAddress[address, default: 0] >= perAddress { return .tooMany }
      }
      if let address { state.perAddress[address, default: 0] += 1 }
      state.reserved += 1
      return .admitted
    }
  }

  func release(_ address: Address?) {
    state.withLock { state in
      state.reserved -= 1
      guard let address, let count = state.perAddress[address] else { return }
      state.perAddress[address] = count > 1 ? count - 1 : nil
    }
  }

  func insert(_ link: Link) { state.withLock { $0.links[ObjectIdentifier(link)] = link } }

  /// Takes a connection out before its socket is closed, so that nobody cuts a stranger's.
  func remove(_ link: Link) {
    state.withLock { _ = $0.links.removeValue(forKey: ObjectIdentifier(link)) }
    release(link.address)
  }

  /// Cuts what is past its deadline; returns how many.
  func cutOverdue(now: UInt64) -> Int {
    state.withLock { state in
      var count = 0
      for link in state.links.values where link.deadline.load(ordering: .relaxed) < now {
        link.cut()
        link.expectNothing()
        count += 1
      }
      return count
    }
  }

  var exchanges: [Exchange] {
    state.withLock { Array($0.links.values) }.compactMap { link in link.current.withLock { $0 } }
  }
}
