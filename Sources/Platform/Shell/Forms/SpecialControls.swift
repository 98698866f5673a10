import HTML

/// A field that finds another record by typing (`js/picker.js`).
struct ReferenceView {
  let field: Field
  let reference: Control.Reference

  private var id: String { field.inputID }

  var html: HTML {
    div(.class("picker"), .data("data-picker", reference.source)) {
      input(
        .type("hidden"), .name(field.name), .value(reference.value), .data("data-picker-value"),
        .when(field.isPrivate, .data("data-private")))
      div(.class("picker-box")) {
        Icon.search
        input(
          .id(id), .name("\(field.name).text"), .value(reference.text), .type("text"), .class("input"),
          .autocomplete("off"), .spellcheck(false), .data("data-picker-text"),
          .placeholder(reference.placeholder ?? "输入名称或编码查找"), field.common)
        ul(.id("\(id)-list"), .class("picker-list"), .role("listbox"), .aria(.label, field.label), .hidden())
      }
      if !reference.candidates.isEmpty { candidates }
      if let path = reference.createPath {
        a(.class("picker-create"), .href(path), .target("_blank")) { "没有找到？新建\(field.label)" }
      }
    }
  }

  private var candidates: HTML {
    div(.class("choices picker-candidates"), .role("group"), .aria(.label, "“\(reference.text)”对应多条，请选一条")) {
      for choice in reference.candidates {
        label(.class("check")) {
          input(.type("radio"), .name("\(field.name).choice"), .value(choice.value))
          span {
            choice.label
            if let detail = choice.detail { small { detail } }
          }
        }
      }
    }
  }
}

/// A place: two coordinates, the device's own position, or a click on a map (`js/point.js`).
struct PointView {
  let field: Field
  let point: Control.Point

  var html: HTML {
    div(.class("point"), .data("data-point"), .data("data-start", point.start)) {
      div(.class("point-inputs")) {
        coordinate("lon", "经度", point.longitude, id: field.inputID)
        coordinate("lat", "纬度", point.latitude, id: "\(field.inputID)-lat")
        if !field.isReadOnly {
          button(.type("button"), .class("button button-normal"), .data("data-point-here")) {
            Icon.locate
            span { "用我的位置" }
          }
          button(.type("button"), .class("button button-normal"), .data("data-point-map")) {
            Icon.map
            span { "在地图上选" }
          }
        }
      }
      if point.keepsMeasured, !field.isReadOnly { correction }
      p(.class("point-status"), .role("status"), .data("data-point-status"))
      div(.class("point-canvas"), .data("data-point-canvas"), .hidden())
    }
  }

  /// What the device measured, and moving the place from there (纠偏).
  private var correction: HTML {
    HTML {
      for part in ["measured.lon", "measured.lat", "accuracy"] {
        input(.type("hidden"), .name("\(field.name).\(part)"), .value(""), .data("data-point-measured", part))
      }
      div(.class("point-nudges"), .role("group"), .aria(.label, "微调位置，每次 2 米"), .hidden(), .data("data-point-nudges")) {
        for (direction, label, icon) in PointView.nudges {
          button(.type("button"), .class("button button-normal"), .data("data-point-nudge", direction)) {
            icon
            span { label }
          }
        }
      }
    }
  }

  private static let nudges: [(String, String, Icon)] = [
    ("north", "北", .up), ("south", "南", .down), ("west", "西", .left), ("east", "东", .right),
  ]

  private func coordinate(_ part: String, _ name: String, _ value: String, id: String) -> HTML {
    HTML {
      label(.for(id)) { name }
      input(
        .id(id), .name("\(field.name).\(part)"), .value(value), .type("text"), .class("input number"),
        .inputmode("decimal"), .placeholder(part == "lon" ? "107.468" : "31.209"), field.common)
    }
  }
}

/// Files to send, and those already held.
struct FileView {
  let field: Field
  let file: Control.FileField

  var html: HTML {
    div(.class("files"), .data("data-files")) {
      if !file.present.isEmpty { present }
      div(.class("file-drop")) {
        input(
          .id(field.inputID), .name(field.name), .type("file"), .class("file-input"), .accept(file.accept),
          .multiple(file.allowsSeveral), .capture(file.opensCamera ? "environment" : nil),
          .when(file.shrinks, .data("data-shrink")),
          .required(field.isRequired && file.present.isEmpty), .aria(.describedby, "\(field.inputID)-limit"))
        // The browser's own button speaks the browser's language; this label stands in front of it and opens the same.
        span(.class("button button-normal file-button"), .aria(.hidden, true)) {
          Icon.upload
          span { file.opensCamera ? "拍照或选择图片" : "选择文件" }
        }
        p(.id("\(field.inputID)-limit"), .class("field-help")) { file.limit ?? "可以拖放到这里" }
      }
      ul(.class("file-chosen"), .data("data-file-chosen"))
    }
  }

  private var present: HTML {
    ul(.class("file-list")) {
      for item in file.present {
        li {
          if let thumbnail = item.thumbnail {
            img(.src(thumbnail), .alt(""), .width(48), .height(48), .loading("lazy"))
          } else {
            Icon.document
          }
          a(.href(item.path)) { item.name }
          small { item.detail }
          label(.class("check")) {
            input(.type("checkbox"), .name("\(field.name).remove"), .value(item.id))
            span { "移除" }
          }
        }
      }
    }
  }
}
