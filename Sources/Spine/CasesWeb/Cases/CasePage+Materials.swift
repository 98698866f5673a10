import Cases
import Entities
import HTML
import Shell

/// The materials on the page of a case: what was handed in, as thumbnails that open the viewer.
extension CasePage {
  /// Whether there are files that the reader may see only after registering why.
  var hidesFiles: Bool { view.materials.contains { $0.masked.contains("files") } }

  var readAction: Action { Action("查阅材料影像", .dialog("/cases/\(view.id)/read"), style: .quiet, icon: .eye) }

  private var hasFiles: Bool {
    view.materials.contains { !$0.masked.contains("files") && !($0["files"].list ?? []).isEmpty }
  }

  private var isReader: Bool { view.access != .applicant && view.mine.isEmpty && view.reading != nil }

  var materialCard: HTML {
    if view.item.isInternal, view.materials.isEmpty { return .empty }
    let actions =
      hidesFiles
      ? [readAction] : hasFiles ? [Action("看影像", .link("/cases/\(view.id)/view"), style: .quiet, icon: .image)] : []
    return Card("申请材料", count: .exact(view.materials.count), actions: actions) {
      if view.materials.isEmpty { p(.class("blank")) { "没有提交材料。" } }
      ul(.class("material-grid")) {
        for material in view.materials { li { self.material(material) } }
      }
    }.html
  }

  private func material(_ material: Record) -> HTML {
    HTML {
      p(.class("material-name")) {
        strong { material["label"].text ?? "" }
        " "
        Badge(
          catalog.dictionary("material_state")?.label(of: material["state"].text ?? "") ?? "",
          material["state"].text == "rejected" ? .danger : .neutral)
      }
      verification(material)
      if material.masked.contains("files") {
        p(.class("field-help")) { "有文件。登记调阅事由后可以查看。" }
      } else {
        ul(.class("material-thumbs")) {
          for (index, key) in (material["files"].list ?? []).enumerated() {
            li { file(key, index + 1, of: material["label"].text ?? "") }
          }
        }
      }
    }
  }

  private func file(_ key: String, _ number: Int, of label: String) -> HTML {
    HTML {
      a(.class("material-thumb"), .href("/cases/\(view.id)/view?file=\(key)"), .title("看大图")) {
        img(.src("/cases/\(view.id)/pages/\(key)/1?size=thumb"), .alt("\(label) 文件 \(number)"), .loading("lazy"))
      }
      if !isReader {
        a(.class("material-file"), .href("/cases/\(view.id)/files/\(key)")) {
          Icon.document
          "文件 \(number)"
        }
      }
    }
  }
}
