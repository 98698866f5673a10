import Core

extension MaterialKind {
  /// What is wrong with the date of issue of a material that stays valid for some months only (材料有效期).
  func expiry(_ handed: HandedMaterial, _ label: String, _ field: String, _ today: CivilDate) -> Refusal? {
    guard let validity, handed.way != .held else { return nil }
    let place = "\(field).issued"
    guard let issued = handed.issuedOn else {
      return Refusal(
        .invalid, "material-date", "“\(label)”自签发之日起 \(validity) 个月内有效，请填写签发日期。", field: place)
    }
    if issued > today {
      return Refusal(.invalid, "material-date", "“\(label)”的签发日期 \(issued) 晚于今天，请对照证件核对。", field: place)
    }
    let last = issued.adding(months: validity)
    if today <= last { return nil }
    return Refusal(
      .unprocessable, "material-expired", "“\(label)”已于 \(last) 过期（\(issued) 签发，有效期 \(validity) 个月）。请到签发机关重新开具，再来申请。",
      field: place)
  }
}
