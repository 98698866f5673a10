/// One labelled part of a ``SegmentedAddress``.
package struct AddressSegment: Sendable, Hashable {
  package let label: AddressLabel
  /// Places in the text, counted in Unicode scalars.
  package let range: Range<Int>
}

/// An address cut into labelled parts, with the divisions that its first parts name.
package struct SegmentedAddress: Sendable {
  let text: AddressText
  package internal(set) var segments: [AddressSegment]
  package internal(set) var divisions: DivisionReading

  /// The folded text of a segment: full-width forms as ASCII, capital letters, standard characters.
  package func text(of segment: AddressSegment) -> String { text.string(segment.range) }

  /// The folded text of the first segment with this label.
  package func first(_ label: AddressLabel) -> String? {
    segments.first { $0.label == label }.map(text(of:))
  }

  /// The direction that its words of place say (方位): 院内, 东侧; `nil` when they say none.
  package var direction: PlaceDirection? {
    for segment in segments where segment.label == .assist {
      if let direction = PlaceDirection(saying: text.compact(segment.range)) { return direction }
    }
    return nil
  }
}

/// Which divisions an address names, and what is wrong with the naming.
package struct DivisionReading: Sendable, Hashable {
  /// The narrowest division that is certain; `nil` when none is named or the name fits several.
  package var code: DivisionCode?
  /// Divisions that the narrowest name may mean, when there are several.
  package var alternatives: [DivisionCode] = []
  /// A division was named that does not lie in the one named before it.
  package var isContradictory = false
  /// A former or abolished name was used (曾用名).
  package var usesFormerName = false
  /// A name with the shape of a division that the gazetteer does not have, such as a town.
  package var unknown: [AddressLabel] = []
}
