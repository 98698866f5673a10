/// A choice among several.
package struct Choice: Sendable, Hashable {
  /// What is sent.
  package let value: String
  package let label: String
  /// A second line that helps to choose.
  package var detail: String?
  /// The heading it stands under, in a list of groups.
  package var group: String?

  package init(_ value: String, _ label: String, detail: String? = nil, group: String? = nil) {
    self.value = value
    self.label = label
    self.detail = detail
    self.group = group
  }
}

/// How a value is asked for. Values are the strings that were typed, valid or not: a form shows them again unchanged.
package indirect enum Control: Sendable {
  case text(String, TextTraits = TextTraits())
  case longText(String, rows: Int = 4, maximum: Int? = nil)
  case password(autocomplete: String)
  /// - Parameter unit: stands behind the field: `㎡`, `层`.
  case number(String, unit: String? = nil, minimum: String? = nil, maximum: String? = nil, step: String? = nil)
  /// An amount in yuan; scripts show it in capitals (大写) below.
  case money(String)
  case date(String, minimum: String? = nil, maximum: String? = nil)
  case dateTime(String)
  case dateRange(from: String, to: String)
  case numberRange(from: String, to: String, unit: String? = nil)
  case month(String)
  /// One of up to some hundred; `blank` is the label of the empty choice, `nil` when there is none.
  case select(String, [Choice], blank: String? = "请选择")
  /// One of a few, all visible.
  case radio(String, [Choice])
  case checkbox(Bool, caption: String)
  /// Any of a few.
  case checkboxes(Set<String>, [Choice])
  case reference(Reference)
  case point(Point)
  case file(FileField)
  /// Something shown and not asked.
  case fixed(String)

  /// What a one-line field takes.
  package struct TextTraits: Sendable, Hashable {
    package var maximum: Int?
    package var placeholder: String?
    /// `text`, `tel`, `email`, `search`, `url`.
    package var type: String
    /// Which keyboard a phone opens: `numeric`, `decimal`, `tel`.
    package var inputMode: String?
    package var autocomplete: String?
    /// About how many characters it holds, which gives its width.
    package var width: Int?
    /// Codes and identifiers: tabular figures.
    package var isCode: Bool

    package init(
      maximum: Int? = nil, placeholder: String? = nil, type: String = "text", inputMode: String? = nil,
      autocomplete: String? = nil, width: Int? = nil, isCode: Bool = false
    ) {
      self.maximum = maximum
      self.placeholder = placeholder
      self.type = type
      self.inputMode = inputMode
      self.autocomplete = autocomplete
      self.width = width
      self.isCode = isCode
    }

    /// 手机或固定电话.
    package static let phone = TextTraits(maximum: 20, type: "tel", inputMode: "tel", width: 14, isCode: true)
    /// 公民身份号码.
    package static let residentID = TextTraits(maximum: 18, placeholder: "18 位", width: 20, isCode: true)
    /// 统一社会信用代码.
    package static let creditCode = TextTraits(maximum: 18, placeholder: "18 位", width: 20, isCode: true)
  }

  /// Another record, found by typing.
  ///
  /// With scripts a list of matches opens below the field: `GET source?q=…` answers
  /// `{"items":[{"value","label","detail"}]}`. Without scripts the text is sent as `<name>.text`, and the server either
  /// takes the only match or shows the form again with `candidates`.
  package struct Reference: Sendable {
    package var value: String
    /// How the chosen record is called, or what was typed.
    package var text: String
    package var source: String
    /// What to choose from when the text named several.
    package var candidates: [Choice]
    package var placeholder: String?
    /// Where a missing record can be added.
    package var createPath: String?

    package init(
      value: String, text: String, source: String, candidates: [Choice] = [], placeholder: String? = nil,
      createPath: String? = nil
    ) {
      self.value = value
      self.text = text
      self.source = source
      self.candidates = candidates
      self.placeholder = placeholder
      self.createPath = createPath
    }
  }

  /// A place in degrees (CGCS2000), sent as `<name>.lon` and `<name>.lat`.
  package struct Point: Sendable, Hashable {
    package var longitude: String
    package var latitude: String
    /// Where the map opens while there is no point: longitude, latitude, zoom.
    package var start: String?
    /// Sends beside it what the device measured, before any correction (纠偏): `<name>.measured.lon`, `….lat` and the
    /// accuracy in metres as `<name>.accuracy`; buttons nudge the place by metres.
    package var keepsMeasured: Bool

    package init(longitude: String, latitude: String, start: String? = nil, keepsMeasured: Bool = false) {
      self.longitude = longitude
      self.latitude = latitude
      self.start = start
      self.keepsMeasured = keepsMeasured
    }
  }

  package struct FileField: Sendable {
    /// `image/*,.pdf`.
    package var accept: String?
    package var allowsSeveral: Bool
    /// Opens the camera of a phone at once.
    package var opensCamera: Bool
    package var limit: String?
    /// Large photographs are made smaller before they are sent (C-264); without scripts they go as they are.
    package var shrinks: Bool
    package var present: [PresentFile]

    package init(
      accept: String? = nil, allowsSeveral: Bool = false, opensCamera: Bool = false, limit: String? = nil,
      shrinks: Bool = false, present: [PresentFile] = []
    ) {
      self.accept = accept
      self.allowsSeveral = allowsSeveral
      self.opensCamera = opensCamera
      self.limit = limit
      self.shrinks = shrinks
      self.present = present
    }
  }

  /// A file that is already held; `<name>.remove=<id>` is sent when it is to go.
  package struct PresentFile: Sendable, Hashable {
    package let id: String
    package let name: String
    package let path: String
    /// `1.2 MB · 2026-11-21`.
    package let detail: String
    package let thumbnail: String?

    package init(id: String, name: String, path: String, detail: String, thumbnail: String? = nil) {
      self.id = id
      self.name = name
      self.path = path
      self.detail = detail
      self.thumbnail = thumbnail
    }
  }
}
