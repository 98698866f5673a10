package import Access
import Core
package import Entities
package import YAML

/// Something citizens may apply for (办事事项), as a data file: who may, with which materials, by which process, in how
/// many working days, with what result (C-031, C-082, C-255).
package struct ServiceItem: Sendable {
  /// The code that cases keep, such as `hukou_001`.
  package let code: String
  /// What a citizen understands.
  package let label: String
  /// The code of its class in the dictionary ``ServiceCatalog/classes`` of its area.
  package let category: String
  /// Ids of the requirement rows it answers.
  package let source: [String]
  /// The register whose records are its applications.
  package let form: String
  /// Values that the item fixes in the form.
  package let preset: [String: Value]
  /// Fields of the form that it does not need.
  package let hidden: Set<String>
  /// The first whose condition holds is taken; the last has none.
  package let flows: [FlowChoice]
  /// 承诺时限 in working days.
  package let limit: Int
  package let channels: [CaseChannel]
  /// How surely the applicant on line must be known (身份认证等级, C-023).
  package let assurance: Assurance
  /// Whether an application on line has to be signed (电子签名).
  package let signature: SignatureDemand
  package let conditions: [ItemCondition]
  package let materials: [MaterialRequirement]
  package let result: ItemResult
  /// Plain text for citizens (办事指南), a paragraph a line.
  package let guide: String
  /// What was chosen where the source contradicts itself or is silent, and why.
  package let decisions: [String]
  package let goldenCases: [GoldenCase]
  package let position: SourcePosition

  /// A short digest of the whole declaration, which changes whenever anything in it does.
  package let version: String

  /// Whether only officers apply, by doing something elsewhere: it stands in no catalogue, nothing of it is filed or issued.
  package var isInternal: Bool { channels == [.office] }
}

/// Which process an application takes.
package struct FlowChoice: Sendable {
  package let process: String
  package let when: Expression?
  package let position: SourcePosition
}

/// What must hold when an application is handed in (受理条件).
package struct ItemCondition: Sendable {
  package let check: Expression
  /// Says what to do instead.
  package let message: String
  /// The field that it is shown at; `nil` when it is about the application as a whole.
  package let field: String?
  package let position: SourcePosition
}

/// What comes of it (办理结果).
package struct ItemResult: Sendable, Hashable {
  /// Such as 居民户口簿; `nil` when nothing is handed over.
  package let document: String?
  /// How it may be handed over; empty when nothing is.
  package let delivery: [CaseDelivery]

  /// Whether originals and the result may travel by courier (全程网办、邮政速递, C-068).
  package var goesByCourier: Bool { delivery.contains(.courier) }

  /// Why it cannot be handed over as asked; `nil` when it can, when nothing was asked or nothing is handed over.
  func refusal(ofDelivery asked: String?) -> Refusal? {
    guard let asked, let first = delivery.first, !delivery.contains(where: { $0.rawValue == asked }) else { return nil }
    return Refusal(.invalid, "delivery-closed", "这个事项的结果只能\(first.label)，没有提交。请改选取件方式。", field: "delivery")
  }
}

/// Where an application comes in (受理渠道).
package enum CaseChannel: String, Sendable, Hashable, CaseIterable {
  case online
  case window
  /// What officers ask of their own administration (内部申请), such as plates for addresses.
  case office

  /// Where citizens apply.
  package static let forCitizens: [CaseChannel] = [.online, .window]

  package var label: String {
    switch self {
    case .online: "网上申请"
    case .window: "窗口受理"
    case .office: "内部申请"
    }
  }
}

/// How the result reaches the applicant (取件方式).
package enum CaseDelivery: String, Sendable, Hashable, CaseIterable {
  case window
  case courier

  package var label: String { self == .window ? "窗口领取" : "邮寄到家" }
}

/// A material an item asks for (申请材料), or several of which one is enough (多选一).
package struct MaterialRequirement: Sendable {
  package enum Need: String, Sendable, Hashable, CaseIterable {
    case required
    case optional

    package var label: String { self == .required ? "必须" : "可选" }
  }

  /// Unique within the item.
  package let name: String
  package let label: String
  package let need: Need
  /// The materials that will do; any one of them.
  package let kinds: [MaterialKind]
  /// What is accepted here; narrower than the material's own when the item says so.
  package let medium: MaterialMedium
  package let when: Expression?
  /// The field with the number of whom the paper belongs to; with it, whoever that is may fetch their electronic licence
  /// (电子证照持证人).
  package let holder: String?
  package let position: SourcePosition

  /// What this may be met with as an electronic licence.
  package var licensed: [MaterialKind] { holder == nil ? [] : kinds.filter { $0.licence != nil } }

  package var isChoice: Bool { kinds.count > 1 }
}

/// A kind of material (材料), once for all items.
package struct MaterialKind: Sendable, Hashable {
  package let name: String
  package let label: String
  package let help: String?
  package let medium: MaterialMedium
  /// Whether the office can look it up, so that nobody has to hand it in again (免提交).
  package let isHeld: Bool
  /// The connector that tells whether it is genuine (外部核验), such as `birth_certificate`.
  package let check: String?
  /// What follows when the other system says that it is not.
  package let mismatch: MaterialMismatch
  /// Months it stays valid; `nil` for ever.
  package let validity: Int?
  /// What the system of electronic licences calls it, where applicants may fetch their own (电子证照, C-063).
  package let licence: String?
}

/// What a material that was found not to be genuine means for the application (核验不一致的处理).
package enum MaterialMismatch: String, Sendable, Hashable, CaseIterable {
  /// It goes on, and the officer sees it.
  case warn
  /// On line it is refused; at the window, where the original lies on the desk, the clerk is warned.
  case refuse
}

/// In which form a material is taken (材料形式).
package enum MaterialMedium: String, Sendable, Hashable, CaseIterable {
  case electronic
  case original
  case either

  package var label: String {
    switch self {
    case .electronic: "电子件"
    case .original: "核验原件"
    case .either: "原件拍照或电子件"
    }
  }
}

/// An input of an item and all that must follow from it; run as a test.
package struct GoldenCase: Sendable {
  package let name: String
  package let channel: CaseChannel
  package let acceptedBy: String
  package let given: [String: Value]
  package let materials: [String]
  package let optional: [String]
  package let process: String
  package let approvers: [String]
  package let result: String?
  package let position: SourcePosition
}
