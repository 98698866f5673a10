package import Core

extension Server {
  /// How a server listens and what it allows.
  package struct Configuration: Sendable {
    /// An IPv4 or IPv6 address; `::` and `0.0.0.0` are all of the machine.
    package var address: String
    /// 0 takes any free port; ``Server/start()`` returns it.
    package var port: Int
    /// Threads that serve connections; by default one a core.
    package var threads: Int?
    package var limits: Limits
    package var timeouts: Timeouts
    /// Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` are believed.
    package var trustedProxies: [AddressRange]
    /// Where uploads lie until their request ends, made when it is missing; on the file system on which they are kept, a
    /// file that is kept is moved and not copied.
    package var temporaryFolder: String
    /// Whether each request is written to the log.
    package var logsRequests: Bool
    package var log: Log
    package var metrics: Metrics

    package init(
      address: String = "127.0.0.1", port: Int = 0, threads: Int? = nil, limits: Limits = Limits(),
      timeouts: Timeouts = Timeouts(), trustedProxies: [AddressRange] = [], temporaryFolder: String = "/tmp",
      logsRequests: Bool = true, log: Log = .silent, metrics: Metrics = Metrics()
    ) {
      self.address = address
      self.port = port
      self.threads = threads
      self.limits = limits
      self.timeouts = timeouts
      self.trustedProxies = trustedProxies
      self.temporaryFolder = temporaryFolder
      self.logsRequests = logsRequests
      self.log = log
      self.metrics = metrics
    }
  }

  /// How much a server takes on; sizes in bytes.
  package struct Limits: Sendable, Hashable {
    /// Request line and header together.
    package var header: Int
    /// A body that is no multipart form.
    package var body: Int
    /// A multipart body, files included.
    package var upload: Int
    /// Open connections; beyond it new ones wait in the kernel's queue.
    package var connections: Int
    /// Open connections of one client address, trusted proxies excepted; beyond it new ones are answered 503.
    package var connectionsPerAddress: Int
    /// Requests whose handlers run at the same time; beyond it 503 with `Retry-After`.
    package var inFlight: Int
    /// Open event streams; beyond it 503 with `Retry-After`.
    package var eventStreams: Int

    package init(
      header: Int = 8 << 10, body: Int = 1 << 20, upload: Int = 200 << 20, connections: Int = 10_000,
      connectionsPerAddress: Int = 200, inFlight: Int = 1024, eventStreams: Int = 10_000
    ) {
      self.header = header
      self.body = body
      self.upload = upload
      self.connections = connections
      self.connectionsPerAddress = connectionsPerAddress
      self.inFlight = inFlight
      self.eventStreams = eventStreams
    }
  }

  /// How long a server waits for clients; in seconds, so that a slow attacker costs a bounded time.
  package struct Timeouts: Sendable, Hashable {
    /// For a request's header, from its first line or from the opening of the connection.
    package var header: Double
    /// Between requests of a kept connection.
    package var idle: Double
    /// Any body may take this long, and one second more for each ``bodyRate`` bytes received.
    package var body: Double
    /// Bytes a second.
    package var bodyRate: Int
    /// Any response may take this long to be received, and one second more for each ``sendRate`` bytes of it.
    package var send: Double
    /// Bytes a second.
    package var sendRate: Int
    /// Between the comments that keep event streams open through proxies.
    package var heartbeat: Double

    package init(
      header: Double = 15, idle: Double = 75, body: Double = 30, bodyRate: Int = 2048, send: Double = 60,
      sendRate: Int = 1024, heartbeat: Double = 15
    ) {
      self.header = header
      self.idle = idle
      self.body = body
      self.bodyRate = bodyRate
      self.send = send
      self.sendRate = sendRate
      self.heartbeat = heartbeat
    }
  }
}
