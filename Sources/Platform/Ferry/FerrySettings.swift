/// How a deployment takes part in the ferry: the parameters `ferry.*`.
package struct FerrySettings: Sendable, Hashable {
  package var side: FerrySide
  /// Where our files are put and the device between the networks takes them.
  package var outgoing: String
  /// Where it puts the other side's.
  package var incoming: String
  /// Bytes of a file that go into one envelope; larger files are split.
  package var chunkSize = 256 << 10
  /// Larger files are refused unread, in bytes.
  package var largestFile = 8 << 20
  /// Seconds after which what was not acknowledged is sent again.
  package var retryAfter: Int64 = 30
  /// Seconds after which a receipt is sent though nothing came, as a sign of life.
  package var receiptEvery: Int64 = 60
  /// Minutes after which what is not through is alarming (C-019: 5).
  package var alarmMinutes: Int64 = 5
  /// Days after which the outside erases what a finished case held (C-207).
  package var keepDays: Int64 = 30
  /// Envelopes under way at one time.
  package var window: Int64 = 500

  package init(side: FerrySide, outgoing: String, incoming: String) {
    self.side = side
    self.outgoing = outgoing
    self.incoming = incoming
  }
}
