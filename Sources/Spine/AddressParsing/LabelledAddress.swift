package import Addresses
package import Core

/// A part of an address: a run of its characters and what they are.
package struct AddressPart: Sendable, Hashable {
  package let label: AddressLabel
  /// Places of Unicode scalars in the text.
  package let range: Range<Int>

  package init(_ label: AddressLabel, _ range: Range<Int>) {
    self.label = label
    self.range = range
  }
}

/// An address with its parts, which follow each other without a gap and cover the text.
package struct LabelledAddress: Sendable, Hashable {
  /// The Unicode scalars of the text.
  package let scalars: [UInt32]
  package let parts: [AddressPart]

  package init(scalars: [UInt32], parts: [AddressPart]) {
    self.scalars = scalars
    self.parts = parts
  }

  package var text: String { LabelledAddress.string(scalars[...]) }

  /// What a part says.
  package func text(of part: AddressPart) -> String { LabelledAddress.string(scalars[part.range]) }

  /// `{"text":…,"parts":[{"label":…,"text":…}]}`.
  package var json: JSON {
    [
      "text": .string(text),
      "parts": .array(parts.map { ["label": .string($0.label.name), "text": .string(text(of: $0))] }),
    ]
  }

  /// Appends ``json`` as text, without making it: this runs some ten thousand times a second.
  package func write(into bytes: inout [UInt8]) {
    bytes += #"{"text":""#.utf8
    LabelledAddress.write(scalars[...], into: &bytes)
    bytes += #"","parts":["#.utf8
    for (index, part) in parts.enumerated() {
      bytes += (index == 0 ? #"{"label":""# : #",{"label":""#).utf8
      bytes += part.label.name.utf8
      bytes += #"","text":""#.utf8
      LabelledAddress.write(scalars[part.range], into: &bytes)
      bytes += #""}"#.utf8
    }
    bytes += "]}".utf8
  }

  private static func write(_ scalars: ArraySlice<UInt32>, into bytes: inout [UInt8]) {
    for scalar in scalars {
      switch scalar {
      case 0x20..<0x80 where scalar != 0x22 && scalar != 0x5C: bytes.append(UInt8(truncatingIfNeeded: scalar))
      case 0x800..<0xD800, 0xE000..<0x10000:
        bytes.append(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
        bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
        bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
      default:
        // Quotes, signs of control and rare characters: as the JSON writer does it, without its quotes.
        var one: [UInt8] = []
        JSON.string(string([scalar])).write(into: &one)
        bytes += one.dropFirst().dropLast()
      }
    }
  }

  static func string(_ scalars: ArraySlice<UInt32>) -> String {
    var text = String.UnicodeScalarView()
    for value in scalars { text.append(UnicodeScalar(value) ?? "\u{FFFD}") }
    return String(text)
  }
}
