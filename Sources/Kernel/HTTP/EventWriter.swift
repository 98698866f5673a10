/// Where an event stream's handler sends; waits when the client reads more slowly than it is sent.
package final class EventWriter: Sendable {
  private let socket: DetachedSocket
  /// The id of the last event that a reconnecting browser has seen.
  package let lastEventID: String?

  init(socket: DetachedSocket, lastEventID: String?) {
    self.socket = socket
    self.lastEventID = lastEventID
  }

  /// - Throws: ``ConnectionLost`` when the client has gone away, `CancellationError`.
  package func send(_ event: Event) async throws { try await socket.send(event.bytes) }

  /// Sends an event that was put into bytes once for many clients.
  ///
  /// - Throws: as ``send(_:)``.
  package func send(encoded bytes: [UInt8]) async throws { try await socket.send(bytes) }

  /// Tells the browser after how many milliseconds to reconnect when the connection breaks.
  ///
  /// - Throws: as ``send(_:)``.
  package func retry(after milliseconds: Int) async throws {
    try await socket.send(Array("retry: \(milliseconds)\n\n".utf8))
  }
}
