import Access
import Cases
import Core
import Entities
import EntitiesWeb
import Files
import HTML
import HTTP
import Papers
import SQL
import Shell
import Site

/// A late scan, a supplement or a correction: one more line of the catalogue (C-020, C-080, C-298).
extension ArchiveRoutes {
  func askToAdd(_ visit: Visit) async throws -> Response {
    try await form(visit, FormInput(["kind": [visit.request.query.first("kind") ?? ""]]), [])
  }

  private func archive(_ visit: Visit) async throws -> Record {
    try visit.principal.require(Permission(Archive.item, "create"), toDo: "补充档案")
    return try await records(visit, "补充档案").get(Archive.entity, try visit.request.integer("id"))
  }

  private func form(_ visit: Visit, _ typed: FormInput, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    let archive = try await archive(visit)
    let missing = archive["missing"].integer ?? 0
    let path = "/r/\(Archive.entity)/\(archive.id)"
    let codes =
      store.catalog.dictionary("archive_item_kind")?.codes.filter {
        !["material", "signed", "notice"].contains($0.code)
      } ?? []
    let kind = typed.first("kind").isEmpty ? (missing > 0 ? "original" : "supplement") : typed.first("kind")
    let fields = [
      Shell.Field(
        "kind", "来源", .radio(kind, codes.map { Choice($0.code, $0.label) }), isRequired: true, error: errors["kind"]),
      Shell.Field(
        "label", "材料名称", .text(typed.first("label"), .init(maximum: 100)), isRequired: true, error: errors["label"]),
      Shell.Field(
        "document_number", "文件编号", .text(typed.first("document_number"), .init(maximum: 60)),
        error: errors["document_number"]),
      Shell.Field(
        "files", "影像",
        .file(.init(accept: "image/jpeg,image/png,.pdf", allowsSeveral: true, limit: "JPEG、PNG 或 PDF，每份不超过 20 MB")),
        isRequired: true, error: errors["files"]),
      Shell.Field(
        "note", "补录原因", .text(typed.first("note"), .init(maximum: 200)), help: "补充材料写明为什么补，更正的写明哪一件错在哪里；补扫原件可以不写",
        error: errors["note"]),
    ]
    let bridge = try DeviceBridge(cases.parameters)
    let response = try await visit.page(
      "补充档案", status: status, crumbs: [Crumb("电子档案 \(archive["number"].text ?? "")", path)],
      subtitle: missing > 0 ? "还缺 \(missing) 份原件影像，补齐后自动归档。" : "原来的材料不动，加成新的一件。",
      scripts: bridge == nil ? [] : [.bridge]
    ) {
      if let bridge { bridge.marker() }
      Card("由系统生成") {
        p { "受理审批单按办件记录生成，常住人口登记表按人口登记生成，各成一件加入档案。纸上签过字的，扫描后在下面加入。" }
        p(.class("actions")) {
          for kind in ArchiveRoutes.generated {
            Action("生成\(kind.label)", .post("/archives/\(archive.id)/digitise", [HiddenField("kind", kind.code)]))
          }
        }
      }
      FormView(
        path: "/archives/\(archive.id)/add",
        sections: [Shell.FormSection(id: "item", archive["item_label"].text ?? "", fields: fields)], errors: errors,
        submit: Action("加入档案", .submit(name: nil, value: nil), style: .primary), cancelPath: path,
        isMultipart: true, note: "加入后不能修改或删除。")
    }
    return bridge?.admitted(by: response) ?? response
  }

  /// What is made from the records: the code of `archive_item_kind` and its name.
  private static let generated = [(code: "approval_form", label: "受理审批单"), (code: "register_form", label: "常住人口登记表")]

  /// Makes 受理审批单 or 常口表 from what is registered, and adds it as one more line (C-528).
  func digitise(_ visit: Visit) async throws -> Response {
    let archive = try await archive(visit)
    let asked = try await visit.request.body.form().first("kind") ?? ""
    guard let kind = ArchiveRoutes.generated.first(where: { $0.code == asked }),
      let caseID = archive["service_case_id"].integer
    else { throw Refusal(.invalid, "archive-kind", "请选择生成受理审批单或常住人口登记表。", field: "kind") }
    guard try await records(visit, "补录").reaches(Archive.entity, archive.id) else { throw ArchiveRules.kept }
    let purpose = "档案 \(archive["number"].text ?? "") 电子化\(kind.label)"
    let bytes =
      kind.code == "approval_form"
      ? try await approvalForm(caseID, purpose, visit) : try await registerForm(caseID, purpose, visit)
    let line = try await store.database.transaction { transaction in
      let file = try await files.put(
        bytes: bytes, name: "\(kind.label).pdf", classification: .secret, policy: .scans, by: visit.principal,
        in: transaction)
      return try await records(visit, "补录").within(transaction).insert(
        Archive.item,
        [
          "archive_id": .integer(archive.id), "division_code": archive["division_code"], "unit_id": archive["unit_id"],
          "kind": .text(kind.code), "label": .text(kind.label), "note": .text("办结后由系统按登记内容生成"),
          "files": .list([file.key]),
        ], input: .code)
    }
    return try visit.redirect(
      to: "/r/\(Archive.entity)/\(archive.id)", saying: "已生成\(kind.label)，是档案的第 \(line["position"].integer ?? 0) 件。")
  }

  /// The whole case as the office recorded it: whoever may add to the archive files it unread, and reads it like every
  /// other paper with a reason.
  private func approvalForm(_ id: Int64, _ purpose: String, _ visit: Visit) async throws -> [UInt8] {
    let view = try await cases.view(id, as: .system, origin: visit.request.origin)
    let divisions = try await store.records(as: .system).divisionNames()
    let page = CasePage(
      view: view, catalog: store.catalog, calendar: cases.calendar, divisions: divisions,
      context: EvaluationContext(now: store.clock.now(), principal: .system), typed: nil, errors: [], files: [:],
      orders: [])
    var slots = page.formSlots
    slots["process"] = [page.processSlot]
    return try await cases.office.make(
      "approval_form", of: id, slots: slots, purpose: purpose, by: visit.principal, origin: visit.request.origin)
  }

  private func registerForm(_ id: Int64, _ purpose: String, _ visit: Visit) async throws -> [UInt8] {
    let system = store.records(as: .system, purpose: purpose, origin: visit.request.origin)
    let record = try await system.get(ServiceCase.entity, id, reveal: true)
    let numbers = [record["subject_document"], record["applicant_document"]].filter { !$0.isBlank }
    for number in numbers {
      guard let person = try await system.find("person", where: "resident_id", equals: number) else { continue }
      return try await cases.office.make(
        "registration_form", of: person.id, purpose: purpose, by: visit.principal, origin: visit.request.origin)
    }
    throw Refusal(
      .unprocessable, "person-missing", "人口登记里没有这件办件的当事人，没有生成。请扫描纸质的常住人口登记表，选“常住人口登记表”加入。", field: "kind")
  }

  func add(_ visit: Visit) async throws -> Response {
    let archive = try await archive(visit)
    let form = try await visit.request.body.form()
    let typed = FormInput(form)
    var errors: [FieldError] = []
    var keys: [String] = []
    for file in form.files("files") where file.size > 0 {
      do {
        keys.append(
          try await files.put(
            path: file.path, name: file.filename, classification: .secret, policy: .scans, by: visit.principal
          ).key)
      } catch let refusal as Refusal {
        errors.append(FieldError("files", refusal.message))
      }
    }
    if keys.isEmpty, errors.isEmpty { errors.append(FieldError("files", "还没有选择影像。请拍照或选择文件。")) }
    guard errors.isEmpty else { return try await self.form(visit, typed, errors, status: 422) }
    func text(_ name: String) -> Value {
      typed.first(name).allSatisfy(\.isWhitespace) ? .null : .text(typed.first(name))
    }
    do {
      let line = try await records(visit, "补充档案").insert(
        Archive.item,
        [
          "archive_id": .integer(archive.id), "division_code": archive["division_code"], "unit_id": archive["unit_id"],
          "kind": text("kind"), "label": text("label"), "document_number": text("document_number"),
          "note": text("note"), "files": .list(keys),
        ].filter { !$0.value.isNull }, input: .code)
      return try visit.redirect(
        to: "/r/\(Archive.entity)/\(archive.id)", saying: "已加入档案，第 \(line["position"].integer ?? 0) 件。")
    } catch let refusal as Refusal where [.invalid, .unprocessable, .conflict].contains(refusal.kind) {
      return try await self.form(visit, typed, [FieldError](refusal), status: refusal.kind.status)
    }
  }
}
