import AddressParsing
import Addresses
import Core
import Crypto
import Testing

/// Lines in, JSON out: what `lifang address parse` writes.
@Suite struct AnswerTests {
  private func answer(_ parser: inout AddressParser, _ line: [UInt8]) -> String {
    var bytes: [UInt8] = []
    line.withUnsafeBufferPointer { parser.answer($0, into: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func anAnswerIsTheJSONOfTheParsedTextWhateverBytesAreGiven() throws {
    var parser = AddressParser(try ParserTests.trained.get())
    var random = SeededRandom(seed: 12)
    let pool: [[UInt8]] = [
      Array("和平路".utf8), Array("12号".utf8), Array("é".utf8), Array("\u{1F600}".utf8), Array("\u{20BB7}".utf8),
      Array("\"\\".utf8), [0x00], [0x1F], [0x7F], [0x09], [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE6],
      [0xE6, 0x9D],
      [0xE0, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], Array("ＡB３".utf8), Array(" -_".utf8),
    ]
    for count in 0..<400 {
      var line: [UInt8] = []
      // Half of them without what needs care, so that both ways are gone.
      let few = count % 2 == 0 ? 2 : pool.count
      for _ in 0..<(count % 40) { line += pool[random.below(few)] }
      let text = String(decoding: line, as: UTF8.self)
      #expect(answer(&parser, line) == parser.parse(text).json.text, "\(line)")
    }
  }

  @Test func aLineOfManyThousandCharactersIsAnsweredWhole() throws {
    var parser = AddressParser(try ParserTests.trained.get())
    let text = String(repeating: "白塔市和平路1号", count: 3000)
    #expect(answer(&parser, Array(text.utf8)) == parser.parse(text).json.text)
  }

  /// However the reading is made faster, it must stay the same. A new model gives another digest.
  @Test func theShippedModelReadsInventedAddressesAsItAlwaysDid() throws {
    var parser = AddressParser(try ModelTests.shipped.get())
    var bytes: [UInt8] = []
    for line in try AnswerTests.lines() {
      line.withUnsafeBufferPointer { parser.answer($0, into: &bytes) }
      bytes.append(0x0A)
    }
    #expect(Hex.encode(Digest.sm3(bytes)) == "d147066b1782410ba12310a113266d17b51d48314d7366a9a64886b080d604e3")
  }

  /// Invented addresses, and the same with characters left out, doubled and exchanged.
  static func lines() throws -> [[UInt8]] {
    var random = SeededRandom(seed: 31)
    let noise = Array("路街号-_ 之附东１Ａa（）楼F苑店旁、期".unicodeScalars)
    return try Invented.addresses(1500, seed: 17).map { address in
      var scalars = Array(address.text.unicodeScalars)
      for _ in 0..<random.below(5) {
        let place = random.below(scalars.count)
        switch random.below(4) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(scalars[place], at: place)
        case 2: scalars.swapAt(place, random.below(scalars.count))
        default: scalars[place] = noise[random.below(noise.count)]
        }
        if scalars.isEmpty { scalars = noise }
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      return Array(String(text).utf8)
    }
  }
}
