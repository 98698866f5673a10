import HTML

/// Draws a field's control.
struct ControlView {
  let field: Field

  private var id: String { field.inputID }
  private var name: String { field.name }

  var html: HTML {
    switch field.control {
    case .text(let value, let traits): text(value, traits)
    case .longText(let value, let rows, let maximum):
      textarea(.id(id), .name(name), .rows(rows), .maxlength(maximum), .class("input"), field.common, value: value)
    case .password(let autocomplete):
      input(
        .id(id), .name(name), .type("password"), .class("input"), .autocomplete(autocomplete), .data("data-private"),
        field.common)
    case .number(let value, let unit, let minimum, let maximum, let step):
      withUnit(unit) {
        input(
          .id(id), .name(name), .value(value), .type("number"), .class("input number"), .min(minimum), .max(maximum),
          .step(step), .inputmode(step == nil || step == "1" ? "numeric" : "decimal"), field.common)
      }
    case .money(let value): money(value)
    case .date(let value, let minimum, let maximum):
      input(
        .id(id), .name(name), .value(value), .type("date"), .class("input number"), .min(minimum), .max(maximum),
        field.common)
    case .dateTime(let value): plain("datetime-local", value)
    case .month(let value): plain("month", value)
    case .dateRange(let from, let to): range("date", from, to, unit: nil)
    case .numberRange(let from, let to, let unit): range("number", from, to, unit: unit)
    case .select(let value, let choices, let blank):
      select(.id(id), .name(name), .class("input"), .disabled(field.isReadOnly), field.common) {
        if let blank { option(.value("")) { blank } }
        ChoiceView.options(choices, selected: value)
      }
    case .radio(let value, let choices): ChoiceView(field: field, choices: choices).radios(selected: value)
    case .checkboxes(let values, let choices):
      ChoiceView(field: field, choices: choices).checkboxes(selected: values)
    case .checkbox(let isOn, let caption):
      label(.class("check")) {
        input(.id(id), .name(name), .type("checkbox"), .value("true"), .checked(isOn), field.common)
        span { caption }
      }
    case .reference(let reference): ReferenceView(field: field, reference: reference).html
    case .point(let point): PointView(field: field, point: point).html
    case .file(let file): FileView(field: field, file: file).html
    case .fixed(let value): p(.class("fixed")) { value }
    }
  }

  private func text(_ value: String, _ traits: Control.TextTraits) -> HTML {
    input(
      .id(id), .name(name), .value(value), .type(traits.type), .class("input"), .class(traits.isCode ? "number" : nil),
      .maxlength(traits.maximum), .placeholder(traits.placeholder), .inputmode(traits.inputMode),
      .autocomplete(traits.autocomplete ?? "off"), field.common)
  }

  private func plain(_ type: String, _ value: String) -> HTML {
    input(.id(id), .name(name), .value(value), .type(type), .class("input number"), field.common)
  }

  private func money(_ value: String) -> HTML {
    withUnit("元") {
      input(
        .id(id), .name(name), .value(value), .type("text"), .class("input number"), .inputmode("decimal"),
        .autocomplete("off"), .data("data-money"), field.common)
    }
  }

  private func withUnit(_ unit: String?, @HTMLBuilder _ content: () -> HTML) -> HTML {
    guard let unit else { return content() }
    let inner = content()
    return div(.class("with-unit")) {
      inner
      span(.class("unit-text")) { unit }
    }
  }

  private func range(_ type: String, _ from: String, _ to: String, unit: String?) -> HTML {
    div(.class("range")) {
      input(
        .id(id), .name("\(name).from"), .value(from), .type(type), .class("input number"),
        .aria(.label, "\(field.label)，从"))
      span(.aria(.hidden, true)) { "至" }
      input(
        .name("\(name).to"), .value(to), .type(type), .class("input number"), .aria(.label, "\(field.label)，到"))
      if let unit { span(.class("unit-text")) { unit } }
    }
  }
}

/// Choices as options, radio buttons or checkboxes.
struct ChoiceView {
  let field: Field
  let choices: [Choice]

  static func options(_ choices: [Choice], selected: String) -> HTML {
    var groups: [(String?, [Choice])] = []
    for choice in choices {
      if let last = groups.last, last.0 == choice.group {
        groups[groups.count - 1].1.append(choice)
      } else {
        groups.append((choice.group, [choice]))
      }
    }
    return HTML {
      for (group, members) in groups {
        if let group {
          optgroup(.custom("label", group)) { plain(members, selected) }
        } else {
          plain(members, selected)
        }
      }
    }
  }

  private static func plain(_ choices: [Choice], _ selected: String) -> HTML {
    .joined(
      choices.map { choice in
        option(.value(choice.value), .selected(choice.value == selected)) { choice.label }
      })
  }

  func radios(selected: String) -> HTML {
    div(.class("choices")) {
      for (index, choice) in choices.enumerated() {
        row(choice, index, type: "radio", isOn: choice.value == selected)
      }
    }
  }

  func checkboxes(selected: Set<String>) -> HTML {
    div(.class("choices")) {
      for (index, choice) in choices.enumerated() {
        row(choice, index, type: "checkbox", isOn: selected.contains(choice.value))
      }
    }
  }

  private func row(_ choice: Choice, _ index: Int, type: String, isOn: Bool) -> HTML {
    label(.class("check")) {
      input(
        .id(index == 0 ? field.inputID : nil), .name(field.name), .type(type), .value(choice.value), .checked(isOn),
        .required(type == "radio" && field.isRequired), .disabled(field.isReadOnly && !isOn),
        .when(field.isPrivate, .data("data-private")), .when(field.refreshesForm, .data("data-refresh")))
      span {
        choice.label
        if let detail = choice.detail { small { detail } }
      }
    }
  }
}
