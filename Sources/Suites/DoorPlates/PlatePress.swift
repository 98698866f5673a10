package import Addresses
package import Core
package import Documents
package import Entities
package import Search

/// Makes the artwork of plates from the register of addresses.
package struct PlatePress: Sendable {
  package let store: RecordStore
  package let rules: QRRules
  package let designs: PlateDesigns
  package let pinyin: PinyinTable

  package init(store: RecordStore, rules: QRRules, designs: PlateDesigns, pinyin: PinyinTable) {
    self.store = store
    self.rules = rules
    self.designs = designs
    self.pinyin = pinyin
  }

  /// What of an address a plate is made of.
  package static let columns = [
    "code", "full_name", "kind", "status", "division_code", "town", "community", "road", "lane", "house_number",
    "sub_number",
    "compound", "building_number", "unit_number", "room", "plate_kind", "plate_status", "police_station_id", "location",
  ]

  /// The design by name, or the usual one of an address.
  ///
  /// - Throws: ``Refusal`` `plate-design-unknown` when there is none, or none that suits.
  package func design(_ name: String?, for address: Record) throws(Refusal) -> PlateDesign {
    let kind = address["kind"].text ?? ""
    if let name, !name.isEmpty {
      guard let design = designs.design(name) else {
        throw Refusal(.notFound, "plate-design-unknown", "没有名为“\(name)”的门牌版式。请从列表里选。", field: "design")
      }
      guard design.suits.contains(kind) else {
        let label = store.catalog.dictionary("address_kind")?.label(of: kind) ?? kind
        throw Refusal(
          .unprocessable, "plate-design-unknown", "“\(design.label)”不用于\(label)地址。请选适用的版式。", field: "design")
      }
      return design
    }
    guard let design = designs.usual(for: kind, plateKind: address["plate_kind"].text) else {
      throw Refusal(.unprocessable, "plate-design-unknown", "这类地址还没有门牌版式。请先在版式里声明 suits。", field: "design")
    }
    return design
  }

  /// What a plate says of this address.
  package func fields(of address: Record) -> PlateFields { PlateFields(address: { address[$0].text }, pinyin: pinyin) }

  /// - Throws: ``Refusal`` when the texts do not fit; see ``PlatePainter``.
  package func artwork(
    _ design: PlateDesign, of address: Record, content: String, by painter: PlatePainter
  ) throws(Refusal) -> PrintArtwork {
    try painter.paint(design, fields(of: address), content: content)
  }
}
