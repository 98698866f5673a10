import Geo
import Glibc
import Testing

/// What a program prints for some input; `nil` when it fails.
func output(of command: String) -> String? {
  guard let pipe = popen(command + " 2>/dev/null", "r") else { return nil }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&chunk, 1, chunk.count, pipe)
    if count == 0 { break }
    bytes += chunk.prefix(count)
  }
  return pclose(pipe) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
}

let hasGDAL = output(of: "command -v gdaltransform && command -v ogrinfo") != nil

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

func place(_ longitude: Double, _ latitude: Double) throws -> Coordinate {
  try Coordinate(longitude: longitude, latitude: latitude)
}

func places(_ numbers: [(Double, Double)]) throws -> [Coordinate] { try numbers.map { try place($0.0, $0.1) } }

func ring(_ numbers: [(Double, Double)]) throws -> Ring { try Ring(try places(numbers + numbers.prefix(1))) }
