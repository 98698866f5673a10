import Core
import Testing

@Suite struct RoundsTests {
  private struct Broken: Error {}

  @Test func whatFailsIsTriedAgainUntilTheTaskIsCancelled() async {
    let made = await Task {
      var rounds = 0
      await Rounds(log: .silent, pace: 1_000_000).every(.seconds(60), "round-failed") {
        rounds += 1
        guard rounds == 3 else { throw Broken() }
        withUnsafeCurrentTask { $0?.cancel() }
      }
      return rounds
    }.value
    #expect(made == 3)
  }

  @Test func nobodyGoesMoreSeldomThanUsual() {
    #expect(Rounds(log: .silent, pace: 0).pace == 1)
    #expect(Rounds(log: .silent, pace: 20).pace == 20)
  }
}
