import Compression
import Core
import Synchronization

/// Where a streaming handler writes; waits when the client reads more slowly than it is written.
///
/// Small pieces are gathered; what must go out at once is flushed.
package final class ResponseWriter: Sendable {
  /// Bytes that are gathered before they are sent.
  private static let gathering = 16 << 10

  private let socket: DetachedSocket
  private let isChunked: Bool
  private let deflater: Deflater?
  private let gathered = Mutex<[UInt8]>([])

  /// - Parameter isChunked: whether the client knows chunks (HTTP/1.1); for others the end of the connection is the end.
  init(socket: DetachedSocket, isChunked: Bool, isCompressed: Bool) {
    self.socket = socket
    self.isChunked = isChunked
    deflater = isCompressed ? Gzip.stream() : nil
  }

  /// Sends bytes; returns when there is room for more.
  ///
  /// - Throws: ``ConnectionLost`` when the client has gone away, `CancellationError`.
  package func write(_ bytes: [UInt8]) async throws {
    let ready = gathered.withLock { gathered -> [UInt8]? in
      if let deflater {
        deflater.add(bytes, into: &gathered, .more)
      } else {
        gathered.append(contentsOf: bytes)
      }
      return gathered.count < ResponseWriter.gathering ? nil : ResponseWriter.empty(&gathered)
    }
    if let ready { try await socket.send(framed(ready)) }
  }

  package func write(_ text: String) async throws { try await write(Array(text.utf8)) }

  /// Sends what has been gathered, for responses that show progress.
  ///
  /// - Throws: as ``write(_:)``.
  package func flush() async throws {
    let ready = gathered.withLock { gathered in
      deflater?.add([], into: &gathered, .flush)
      return ResponseWriter.empty(&gathered)
    }
    if !ready.isEmpty { try await socket.send(framed(ready)) }
  }

  /// Ends the response properly.
  func finish() async throws {
    var ready = gathered.withLock { gathered in
      deflater?.add([], into: &gathered, .finish)
      return ResponseWriter.empty(&gathered)
    }
    if !ready.isEmpty { ready = framed(ready) }
    if isChunked { ready += Array("0\r\n\r\n".utf8) }
    if !ready.isEmpty { try await socket.send(ready) }
    socket.end()
  }

  private static func empty(_ gathered: inout [UInt8]) -> [UInt8] {
    defer { gathered = [] }
    return gathered
  }

  private func framed(_ bytes: [UInt8]) -> [UInt8] {
    guard isChunked else { return bytes }
    var chunk = Array(String(bytes.count, radix: 16).utf8)
    chunk.reserveCapacity(bytes.count + 16)
    chunk.append(contentsOf: [0x0D, 0x0A])
    chunk.append(contentsOf: bytes)
    chunk.append(contentsOf: [0x0D, 0x0A])
    return chunk
  }
}

/// The client closed the connection before the response was complete; nothing is wrong with the server.
package struct ConnectionLost: Error, Sendable {}
