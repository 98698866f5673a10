import SQL

extension MessageCenter {
  /// Takes all messages about something out of the boxes and out of the log, what they said with them: for things that may
  /// not be kept any longer (C-207).
  ///
  /// - Parameter subjects: the first two words of the keys they were sent under, such as `case 12`.
  /// - Returns: how many there were.
  /// - Complexity: O(n) in the number of messages that are kept; ask for many subjects at once.
  @discardableResult
  package func forget(_ subjects: [String]) async throws -> Int {
    try await database.execute(
      "delete from message where split_part(dedupe, ' ', 1) || ' ' || split_part(dedupe, ' ', 2) = any(\(subjects))")
  }
}
