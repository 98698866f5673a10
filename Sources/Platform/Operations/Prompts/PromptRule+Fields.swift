package import Access
import Core
package import Entities

/// What a rule of analysis may name, for whoever writes one (字段名一览).
extension PromptRule {
  /// Where a rule names a field.
  package enum Place: Sendable, Hashable {
    case condition
    case group
    case distinct
    case occasion
    case officer
    /// A field of another register that refers to this one.
    case beside(String)

    /// The register of users, whose members can have to act.
    private static let users = "app_user"

    package func takes(_ field: FieldDeclaration) -> Bool {
      guard !field.encrypted, !field.hidden else { return false }
      if self == .condition { return true }
      guard field.isStored, !field.multiple else { return false }
      switch self {
      case .condition: return true
      case .group: return field.target != nil
      case .officer: return field.target == Place.users
      case .beside(let register): return field.target == register
      case .occasion:
        switch field.type {
        case .date, .instant, .code, .ref, .integer, .boolean: return true
        default: return false
        }
      case .distinct: return !field.type.isGeometry
      }
    }
  }

  /// The fields of a register that a rule may name at a place.
  package static func fields(of entity: EntityDeclaration, at place: Place) -> [FieldDeclaration] {
    entity.fields.filter { place.takes($0) }
  }

  /// `可以用：room_id（房屋）、address_id（地址）。`
  static func choice(of entity: EntityDeclaration, at place: Place) -> String {
    let fields = fields(of: entity, at: place)
    guard !fields.isEmpty else { return "“\(entity.label)”没有这样的字段。" }
    let names = fields.prefix(mostNamed).map { "\($0.name)（\($0.label)）" }.joined(separator: "、")
    return "可以用：\(names)\(fields.count > mostNamed ? "等，见“字段名一览”" : "")。"
  }

  private static let mostNamed = 40

  /// The field that a rule names, by its name or by its label where one field alone has it.
  static func field(_ text: String, of entity: EntityDeclaration) -> FieldDeclaration? {
    if let field = entity.field(text) { return field }
    let labelled = entity.fields.filter { $0.label == text && !$0.hidden }
    return labelled.count == 1 ? labelled[0] : nil
  }

  /// The registers that rules may be about and whose every record somebody may view, so that they may write rules over them.
  package static func registers(for author: Principal, _ catalog: Catalog) -> [EntityDeclaration] {
    (catalog.dictionary(subjects)?.codes ?? []).compactMap { catalog.entity($0.code) }
      .filter { author.grants.scope(for: Permission($0.name, "view")) == .all }
  }

  /// Whether a rule that uses this field tells those in charge only (只给主管人员).
  package static func restricts(_ field: FieldDeclaration) -> Bool { field.classification >= .sensitive }
}
