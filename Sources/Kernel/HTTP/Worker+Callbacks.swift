import CMicroHTTPD
import Synchronization

extension Worker {
  /// Bytes of a connection's memory beyond the header's, for parsing it and for the header of the response;
  /// libmicrohttpd clears all of a connection's memory for each request, so more costs time.
  private static let responseMemory = 8 << 10

  /// Starts a daemon that calls back to this worker, which must outlive it.
  func startDaemon() -> OpaquePointer? {
    lifang_mhd_start(
      UInt32(clamping: server.limits.connections + 64), server.limits.header + Worker.responseMemory, handleRequest,
      beginRequest, completeRequest, notifyConnection, Unmanaged.passUnretained(self).toOpaque())
  }
}

private func worker(_ context: UnsafeMutableRawPointer?) -> Worker? {
  context.map { Unmanaged<Worker>.fromOpaque($0).takeUnretainedValue() }
}

/// The first line has been read.
private let beginRequest: lifang_target_callback = { context, target, connection in
  guard let worker = worker(context), let connection, let stored = lifang_mhd_context(connection) else { return nil }
  let link = Unmanaged<Link>.fromOpaque(stored).takeUnretainedValue()
  link.expect(within: worker.server.timeouts.header)
  let exchange = Exchange(
    worker: worker, link: link, connection: connection, target: target.flatMap { String(validatingCString: $0) })
  link.current.withLock { $0 = exchange }
  return Unmanaged.passRetained(exchange).toOpaque()
}

private let handleRequest: MHD_AccessHandlerCallback = { _, _, _, method, version, upload, size, stored in
  guard let exchange = stored?.pointee, let size else { return .NO }
  return Unmanaged<Exchange>.fromOpaque(exchange).takeUnretainedValue()
    .handle(method: method, version: version, upload: upload, size: size)
}

private let completeRequest: MHD_RequestCompletedCallback = { _, _, stored, reason in
  guard let exchange = stored?.pointee else { return }
  stored?.pointee = nil
  Unmanaged<Exchange>.fromOpaque(exchange).takeRetainedValue().complete(reason)
}

private let notifyConnection: MHD_NotifyConnectionCallback = { context, connection, stored, reason in
  guard let server = worker(context)?.server, let connection else { return }
  if reason == .CONNECTION_NOTIFY_STARTED {
    stored?.pointee = Unmanaged.passRetained(server.opened(connection)).toOpaque()
  } else if let link = stored?.pointee {
    stored?.pointee = nil
    server.links.remove(Unmanaged<Link>.fromOpaque(link).takeRetainedValue())
  }
}
