package import HTTP
package import Shell

/// Why somebody looks at personal data (查看事由): one of a list, and a note where there is room for it.
package enum LookPurpose {
  private static let all = ["走访核实", "案件办理", "群众求助", "证件办理", "数据核对"]

  /// For the field `purpose` of a form.
  package static var choices: [Choice] { all.map { Choice($0, $0) } }

  /// What the form says, with the `note` behind it; `nil` without a purpose of the list.
  package static func stated(_ form: FormData) -> String? {
    guard let purpose = form.first("purpose"), all.contains(purpose) else { return nil }
    let note = form.first("note") ?? ""
    return note.isEmpty ? purpose : "\(purpose)：\(note.prefix(100))"
  }

  /// The question before something personal is shown, as a dialog or a page of its own.
  package static func question(
    _ title: String, consequence: String, path: String, submit: String, cancel: String, error: String? = nil
  ) -> Confirmation {
    Confirmation(
      title: title, consequences: [consequence],
      fields: [
        Field("purpose", "用途", .select("", choices), isRequired: true, error: error),
        Field("note", "说明", .text("", .init(maximum: 100, placeholder: "例如：接处警编号、走访事由"))),
      ], errors: error.map { [FieldError("purpose", $0)] } ?? [], path: path, submit: submit, cancelPath: cancel)
  }
}
