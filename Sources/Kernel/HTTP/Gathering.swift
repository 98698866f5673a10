import Core

/// Answers requests of one route that came at the same time together: one result for each, in their order.
package typealias GatheredHandler = @Sendable ([Request]) async -> [Result<Response, any Error>]

/// A request that waits to be answered together with others.
struct GatheredRequest: Sendable {
  let request: Request
  let reply: @Sendable (Result<Response, any Error>) -> Void
}

typealias Gatherer = Batcher<GatheredRequest>

extension Batcher where Item == GatheredRequest {
  /// Two batches at a time: while one waits for the database, the answers of the other are written.
  convenience init(_ handler: @escaping GatheredHandler, atMost maximum: Int) {
    self.init(maximum: maximum, parallel: 2) { waiting in
      let results = await handler(waiting.map(\.request))
      precondition(results.count == waiting.count, "a gathered handler answers each of its requests")
      for (one, result) in zip(waiting, results) { one.reply(result) }
    }
  }
}
