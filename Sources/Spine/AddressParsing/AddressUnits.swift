import Addresses

/// An address cut into the units that carry a label: a run of figures, a run of Latin letters, or one character.
///
/// Characters are folded first (`AddressText`): full-width forms become ASCII, small letters capital, dashes one
/// dash, `_` and other separators a space. Folding keeps places, so that a part's range holds in the text as given.
struct AddressUnits {
  /// The code of a unit: its character; for a run of several, a mixture of them with the top bit set.
  private(set) var codes: [UInt32] = []
  /// Like ``codes``, but figures and Latin letters only by how many there are.
  private(set) var shapes: [UInt32] = []
  private(set) var kinds: [CharacterKind] = []
  /// Where units begin, and at the end where the text ends.
  private(set) var starts: [Int] = []

  /// Longer texts are cut into pieces of this many characters.
  static let longest = 512

  var count: Int { codes.count }

  /// Takes another address in place of the last, without new memory.
  mutating func read(_ scalars: some RandomAccessCollection<UInt32>) {
    codes.removeAll(keepingCapacity: true)
    shapes.removeAll(keepingCapacity: true)
    kinds.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    var place = 0
    var run = CharacterKind.pad
    for scalar in scalars {
      let folded = AddressText.folded(scalar)
      let kind = CharacterKind(folded)
      if kind == run, kind == .figure || kind == .latin {
        codes[codes.count - 1] = AddressUnits.mixed(codes[codes.count - 1], folded)
      } else {
        starts.append(place)
        codes.append(folded)
        shapes.append(folded)
        kinds.append(kind)
        run = kind
      }
      place += 1
    }
    starts.append(place)
    for index in 0..<codes.count {
      let length = starts[index + 1] - starts[index]
      switch kinds[index] {
      case .figure:
        kinds[index] = .figures(length)
        shapes[index] = 0x4000_0000 + UInt32(min(length, 5))
      case .latin:
        if length > 1 { kinds[index] = .latinWord }
        shapes[index] = 0x4000_0010 + (length > 1 ? 1 : 0)
      default: break
      }
    }
  }

  private static func mixed(_ code: UInt32, _ next: UInt32) -> UInt32 {
    var code = (code ^ next &* 0x9E37_79B1) &* 0x85EB_CA6B
    code ^= code >> 15
    return code | 0x8000_0000
  }
}
