import Access
import Cases
import Core
import Entities
import EntitiesWeb
import Files
import HTML
import HTTP
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
    let codes = store.catalog.dictionary("archive_item_kind")?.codes.filter { $0.code != "material" } ?? []
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
        "note", "说明", .text(typed.first("note"), .init(maximum: 200)), help: "更正的写明哪一件错在哪里", error: errors["note"]),
    ]
    return try await visit.page(
      "补充档案", status: status, crumbs: [Crumb("电子档案 \(archive["number"].text ?? "")", path)],
      subtitle: missing > 0 ? "还缺 \(missing) 份原件影像，补齐后自动归档。" : "原来的材料不动，加成新的一件。"
    ) {
      FormView(
        path: "/archives/\(archive.id)/add",
        sections: [Shell.FormSection(id: "item", archive["item_label"].text ?? "", fields: fields)], errors: errors,
        submit: Action("加入档案", .submit(name: nil, value: nil), style: .primary), cancelPath: path,
        isMultipart: true, note: "加入后不能修改或删除。")
    }
  }

  func add(_ visit: Visit) async throws -> Response {
    let archive = try await archive(visit)
    let form = try await visit.request.body.form()
    let typed = FormInput(
      Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 }))
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
