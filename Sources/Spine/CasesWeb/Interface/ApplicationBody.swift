import Cases
import Core
import Entities
import EntitiesWeb
import Identity

/// What a platform sends: whom it acts for, what is filled in, and the materials.
struct ApplicationBody {
  let content: CaseContent
  let note: String?
  private let person: JSON?

  /// - Throws: ``Refusal`` `wrong-type` for a text with a NUL in it, which no field can keep.
  static func requireClean(_ body: JSON) throws(Refusal) {
    if body.text.contains("\\u0000") {
      throw Refusal(.unprocessable, "wrong-type", "内容里有不可见的控制字符，没有保存。请去掉后再发。")
    }
  }

  /// - Throws: ``Refusal`` with everything that is unknown or does not fit.
  init(_ body: JSON, _ item: ServiceItem, _ interface: ApplicationInterface) throws {
    guard let members = body.object else { throw Refusal(.invalid, "body-object", "请求内容应为一个 JSON 对象。") }
    try ApplicationBody.requireClean(body)
    let known = ["applicant", "case", "form", "materials", "note", "answers"]
    if let other = members.first(where: { !known.contains($0.key) })?.key {
      throw Refusal(
        .invalid, "field-unknown", "申请里没有“\(other.prefix(60))”。可用的有：\(known.joined(separator: "、"))。", field: other)
    }
    person = body["applicant"]
    note = body["note"]?.string
    var content = CaseContent()
    let catalog = interface.store.catalog
    if let sent = body["case"], let record = catalog.entity(ServiceCase.entity) {
      content.values = try RecordJSON(entity: record, catalog: catalog).decode(sent)
      if let closed = content.values.keys.sorted().first(where: { name in
        record.field(name).map { !interface.isCaseField($0) } ?? true
      }) {
        throw Refusal(
          .invalid, "field-closed", "“\(record.field(closed)?.label ?? closed)”由系统填写，不能提交。请去掉后再发。", field: closed)
      }
    }
    if let sent = body["form"], let form = catalog.entity(item.form) {
      content.form = try RecordJSON(entity: form, catalog: catalog).decode(sent)
      if let closed = content.form.keys.sorted().first(where: { name in
        form.field(name)?.editable != true || item.preset[name] != nil
      }) {
        throw Refusal(
          .invalid, "field-closed", "“\(form.field(closed)?.label ?? closed)”由系统填写，不能提交。请去掉后再发。", field: closed)
      }
    }
    content.materials = try ApplicationBody.materials(body["materials"], item)
    if person != nil, let name = person?["name"]?.string {
      content.values["applicant_name"] = .text(TextForms.trimmed(name))
    }
    if let document = person?["document"]?.string {
      content.values["applicant_document"] = .text(TextForms.trimmed(document))
    }
    if content.values["applicant_phone"] == nil, let phone = person?["phone"]?.string {
      content.values["applicant_phone"] = .text(TextForms.trimmed(phone))
    }
    self.content = content
  }

  private static func materials(_ sent: JSON?, _ item: ServiceItem) throws -> [HandedMaterial] {
    guard let sent else { return [] }
    guard let all = sent.array, all.count <= 50 else {
      throw Refusal(.invalid, "materials-list", "materials 应是一个列表，最多 50 项。", field: "materials")
    }
    var seen: Set<String> = []
    return try all.map { one in
      let name = one["requirement"]?.string ?? ""
      guard let requirement = item.materials.first(where: { $0.name == name }), seen.insert(name).inserted else {
        throw Refusal(
          .invalid, "material-unknown", "这个事项没有材料“\(name.prefix(60))”，或它写了两次。请按事项的材料清单改正。", field: "materials")
      }
      let kind = one["kind"]?.string ?? requirement.kinds.first?.name ?? ""
      let files = (one["files"]?.array ?? []).compactMap(\.string)
      guard let way = HandedMaterial.Way(rawValue: one["way"]?.string ?? "submitted"), files.count <= 40 else {
        throw Refusal(
          .invalid, "material-way", "“\(requirement.label)”的 way 应是 submitted、held 或 promised，文件最多 40 个。",
          field: "material.\(name)")
      }
      return HandedMaterial(
        requirement: name, kind: kind, way: way, files: way == .files ? files : [],
        issuedOn: one["issuedOn"]?.string.flatMap { CivilDate($0) })
    }
  }

  /// Whom the platform acts for.
  ///
  /// - Throws: ``Refusal`` naming what is missing or cannot be read.
  func applicant() throws -> RelayedIdentity {
    func text(_ name: String, _ limit: Int) -> String {
      String(TextForms.trimmed(person?[name]?.string ?? "").prefix(limit))
    }
    var refusals: [Refusal] = []
    func require(_ holds: Bool, _ field: String, _ message: String) {
      if !holds { refusals.append(Refusal(.invalid, "applicant", message, field: "applicant.\(field)")) }
    }
    let document = ResidentID(text("document", 40))
    require(!text("subject", 200).isEmpty, "subject", "请写明申请人在你们平台的用户编号（subject）。")
    require(!text("name", 60).isEmpty, "name", "请写明申请人的姓名（name）。")
    require(document != nil, "document", "申请人的身份证号（document）缺少或不正确。")
    let phone = PhoneNumber(text("phone", 40))
    require(person?["phone"] == nil || phone?.kind == .mobile, "phone", "申请人的手机号码（phone）不正确。")
    if let refusal = Refusal(all: refusals) { throw refusal }
    guard let document else { throw Fault("applicant-without-document", "") }
    return RelayedIdentity(
      subject: text("subject", 200), name: text("name", 60), document: document, phone: phone,
      level: person?["level"]?.string)
  }
}
