import Core
import Crypto
import Synchronization

/// Hashes passwords one after the other on a thread of its own: each takes 0.1 s and 32 MiB, which must neither stop
/// the cooperative pool nor be multiplied by everybody who signs in at nine o'clock.
actor PasswordWorker {
  private let hash: PasswordHash
  private let executor: ThreadExecutor
  private let queued = Mutex(0)

  /// Waiting checks beyond which new ones are refused.
  private static let capacity = 100

  init(_ hash: PasswordHash) {
    self.hash = hash
    executor = ThreadExecutor(name: "passwords")
  }

  deinit { executor.stop() }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  nonisolated func make(_ password: String) async throws -> String {
    try await queue { try await self.runMake(password) }
  }

  nonisolated func verify(_ password: String, against stored: String) async throws -> PasswordHash.Verdict {
    try await queue { try await self.runVerify(password, stored) }
  }

  /// Takes as long as ``verify(_:against:)``.
  nonisolated func burn(_ password: String) async throws { try await queue { try await self.runBurn(password) } }

  private func runMake(_ password: String) throws -> String { try hash.make(password) }

  private func runVerify(_ password: String, _ stored: String) throws -> PasswordHash.Verdict {
    try hash.verify(password, against: stored)
  }

  private func runBurn(_ password: String) throws { try hash.burn(password) }

  private nonisolated func queue<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    let accepted = queued.withLock { count in
      guard count < PasswordWorker.capacity else { return false }
      count += 1
      return true
    }
    guard accepted else { throw Refusal(.unavailable, "sign-in-busy", "正在登录的人太多，请过几秒再试。") }
    defer { queued.withLock { $0 -= 1 } }
    return try await body()
  }
}
