/// A draw that anybody repeats who has the seed and the numbers (可复核的抽取), with stock `openssl`.
package enum SeededDraw {
  /// The numbers in the order in which the seed puts them: by the SM3 of `seed:number`, in hexadecimal.
  package static func ranked(_ numbers: [String], seed: String) -> [String] {
    numbers.map { (key: Hex.encode(Digest.sm3(Array("\(seed):\($0)".utf8))), number: $0) }
      .sorted { ($0.key, $0.number) < ($1.key, $1.number) }.map(\.number)
  }

  /// What was drawn from: the SM3 of the numbers, a line each, in hexadecimal.
  package static func digest(of numbers: [String]) -> String {
    Hex.encode(Digest.sm3(Array(numbers.map { $0 + "\n" }.joined().utf8)))
  }

  /// How many of a population a share in per cent takes: at least one of any.
  package static func share(_ percent: Int64, of population: Int) -> Int {
    population == 0 ? 0 : max(1, (population * Int(percent) + 99) / 100)
  }
}
