import Core

/// Asks servers by HTTP for other modules, on threads of its own; TLS is checked, redirects are not followed.
package struct GatewayClient: Sendable {
  private let transports: TransportPool
  private let timeout: Duration

  package init(name: String, size: Int = 2, timeout: Duration = .seconds(10)) {
    transports = TransportPool(name: name, size: size)
    self.timeout = timeout
  }

  /// `GET`, or `POST` with a body.
  ///
  /// - Throws: ``Fault`` `gateway` that names neither address nor content.
  package func ask(_ url: String, headers: [String], body: [UInt8]?) async throws -> (status: Int, body: [UInt8]) {
    do throws(TransportFailure) {
      let answer = try await transports.next.ask(
        GatewayRequest(url: url, headers: headers, body: body, timeout: timeout))
      return (answer.status, answer.body)
    } catch {
      throw Fault("gateway", error.message)
    }
  }
}
