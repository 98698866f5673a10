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

func place(_ longitude: Double, _ latitude: Double) throws -> Coordinate {
  try Coordinate(longitude: longitude, latitude: latitude)
}

func places(_ numbers: [(Double, Double)]) throws -> [Coordinate] { try numbers.map { try place($0.0, $0.1) } }

func ring(_ numbers: [(Double, Double)]) throws -> Ring { try Ring(try places(numbers + numbers.prefix(1))) }
