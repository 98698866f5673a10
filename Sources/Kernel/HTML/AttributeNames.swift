/// The name of a `data-…` attribute, written with its prefix so that a search for it finds both ends.
package struct DataName: Sendable, ExpressibleByStringLiteral {
  let attribute: StaticString

  /// - Precondition: the name starts with `data-`.
  package init(stringLiteral value: StaticString) {
    precondition(value.withUTF8Buffer { $0.starts(with: "data-".utf8) }, "not a data attribute")
    attribute = value
  }
}

/// The states and properties of WAI-ARIA 1.2 that the pages use.
package struct AriaName: Sendable {
  let attribute: StaticString

  package static let label = AriaName(attribute: "aria-label")
  package static let labelledby = AriaName(attribute: "aria-labelledby")
  package static let describedby = AriaName(attribute: "aria-describedby")
  package static let details = AriaName(attribute: "aria-details")
  package static let hidden = AriaName(attribute: "aria-hidden")
  package static let current = AriaName(attribute: "aria-current")
  package static let expanded = AriaName(attribute: "aria-expanded")
  package static let controls = AriaName(attribute: "aria-controls")
  package static let haspopup = AriaName(attribute: "aria-haspopup")
  package static let selected = AriaName(attribute: "aria-selected")
  package static let checked = AriaName(attribute: "aria-checked")
  package static let pressed = AriaName(attribute: "aria-pressed")
  package static let sort = AriaName(attribute: "aria-sort")
  package static let live = AriaName(attribute: "aria-live")
  package static let atomic = AriaName(attribute: "aria-atomic")
  package static let busy = AriaName(attribute: "aria-busy")
  package static let invalid = AriaName(attribute: "aria-invalid")
  package static let errormessage = AriaName(attribute: "aria-errormessage")
  package static let required = AriaName(attribute: "aria-required")
  package static let disabled = AriaName(attribute: "aria-disabled")
  package static let modal = AriaName(attribute: "aria-modal")
  package static let autocomplete = AriaName(attribute: "aria-autocomplete")
  package static let activedescendant = AriaName(attribute: "aria-activedescendant")
  package static let rowcount = AriaName(attribute: "aria-rowcount")
  package static let rowindex = AriaName(attribute: "aria-rowindex")
  package static let colcount = AriaName(attribute: "aria-colcount")
  package static let multiselectable = AriaName(attribute: "aria-multiselectable")
  package static let keyshortcuts = AriaName(attribute: "aria-keyshortcuts")
  package static let roledescription = AriaName(attribute: "aria-roledescription")
  package static let valuenow = AriaName(attribute: "aria-valuenow")
  package static let valuemin = AriaName(attribute: "aria-valuemin")
  package static let valuemax = AriaName(attribute: "aria-valuemax")
  package static let valuetext = AriaName(attribute: "aria-valuetext")
}
