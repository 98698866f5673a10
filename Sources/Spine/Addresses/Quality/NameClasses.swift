/// Which names of roads and compounds are one name: official aliases, and slips of the pen (异写).
///
/// Slips join names of the same district only, and are to be believed only of places next to each other.
struct NameClasses: Sendable {
  enum Kind: Sendable, Hashable { case road, compound }

  struct Name: Sendable, Hashable {
    let district: String
    let kind: Kind
    /// As ``AddressKey`` writes it.
    let text: String
  }

  private var official: [Name: String] = [:]
  private var slips: [Name: String] = [:]

  init() {}

  /// `other` is or was an official name of `name`.
  mutating func add(alias other: Name, of name: String) {
    if other.text != name { official[other] = name }
  }

  /// The name that stands for all official names of it.
  func standard(_ name: Name) -> String { official[name] ?? name.text }

  /// The name that stands for it and for those that are written nearly alike.
  func representative(_ name: Name) -> String {
    let standard = standard(name)
    return slips[Name(district: name.district, kind: name.kind, text: standard)] ?? standard
  }

  /// Joins the names that differ by one slip of the pen: characters that read or look alike, two that changed places;
  /// for compounds also one too few or too many.
  mutating func join(_ names: Set<Name>, _ likeness: CharacterLikeness) {
    var near: [Name: [String]] = [:]
    for name in names where name.text.unicodeScalars.count >= 3 {
      let scalars = Array(name.text.unicodeScalars)
      var forms: Set<String> = [name.text]
      for index in scalars.indices {
        var form = String.UnicodeScalarView()
        form.append(contentsOf: scalars[..<index])
        form.append(contentsOf: scalars[(index + 1)...])
        forms.insert(String(form))
      }
      for form in forms {
        near[Name(district: name.district, kind: name.kind, text: form), default: []].append(name.text)
      }
    }
    var parents: [Name: String] = [:]
    func root(_ name: Name) -> String {
      var text = name.text
      while let next = parents[Name(district: name.district, kind: name.kind, text: text)] { text = next }
      return text
    }
    for (form, texts) in near where texts.count > 1 {
      let sorted = texts.sorted()
      for (index, one) in sorted.enumerated() {
        for other in sorted[(index + 1)...] where NameClasses.isSlip(one, other, form.kind, likeness) {
          let a = root(Name(district: form.district, kind: form.kind, text: one))
          let b = root(Name(district: form.district, kind: form.kind, text: other))
          if a != b { parents[Name(district: form.district, kind: form.kind, text: max(a, b))] = min(a, b) }
        }
      }
    }
    for name in names {
      let first = root(name)
      if first != name.text { slips[name] = first }
    }
  }

  private static func isSlip(_ one: String, _ other: String, _ kind: Kind, _ likeness: CharacterLikeness) -> Bool {
    let written = other.unicodeScalars.map(\.value)
    switch likeness.slip(from: one.unicodeScalars.map(\.value), to: written[...]) {
    case .alike, .swapped: return true
    case .missing, .added: return kind == .compound
    case .other, .telling, nil: return false
    }
  }
}
