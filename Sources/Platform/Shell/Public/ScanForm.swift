package import HTML

/// Opens a plate by its code: with the camera where the browser can (`js/scan.js`), by typing everywhere.
package struct ScanForm: HTMLConvertible, Sendable {
  let path: String
  let value: String
  let error: String?

  /// - Parameters:
  ///   - path: `GET ?code=` leads to the scanned plate; the code may be the whole address a QR code holds.
  ///   - value: what was typed before.
  ///   - error: why that found nothing.
  package init(path: String, value: String = "", error: String? = nil) {
    self.path = path
    self.value = value
    self.error = error
  }

  package var html: HTML {
    div(.class("scan"), .data("data-scan")) {
      p(.class("scan-status"), .role("status"), .data("data-scan-status"))
      form(.class("scan-form"), .action(path)) {
        Field(
          "code", "门牌编码", .text(value, .init(maximum: 200, placeholder: "门牌上的编码", width: 30, isCode: true)),
          help: "编码印在门牌右下角，不分大小写。", error: error)
        Action("打开门牌", .submit(name: nil, value: nil), style: .primary)
      }
    }
  }
}
