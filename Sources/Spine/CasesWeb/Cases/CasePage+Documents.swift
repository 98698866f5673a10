import Cases
import Core
import Entities
import EntitiesWeb
import HTML
import Papers
import Shell

extension CasePage {
  /// Papers that are made of the case itself.
  var documentActions: [Action] {
    var actions = [Action("打印申请表", .link("/cases/\(view.id)/form.pdf"), style: .quiet, icon: .print)]
    if mayPrint, view.record["state"] == .text("completed"), view.record["delivery"].text != "courier" {
      actions.append(Action("打印催领单", .dialog("/papers/collection_notice/service_case/\(view.id)"), style: .quiet))
    }
    return actions
  }

  /// What a case resulted in, with what can be done with it.
  var documentCard: HTML {
    if view.documents.isEmpty { return .empty }
    return Card("证照和证明", count: .exact(view.documents.count)) {
      ul(.class("material-grid")) { for document in view.documents { li { self.document(document) } } }
    }.html
  }

  private func document(_ document: Record) -> HTML {
    let isValid = document[IssuedDocument.state] == "valid"
    return HTML {
      p(.class("material-name")) {
        strong { document[IssuedDocument.label] ?? "" }
        " "
        Badge(isValid ? "有效" : "已作废", isValid ? .success : .danger)
      }
      p(.class("field-help")) {
        span(.class("number")) { document[IssuedDocument.number] ?? "" }
        if let until = document[IssuedDocument.validUntil] { "，有效期至 \(until.description)" }
        if !isValid, let reason = document["void_reason"].text { "：\(reason)" }
      }
      if isValid {
        if view.access == .applicant {
          Action("下载", .download("/cases/\(view.id)/papers/\(document.id)"))
        } else if mayPrint {
          Action(
            (document[IssuedDocument.prints] ?? 0) == 0 ? "打印" : "再次打印", .dialog("/issued/\(document.id)/print"),
            style: (document[IssuedDocument.prints] ?? 0) == 0 ? .primary : .normal)
        }
      }
    }
  }

  /// The sections of the form and the materials, as they stand on the page.
  var formSlots: [String: [DocumentContent.Group]] {
    let display = FieldDisplay(catalog: catalog)
    let form = formSections.map { section in
      DocumentContent.Group(
        label: section.label,
        items: section.fields.map { field in
          let text = display.text(field, of: section.record)
          return (field.label, field.unit.map { "\(text) \($0)" } ?? text)
        })
    }
    let states = catalog.dictionary("material_state")
    let materials = DocumentContent.Group(
      label: "申请材料（\(view.materials.count) 项）",
      items: view.materials.enumerated().map { index, material in
        (
          "材料 \(index + 1)",
          "\(material["label"].text ?? "")（\(states?.label(of: material["state"].text ?? "") ?? "")）"
        )
      })
    return ["form": form, "materials": view.materials.isEmpty ? [] : [materials]]
  }

  /// The ways that the form's register declares to what belongs to it, such as the plates of an application.
  var formLinks: [Action] {
    guard let form = view.form, let entity = catalog.entity(view.item.form) else { return [] }
    let register = Register(entity, catalog: catalog, context: context, divisions: divisions)
    return register.links(of: form, may: may).filter { $0.path != "/cases/\(view.id)" }.map(\.action)
  }

  /// The history for paper: each step with who, what came of it and the opinion.
  var processSlot: DocumentContent.Group {
    DocumentContent.Group(
      label: "受理审批过程",
      items: view.events.map { event in
        let who = [event.unit, event.actor].compactMap(\.self).joined(separator: " ")
        let opinion = event.opinion.map { "；意见：\($0)" } ?? ""
        return (event.step ?? event.label, "\(event.title)，\(who)，\(event.at.display)\(opinion)")
      })
  }

  /// What was filled in, by sections: as the page shows it and the printed form.
  var formSections: [(label: String, record: Record, fields: [FieldDeclaration])] {
    var sections: [(label: String, record: Record, fields: [FieldDeclaration])] = []
    for (name, record) in [(ServiceCase.entity, Optional(view.record)), (view.item.form, view.form)] {
      guard let record, let entity = catalog.entity(name) else { continue }
      let register = Register(entity, catalog: catalog, context: context, divisions: divisions)
      for section in register.sections {
        let fields = section.fields.filter {
          $0.editable && !$0.hidden && !record[$0.name].isBlank && !view.item.hidden.contains($0.name)
            && register.isVisible($0, in: record) && !(view.item.isInternal && $0.name == "relation")
        }
        if !fields.isEmpty { sections.append((section.label, record, fields)) }
      }
    }
    // Where it goes and how it comes back stand last, as on the form.
    let isLast = { (fields: [FieldDeclaration]) in fields.contains { ["division_code", "delivery"].contains($0.name) } }
    return sections.filter { !isLast($0.fields) } + sections.filter { isLast($0.fields) }
  }
}
