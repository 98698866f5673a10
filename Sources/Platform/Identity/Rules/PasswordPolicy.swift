package import Core

/// What makes a password acceptable (密码复杂度, B5-047, B5-048, D2-560).
package struct PasswordPolicy: Sendable, Hashable {
  package var minimumLength = 8
  /// Longer ones are refused, so that nobody makes the server hash a book.
  package static let maximumLength = 128
  /// How many of the four kinds (capital, small letter, digit, other) must occur.
  package var classes = 4
  /// Former passwords that may not come back.
  package var history = 5
  /// Days after which a password must be changed; 0: never.
  package var maximumAgeDays = 90
  /// Hours during which a password that its owner chose stays, so that the history cannot be run through; 0: no limit.
  package var minimumAgeHours = 0

  package init() {}

  /// Everything that is wrong with `password`, each with what to do; empty when it is acceptable.
  ///
  /// - Parameters:
  ///   - personal: account, name and the like, which may not occur in it.
  ///   - common: the words of ``CommonPasswords``.
  package func faults(
    of password: String, personal: [String] = [], common: CommonPasswords
  ) -> [Refusal] {
    var faults: [Refusal] = []
    func fault(_ code: String, _ message: String) {
      faults.append(Refusal(.unprocessable, code, message, field: "password"))
    }
    let count = password.count
    if count < minimumLength { fault("password-too-short", "密码至少 \(minimumLength) 位，现在是 \(count) 位。") }
    if count > PasswordPolicy.maximumLength {
      fault("password-too-long", "密码最多 \(PasswordPolicy.maximumLength) 位。")
    }
    let present = PasswordPolicy.classes(in: password)
    if present.count < classes {
      let missing = PasswordPolicy.classNames.filter { !present.contains($0) }.joined(separator: "、")
      fault("password-too-simple", "密码须含大写字母、小写字母、数字、特殊符号中的 \(classes) 类，还缺：\(missing)。")
    }
    let lower = password.lowercased()
    if personal.contains(where: { PasswordPolicy.occurs($0.lowercased(), in: lower) }) {
      fault("password-personal", "密码不能含有账号或姓名，请换一个。")
    }
    if common.contains(password) { fault("password-common", "这是很多人用的密码，容易被猜中，请换一个。") }
    if PasswordPolicy.isPatterned(lower) {
      fault("password-pattern", "密码不能主要由重复或连续的字符组成（如 aaaa、1234、qwer），请换一个。")
    }
    return faults
  }

  private static let classNames = ["大写字母", "小写字母", "数字", "特殊符号"]

  private static func classes(in password: String) -> Set<String> {
    Set(
      password.unicodeScalars.map { scalar in
        switch scalar {
        case "A"..."Z": "大写字母"
        case "a"..."z": "小写字母"
        case "0"..."9": "数字"
        default: "特殊符号"
        }
      })
  }

  /// Whether a personal word of three characters or more stands in the password, forwards or backwards.
  private static func occurs(_ word: String, in password: String) -> Bool {
    guard word.count >= 3 else { return false }
    return password.contains(word) || password.contains(String(word.reversed()))
  }

  private static let rows = [
    "abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv",
  ]

  /// Whether runs of four or more equal or neighbouring characters make up more than half of the password.
  private static func isPatterned(_ password: String) -> Bool {
    let characters = Array(password.utf8)
    guard characters.count >= 4 else { return false }
    var covered = 0
    var start = 0
    while start < characters.count {
      var end = start + 1
      while end < characters.count, isRun(characters[start...end]) { end += 1 }
      if end - start >= 4 {
        covered += end - start
        start = end
      } else {
        start += 1
      }
    }
    return covered * 2 > characters.count
  }

  private static func isRun(_ bytes: ArraySlice<UInt8>) -> Bool {
    if Set(bytes).count == 1 { return true }
    let text = String(decoding: bytes, as: UTF8.self)
    return rows.contains { $0.contains(text) || String($0.reversed()).contains(text) }
  }
}

/// Words that guessers try first (弱口令), compared without case, without the usual digit-for-letter swaps and without
/// digits and signs at the end: `P@ssw0rd123!` is `password`.
package struct CommonPasswords: Sendable {
  private let words: Set<String>

  /// - Parameter words: one a line in `Resources/platform/common-passwords.txt`.
  package init(_ words: some Sequence<String>) {
    self.words = Set(words.map { $0.lowercased() }.filter { !$0.isEmpty })
  }

  package func contains(_ password: String) -> Bool {
    let lower = password.lowercased()
    if words.contains(lower) { return true }
    let plain = CommonPasswords.trimmed(lower)
    return words.contains(plain) || words.contains(CommonPasswords.unswapped(plain))
      || words.contains(CommonPasswords.trimmed(CommonPasswords.unswapped(lower)))
  }

  private static func trimmed(_ text: String) -> String {
    func isLetter(_ character: Character) -> Bool { character.isLetter }
    guard let first = text.firstIndex(where: isLetter), let last = text.lastIndex(where: isLetter) else { return text }
    return String(text[first...last])
  }

  private static func unswapped(_ text: String) -> String {
    String(
      text.map { character -> Character in
        switch character {
        case "@", "4": "a"
        case "0": "o"
        case "1", "!", "|": "i"
        case "3": "e"
        case "5", "$": "s"
        case "7": "t"
        default: character
        }
      })
  }
}
