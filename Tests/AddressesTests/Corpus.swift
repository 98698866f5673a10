import Addresses
import Glibc

/// A labelled corpus in CoNLL form: a token and its tag per line, a blank line between addresses.
///
/// Real addresses are not part of the repository: `train.txt` and `dev.txt` of Li, Lu, Xie, Li, "Neural Chinese Address
/// Parsing", NAACL 2019, lie in the folder that `LIFANG_ADDRESS_CORPUS` names, else beside the checkout.
struct Corpus {
  struct Span: Hashable {
    var label: String
    var range: Range<Int>
  }

  struct Address {
    var text = ""
    var spans: [Span] = []
  }

  /// `nil` where the corpus is absent.
  static let folder: String? = {
    if let named = getenv("LIFANG_ADDRESS_CORPUS") { return String(cString: named) }
    let beside = Fixtures.root + "/../shared/data/address-parsing"
    return access(beside + "/train.txt", R_OK) == 0 ? beside : nil
  }()

  let addresses: [Address]

  init(file: String) throws {
    var addresses: [Address] = []
    var current = Address()
    var length = 0
    for line in try readText(file).split(separator: "\n", omittingEmptySubsequences: false) {
      let cells = line.split(separator: " ")
      guard cells.count >= 2, let token = cells.first, let tag = cells.last else {
        if !current.text.isEmpty { addresses.append(current) }
        current = Address()
        length = 0
        continue
      }
      let label = tag.dropFirst(2).lowercased()
      let end = length + token.unicodeScalars.count
      if let last = current.spans.last, tag.hasPrefix("I-"), last.label == label {
        current.spans[current.spans.count - 1].range = last.range.lowerBound..<end
      } else {
        current.spans.append(Span(label: label, range: length..<end))
      }
      current.text += token
      length = end
    }
    if !current.text.isEmpty { addresses.append(current) }
    self.addresses = addresses
  }
}

struct SpanScore {
  var expected = 0
  var found = 0
  var right = 0

  var precision: Double { Double(right) / Double(max(1, found)) }
  var recall: Double { Double(right) / Double(max(1, expected)) }
  var f1: Double { 2 * precision * recall / max(1e-9, precision + recall) }
}

func readText(_ path: String) throws -> String {
  guard let file = fopen(path, "rb") else { throw FileMissing(path: path) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}

struct FileMissing: Error { let path: String }
