import Access
import Cases
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Comparing whoever stands at the window with the photograph on record (人证一致核验, C-062, C-273).
extension CaseRoutes {
  func registerFace(in router: inout Router) {
    router.on(.get, "/cases/{id}/face", at: site) { visit in try await facePage(visit, try await view(visit)) }
    router.on(.post, "/cases/{id}/face", maximumBody: CaseStore.largestFace + (1 << 20), at: site) { visit in
      try await compare(visit)
    }
  }

  private func people(_ view: CaseView) -> [ComparedPerson] {
    // A newborn has no card to be compared with.
    let document = view.record["subject_document"]
    let hasSubject = !document.isBlank || view.record.masked.contains("subject_document")
    return hasSubject && document != view.record["applicant_document"] ? [.applicant, .subject] : [.applicant]
  }

  private func facePage(
    _ visit: Visit, _ view: CaseView, _ errors: [FieldError] = [], chosen: String = "", status: Int = 200
  )
    async throws -> Response
  {
    guard cases.mayCompare(view, visit.principal) else {
      throw Refusal(.forbidden, "face-foreign", "只有正在办理或受理这件事的人可以比对人像。请从待办进入。")
    }
    let people = people(view)
    let bridge = try DeviceBridge(cases.parameters)
    let response = try await visit.page(
      "人像比对", status: status, crumbs: [Crumb("办件 \(view.record["number"].text ?? "")", "/cases/\(view.id)")],
      subtitle: "现场拍一张照片，与公安登记的照片比对", scripts: bridge == nil ? [] : [.bridge]
    ) {
      if let bridge { bridge.marker() }
      FormView(
        path: "/cases/\(view.id)/face",
        sections: [
          FormSection(
            id: "face", "现场照片",
            fields: [
              Shell.Field(
                "person", "比对谁",
                .radio(
                  chosen.isEmpty ? people[0].rawValue : chosen,
                  people.map {
                    Choice($0.rawValue, $0.label, detail: view.record["\($0.rawValue)_name"].text)
                  }), isRequired: true, error: errors["person"]),
              Shell.Field(
                "photo", "照片",
                .file(
                  Control.FileField(
                    accept: "image/jpeg,image/png", opensCamera: true, limit: "正面免冠，五官清楚；只用于这一次比对，不保存", shrinks: true)),
                isRequired: true, error: errors["photo"]),
            ])
        ], errors: errors, submit: Action("比对", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/cases/\(view.id)", isMultipart: true)
    }
    return bridge?.admitted(by: response) ?? response
  }

  private func compare(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let form = try await visit.request.body.form()
    do {
      guard let person = form.first("person").flatMap({ ComparedPerson(rawValue: $0) }), people(view).contains(person)
      else { throw Refusal(.invalid, "face-person", "请选择比对谁。", field: "person") }
      guard let file = form.files("photo").first(where: { $0.size > 0 }) else {
        throw Refusal(.invalid, "face-photo", "还没有照片，没有比对。请拍一张。", field: "photo")
      }
      let found = try await cases.compareFace(
        of: person, photo: try file.bytes(upTo: CaseStore.largestFace), in: view.id, by: visit.principal,
        origin: visit.request.origin)
      if visit.wantsJSON { return .json(["result": .string(found.result.rawValue), "note": .string(found.note)]) }
      return try visit.redirect(
        to: "/cases/\(view.id)", saying: "\(person.label)：\(found.note)。", tone: CasePage.tone(found.result))
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .tooLarge].contains(refusal.kind)
    {
      return try await facePage(
        visit, view, [FieldError](refusal), chosen: form.first("person") ?? "", status: refusal.kind.status)
    }
  }
}
