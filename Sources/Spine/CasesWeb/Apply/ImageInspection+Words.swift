import Cases
import Files

/// What people read of the quality of what they upload (材料电子化质量, C-325): told where the file stands, never refused.
extension ImageInspection {
  /// Size, and what is wrong with the picture: `820 KB，图片过暗、模糊，建议重拍`.
  func detail(of file: StoredFile) async -> String {
    let size = "\((file.size + 1023) / 1024) KB"
    guard PageImages.canDraw(file) else { return size }
    let faults = await complaints(about: file.key)
    return faults.isEmpty ? size : "\(size)，图片\(faults.joined(separator: "、"))，建议重拍"
  }

  /// One sentence about all papers that were handed in and may not be legible; `nil` when all are.
  func doubts(about materials: [HandedMaterial], of item: ServiceItem) async -> String? {
    var named: [String] = []
    for material in materials {
      var faults: [String] = []
      for key in material.files { faults += await complaints(about: key).filter { !faults.contains($0) } }
      guard !faults.isEmpty else { continue }
      let label = item.materials.first { $0.name == material.requirement }?.label ?? material.requirement
      named.append("“\(label)”（\(faults.joined(separator: "、"))）")
    }
    if named.isEmpty { return nil }
    return "\(named.joined(separator: "、"))的图片可能看不清，工作人员审核时会请您补交。"
  }
}
