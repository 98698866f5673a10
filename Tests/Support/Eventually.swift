/// Waits until `condition` holds, looking again every few milliseconds; returns whether it did within ten seconds.
///
/// For what another thread or process brings about in its own time.
package func eventually(
  within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async throws -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(5))
  }
  return false
}
