import Access
import Audit
import Connectors
import Core
import Entities
import Foundation
import HTTP
import Peers
import SQL
import SpineWeb

/// `lifang serve`: brings up the database, the demo city when asked, and the server, until it is told to stop.
enum ServeCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["demo-scale"]), flagged: ["demo", "bench", "client-certificates"])
    let configuration = try Configuration(arguments)
    let runLog = RunLog(node: "node-\(ProcessInfo.processInfo.processIdentifier)")
    let log = runLog.log(minimum: .info)
    let deployment = try await Deployment.open(configuration, log: log)
    try await RoleInstaller.install(deployment)
    if arguments.flag("demo") {
      let scale = try arguments.number("demo-scale", upTo: 10, default: DemoCommand.defaultScale)
      try await DemoCommand.load(scale: scale, into: deployment)
    }
    let accounts = try await DemoAccounts.present(in: deployment)
    let web = try await WebApplication(deployment)
    var peers: PeerCity?
    var bridge: PeerBridge?
    if arguments.flag("demo") {
      peers = try await DemoPeers.start(in: deployment, web.store, web.connectors.connectors)
      if let peers {
        try await DemoPeers.trustSignatures(deployment, web.store, web.parameters)
        bridge = try await DemoBridge.start(deployment, web.store, web.parameters, holder: peers.mother)
      }
    }
    var limits = Server.Limits()
    limits.connectionsPerAddress = configuration.isBenchmark ? 20_000 : 500
    let server = try Server(
      Server.Configuration(
        address: configuration.address, port: configuration.port, limits: limits,
        trustedProxies: configuration.trustedProxies.compactMap { AddressRange($0) },
        temporaryFolder: configuration.data + "/uploads",
        logsRequests: !configuration.isBenchmark, log: log, metrics: deployment.metrics),
      application: try await web.application(demoAccounts: accounts.map { ($0.account, $0.label) }))
    // Starting and stopping stand in the audit, so that gaps in it are explained (C-598, D2-576).
    let port = try await OperatorAudit.around("platform.start", in: deployment) {
      let port = try server.start()
      return (port, [("port", .int(Int64(port)))])
    }
    announce(configuration, port, accounts)
    let background = Task { await web.runBackground() }
    let monitor = Task { await runLog.run(with: web) }
    await Signals.wait()
    log(.info, "stopping")
    try? await OperatorAudit.note("platform.stop", in: deployment)
    await server.stop(within: 10)
    await peers?.stop()
    await bridge?.stop()
    background.cancel()
    monitor.cancel()
    try? await runLog.flush(to: deployment.database)
    try? await web.counter.flush()
    try? await web.visits.flush()
    try? await web.usage.flush(to: deployment.database)
    await deployment.close()
    return 0
  }

  private static func announce(_ configuration: Configuration, _ port: Int, _ accounts: [DemoAccounts.Account]) {
    print("里坊已启动：http://\(configuration.address):\(port)")
    if !accounts.isEmpty {
      print("演示账号（密码都是 \(DemoAccounts.password)）：")
      for account in accounts { print("  \(account.account)  \(account.label)（\(account.name)）") }
    }
    fflush(nil)
  }
}

/// Waits for the operator's signal to stop.
enum Signals {
  static func wait() async {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGTERM, SIG_IGN)
    signal(SIGINT, SIG_IGN)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let sources = [SIGTERM, SIGINT].map {
        DispatchSource.makeSignalSource(signal: $0, queue: .global(qos: .userInitiated))
      }
      let once = Once(continuation)
      for source in sources {
        source.setEventHandler { once.resume(keeping: sources) }
        source.resume()
      }
    }
  }

  /// Resumes its continuation at the first signal and keeps the sources alive until then.
  private final class Once: @unchecked Sendable {
    // Unchecked: the continuation is taken under the lock, once.
    private let lock = NSLock()
    private var continuation: CheckedContinuation<Void, Never>?

    init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }

    func resume(keeping sources: [any DispatchSourceSignal]) {
      lock.lock()
      let taken = continuation
      continuation = nil
      lock.unlock()
      for source in sources { source.cancel() }
      taken?.resume()
    }
  }
}
