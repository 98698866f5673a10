package import Access
package import YAML

/// One field of an entity (字段); an object for the reason that ``EntityDeclaration`` is one.
package final class FieldDeclaration: Sendable {
  /// How a value is shown to somebody whose clearance is below the field's classification (脱敏规则).
  package enum Mask: String, Sendable, Hashable, CaseIterable {
    /// 张*.
    case name
    /// 138****5678.
    case phone
    /// 511702********1234.
    case id
    /// The room and what follows it are hidden.
    case address
    /// Nothing is shown.
    case all
  }

  package let name: String
  package let label: String
  package let type: FieldType
  /// Several values in one field; only for codes, files and images.
  package let multiple: Bool
  package let required: Bool
  package let unique: Bool
  /// Limits of a number (money in yuan), both inclusive.
  package let minimum: FixedDecimal?
  package let maximum: FixedDecimal?
  /// The greatest number of characters of a text.
  package let maximumLength: Int?
  package let defaultValue: Expression?
  /// Computed on read from other fields and never stored (计算字段).
  package let computed: Expression?
  /// What of other registers it shows, read with the record and never stored (汇集字段).
  package let gathering: Gathering?
  /// The form shows the field only while this holds.
  package let visible: Expression?
  package let requiredWhen: Expression?
  package let classification: Classification
  /// The level that the declaration gives it, when a sensitive label (敏感标记, D2-570) has raised it above.
  package let raisedFrom: Classification?
  package let mask: Mask?
  /// Stored as SM4 ciphertext in `<name>` and a blind index for exact search in `<name>_index`.
  package let encrypted: Bool
  package let help: String?
  /// The unit of measure shown beside the value, such as `㎡`.
  package let unit: String?
  /// False: set by the system (numbering, actions, imports by code), never typed in a form.
  package let editable: Bool
  /// False: kept out of the default columns of lists and exports.
  package let listed: Bool
  /// Hidden by a city overlay: the column and its data stay, no page shows it.
  package let hidden: Bool
  /// The text is the path of a picture of this site, which pages show in its place.
  package let picture: Bool
  /// The image is of somebody's face (人像), shown upright and cut to it.
  package let portrait: Bool
  package let position: SourcePosition

  /// Where the field lives in the table.
  package var isStored: Bool { computed == nil && gathering == nil }

  /// The level below which no label can put it.
  package var declaredClassification: Classification { raisedFrom ?? classification }

  /// The case of ``Value`` the field's values are kept in.
  package var valueKind: ValueKind { multiple ? .list : type.valueKind }

  /// The PostgreSQL type of the column `name`; an encrypted field is `bytea`, several values are `text[]`.
  package var columnType: String { encrypted ? "bytea" : multiple ? "text[]" : type.columnType }

  /// The column of the blind index, when the field is encrypted.
  package var indexColumn: String? { encrypted ? "\(name)_index" : nil }

  /// The dictionary of a code field.
  package var dictionary: String? { if case .code(let name) = type { name } else { nil } }

  /// The entity a reference points to.
  package var target: String? { if case .ref(let name) = type { name } else { nil } }

  package init(
    name: String, label: String, type: FieldType, multiple: Bool = false, required: Bool = false,
    unique: Bool = false, minimum: FixedDecimal? = nil, maximum: FixedDecimal? = nil, maximumLength: Int? = nil,
    defaultValue: Expression? = nil, computed: Expression? = nil, gathering: Gathering? = nil,
    visible: Expression? = nil,
    requiredWhen: Expression? = nil, classification: Classification = .inner,
    raisedFrom: Classification? = nil, mask: Mask? = nil,
    encrypted: Bool = false, help: String? = nil, unit: String? = nil, editable: Bool = true, listed: Bool = true,
    hidden: Bool = false, picture: Bool = false, portrait: Bool = false, position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.type = type
    self.multiple = multiple
    self.required = required
    self.unique = unique
    self.minimum = minimum
    self.maximum = maximum
    self.maximumLength = maximumLength
    self.defaultValue = defaultValue
    self.computed = computed
    self.gathering = gathering
    self.visible = visible
    self.requiredWhen = requiredWhen
    self.classification = classification
    self.raisedFrom = raisedFrom
    self.mask = mask
    self.encrypted = encrypted
    self.help = help
    self.unit = unit
    self.editable = editable
    self.listed = listed
    self.hidden = hidden
    self.picture = picture
    self.portrait = portrait
    self.position = position
  }
}

extension FieldDeclaration {
  /// The columns every entity table has besides the declared ones, usable in lists, sorts, filters and expressions.
  package static let system: [FieldDeclaration] = [
    // Whoever may see a record knows its number and how old it is: public features are paged and asked for by them.
    system("id", "编号", .integer, .open),
    system("version", "版本", .integer),
    system("created_at", "创建时间", .instant),
    system("created_by", "创建人", .integer),
    system("updated_at", "更新时间", .instant, .open),
    system("updated_by", "更新人", .integer),
  ]

  package static let systemNames = Set(system.map(\.name))

  private static func system(
    _ name: String, _ label: String, _ type: FieldType, _ classification: Classification = .inner
  ) -> FieldDeclaration {
    FieldDeclaration(
      name: name, label: label, type: type, classification: classification, editable: false, listed: false,
      position: SourcePosition(file: "system", line: 1, column: 1))
  }
}
