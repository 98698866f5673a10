package import HTML

/// One row of a form or one filter: what is asked, how, and what was wrong with the answer.
package struct Field: Sendable {
  /// The name it is sent under.
  package let name: String
  package let label: String
  package var control: Control
  package var isRequired: Bool
  package var help: String?
  /// What is wrong and what to do, after a failed check.
  package var error: String?
  /// Where a prefilled value comes from: `来自房产登记 2026-11-20`.
  package var source: String?
  package var isReadOnly: Bool
  /// Never kept in a draft on this device (personal data).
  package var isPrivate: Bool
  /// Asks the server for the form again when it changes, because other fields depend on it.
  package var refreshesForm: Bool

  package init(
    _ name: String, _ label: String, _ control: Control, isRequired: Bool = false, help: String? = nil,
    error: String? = nil, source: String? = nil, isReadOnly: Bool = false, isPrivate: Bool = false,
    refreshesForm: Bool = false
  ) {
    self.name = name
    self.label = label
    self.control = control
    self.isRequired = isRequired
    self.help = help
    self.error = error
    self.source = source
    self.isReadOnly = isReadOnly
    self.isPrivate = isPrivate
    self.refreshesForm = refreshesForm
  }

  /// The id of the first input, which error summaries link to.
  package var inputID: String { "f-\(name)" }

  private var describedBy: String? {
    var ids: [String] = []
    if error != nil { ids.append("\(inputID)-error") }
    if help != nil { ids.append("\(inputID)-help") }
    if source != nil { ids.append("\(inputID)-source") }
    return ids.isEmpty ? nil : ids.joined(separator: " ")
  }

  /// What every input of this field carries.
  var common: Attribute {
    .all([
      .required(isRequired), .readonly(isReadOnly), .aria(.describedby, describedBy),
      .when(error != nil, .aria(.invalid, true)), .when(isPrivate, .data("data-private")),
      .when(refreshesForm, .data("data-refresh")),
    ])
  }

  private var isGroup: Bool {
    switch control {
    case .radio, .checkboxes, .dateRange, .numberRange, .point: true
    default: false
    }
  }

  private var width: String {
    switch control {
    case .text(_, let traits):
      switch traits.width ?? traits.maximum ?? 40 {
      case ...8: "field-xs"
      case ...20: "field-s"
      default: "field-m"
      }
    case .number, .money, .date, .dateTime, .month: "field-s"
    case .select, .reference, .dateRange, .numberRange, .point, .password: "field-m"
    default: "field-l"
    }
  }

  /// The row in a form.
  package var html: HTML {
    let look = Attribute.all([
      .class("field \(width)"), .class(error == nil ? nil : "has-error"), .data("data-field", name),
    ])
    if isGroup {
      return fieldset(look, .aria(.describedby, describedBy)) {
        legend { caption }
        around
      }
    }
    return div(look) {
      if case .checkbox = control {
        if !label.isEmpty { p(.class("field-label")) { caption } }
      } else if case .fixed = control {
        p(.class("field-label")) { caption }
      } else {
        element("label", .class("field-label"), .for(inputID)) { caption }
      }
      around
    }
  }

  private var caption: HTML {
    HTML {
      label
      if isRequired {
        span(.class("must"), .aria(.hidden, true)) { "*" }
        hiddenText("（必填）")
      }
    }
  }

  private var around: HTML {
    HTML {
      if let help { p(.class("field-help"), .id("\(inputID)-help")) { help } }
      ControlView(field: self).html
      if let error {
        p(.class("field-error"), .id("\(inputID)-error")) {
          Icon.error
          error
        }
      }
      if let source {
        p(.class("field-source"), .id("\(inputID)-source")) {
          Icon.database
          source
        }
      }
    }
  }

  /// The field in a filter bar: label beside, no help.
  var filterHTML: HTML {
    if isGroup {
      return fieldset(.class("filter")) {
        legend { label }
        ControlView(field: self).html
      }
    }
    return div(.class("filter")) {
      if case .checkbox = control {} else { element("label", .for(inputID)) { label } }
      ControlView(field: self).html
    }
  }
}

extension Field: HTMLConvertible {}
