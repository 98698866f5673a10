package import Core
package import Entities

/// What may be handed in with an application or changed in a step: answers of the form and materials.
package struct CaseContent: Sendable {
  /// Of the form's register, by field.
  package var form: [String: Value] = [:]
  /// Of the case itself: applicant, subject, delivery.
  package var values: [String: Value] = [:]
  package var materials: [HandedMaterial] = []

  package init() {}

  package var isEmpty: Bool { form.isEmpty && values.isEmpty && materials.isEmpty }
}

/// A material as it is handed in for one requirement.
package struct HandedMaterial: Sendable, Hashable {
  package enum Way: String, Sendable, Hashable {
    /// Files come with it.
    case files = "submitted"
    /// 免提交: the office looks it up.
    case held
    /// The original is brought to the window or sent by courier.
    case promised
  }

  /// The name of the requirement.
  package let requirement: String
  /// Which of the materials that will do.
  package let kind: String
  package let way: Way
  /// Keys of the file store.
  package let files: [String]
  /// When it was issued (签发日期); asked for where it stays valid for a time only.
  package let issuedOn: CivilDate?
  /// The electronic licence that one of the files is; as it was fetched, to be proved.
  package let licence: ElectronicLicence?

  package init(
    requirement: String, kind: String, way: Way, files: [String] = [], issuedOn: CivilDate? = nil,
    licence: ElectronicLicence? = nil
  ) {
    self.licence = licence
    self.issuedOn = issuedOn
    self.requirement = requirement
    self.kind = kind
    self.way = way
    self.files = files
  }
}

extension MaterialRequirement {
  /// What is wrong with what was handed in for it; `nil` when nothing is.
  func refusal(_ handed: HandedMaterial?, channel: CaseChannel, today: CivilDate) -> Refusal? {
    let field = "material.\(name)"
    guard let handed else {
      if need == .optional { return nil }
      return Refusal(.invalid, "material-missing", "还缺“\(label)”。请上传，或选择其他提交方式。", field: field)
    }
    guard let kind = kinds.first(where: { $0.name == handed.kind }) else {
      return Refusal(.invalid, "material-kind", "“\(label)”不能用这种材料代替。请从列出的材料中选择。", field: field)
    }
    if handed.way != .files || !handed.files.isEmpty, let refusal = kind.expiry(handed, label, field, today) {
      return refusal
    }
    switch handed.way {
    case .files where handed.files.isEmpty:
      return need == .optional
        ? nil : Refusal(.invalid, "material-missing", "“\(label)”还没有上传文件。请拍照或选择文件。", field: field)
    case .files: return nil
    case .held where !kind.isHeld:
      return Refusal(.invalid, "material-held", "“\(kind.label)”不能免提交。请上传，或到窗口提交原件。", field: field)
    case .promised where medium == .electronic:
      return Refusal(.invalid, "material-medium", "“\(label)”应提交电子件。请上传。", field: field)
    case .held, .promised: return nil
    }
  }
}
