import CLibPQ

extension Connection {
  /// Runs statements that wait in the pool, on this connection's thread, until none waits any more or somebody wants
  /// the connection for himself.
  ///
  /// Short reads are taken several at a time and sent as one pipeline, in one transaction whose answers are given when
  /// it has ended; when one of them fails, each is run alone, so that nobody sees another's failure.
  func serve(_ first: [QueryRequest], _ pool: Pool) {
    var batch = first
    while !batch.isEmpty {
      let start = Stopwatch()
      if batch.count == 1 {
        let isRead = runAlone(batch[0])
        batch = pool.next(self) { $0.note(batch[0], seconds: start.seconds, isRead: isRead) }
      } else {
        runTogether(batch)
        batch = pool.next(self) { $0.note(batch, seconds: start.seconds) }
      }
    }
  }

  /// Runs one statement and answers; returns whether it was a read that succeeded.
  private func runAlone(_ request: QueryRequest) -> Bool {
    let ticket = interrupter.newTicket()
    guard request.begin(interrupter, ticket) else {
      request.answer(.failure(CancellationError()))
      return false
    }
    do {
      let rows = try watched(request.sql.text, ticket, nil) { try perform(request.sql) }
      let isRead = rows.isRead
      request.answer(.success(rows))
      return isRead
    } catch let failure as SQLFailure where failure.isCancelled && request.isCancelled {
      request.answer(.failure(CancellationError()))
    } catch {
      request.answer(.failure(error))
    }
    return false
  }

  private func runTogether(_ batch: [QueryRequest]) {
    do {
      let results = try runPipeline(batch.map(\.sql), interrupter.newTicket(), nil)
      for (request, rows) in zip(batch, results) { request.answer(.success(rows)) }
    } catch let failure as SQLFailure where failure.isConnectionLost {
      for request in batch { request.answer(.failure(failure)) }
    } catch {
      for request in batch { _ = runAlone(request) }
    }
  }
}

extension Rows {
  /// What PostgreSQL says was done, such as `COMMIT` or `UPDATE 3`.
  var tag: String { PQcmdStatus(result.pointer).map { String(cString: $0) } ?? "" }

  /// Whether the statement was a `select`.
  var isRead: Bool {
    guard let tag = PQcmdStatus(result.pointer) else { return false }
    return tag[0] == Int8(UInt8(ascii: "S")) && tag[1] == Int8(UInt8(ascii: "E")) && tag[2] == Int8(UInt8(ascii: "L"))
  }
}
