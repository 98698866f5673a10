import Access
import Cases
import Core
import Documents
import Entities
import EntitiesWeb
import Files
import HTTP
import SQL
import Shell
import Site

/// Fetching the applicant's own electronic licences into an application (电子证照调用, C-063, C-274): the file is seen before it
/// is handed in, like a photograph, and what proves it goes along in the form.
enum Licences {
  /// Whether the form offers them.
  enum Offer {
    case none
    /// After signing in with the living face.
    case needFace
    /// Once the form says that the paper is the applicant's own.
    case unnamed
    case open
  }

  private static let prefix = "licence."

  /// The name of the input of a requirement that keeps what proves its licence.
  private static func input(_ requirement: MaterialRequirement) -> String { "material.\(requirement.name).licence" }

  /// The value of the button that fetches for a requirement.
  static func button(_ requirement: MaterialRequirement) -> String { prefix + requirement.name }

  /// The requirement that a button asked for.
  static func requirement(_ button: String, of item: ServiceItem) -> MaterialRequirement? {
    guard button.hasPrefix(prefix) else { return nil }
    return item.materials.first { $0.name == button.dropFirst(prefix.count) && !$0.licensed.isEmpty }
  }

  /// The licence that was fetched for a requirement, and the key of its file.
  static func kept(of requirement: MaterialRequirement, _ typed: FormInput) -> (
    key: String, licence: ElectronicLicence
  )? {
    guard let json = try? JSON(parsing: Array(typed.first(input(requirement)).utf8)), let key = json["file"]?.string,
      let licence = ElectronicLicence(json["licence"])
    else { return nil }
    return (key, licence)
  }

  /// What the form keeps of it until it is handed in.
  static func texts(_ requirement: MaterialRequirement, _ licence: ElectronicLicence, file key: String) -> [String:
    [String]]
  {
    [input(requirement): [JSON.object([("file", .string(key)), ("licence", licence.json)]).text]]
  }

  /// The hidden input that keeps it.
  static func field(_ requirement: MaterialRequirement, _ typed: FormInput) -> HiddenField? {
    kept(of: requirement, typed) == nil
      ? nil : HiddenField(input(requirement), typed.first(input(requirement)))
  }
}

extension ServiceRoutes {
  /// Fetches the licence that a requirement may be met with and puts its file with those of the form.
  func fetchLicence(
    _ requirement: MaterialRequirement, _ item: ServiceItem, _ input: FormInput, _ visit: Visit
  ) async throws -> (input: FormInput, errors: [FieldError]) {
    let name = "material.\(requirement.name)"
    let chosen = requirement.kinds.first { $0.name == input.first("\(name).kind") } ?? requirement.kinds[0]
    guard let kind = chosen.licence == nil ? requirement.licensed.first : chosen else {
      throw Fault("licence-kind", requirement.name)
    }
    let known = try await vouched(visit)
    guard let holder = known["applicant_name"], let document = known["applicant_document"] else {
      return (input, [FieldError(name, "没有调用：您的账号还没有经统一身份认证平台实名，请用它刷脸登录后再调用，或直接上传照片。")])
    }
    var form = try await filled(visit, item, .online, input)
    form.vouchedDocument = document
    guard form.isOwn(requirement) == true else {
      return (input, [FieldError(name, "没有调用：只能调用您本人的电子证照，这份材料不是您本人的。请拍照上传，或选择其他提交方式。")])
    }
    switch try await cases.fetchLicence(kind, holder: (holder, document), for: item, by: visit.principal) {
    case .not(let reason):
      return (input, [FieldError(name, "没有调用电子证照：\(reason)。可以改为拍照上传，已填写的内容都在。")])
    case .fetched(let licence, let file):
      let type = FileKind.sniff(bytes: file)
      guard [.pdf, .png, .jpeg].contains(type) else {
        return (input, [FieldError(name, "没有调用电子证照：证照文件不是 PDF 或图片，这里不能采用。请拍照上传，已填写的内容都在。")])
      }
      let stored = try await store.database.transaction { transaction in
        try await files.put(
          bytes: file, name: "\(licence.name)（电子证照）.\(type.fileExtension)", classification: .secret, policy: .scans,
          by: visit.principal,
          in: transaction)
      }
      var texts = input.texts
      // A second fetch takes the place of the first.
      let before = Licences.kept(of: requirement, input)?.key
      texts["\(name).keep"] = (texts["\(name).keep"] ?? []).filter { $0 != before } + [stored.key]
      texts["\(name).kind"] = [kind.name]
      texts["\(name).way"] = [HandedMaterial.Way.files.rawValue]
      texts.merge(Licences.texts(requirement, licence, file: stored.key)) { _, new in new }
      return (FormInput(texts), [])
    }
  }
}
