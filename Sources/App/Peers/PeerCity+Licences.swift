import Core
package import Crypto
import Documents
import Foundation

/// The system of electronic licences: everybody whom the city knows has a household register and an identity card without
/// end, and a marriage certificate; whose number ends in 7 has none. Identity cards end, of whose number ends in 5 in 2020.
extension PeerCity {
  /// The key of a system that exists nowhere: known to everybody.
  private static let licenceSigner: SM2PrivateKey? = try? SM2PrivateKey(
    scalar: SecretBytes(Digest.sm3(Array("lifang-peer-electronic-licence".utf8))))

  /// What has to be set as `signature.licence_key`.
  package static var licenceKey: String { licenceSigner.map { Hex.encode($0.publicKey.point) } ?? "" }

  private static let licences: [String: (name: String, issuer: String, mark: String)] = [
    "household_register": ("居民户口簿", "达州市公安局", "HKB"), "resident_card": ("居民身份证", "达州市公安局通川区分局", "SFZ"),
    "marriage_certificate": ("结婚证", "达州市通川区民政局", "JHZ"),
  ]

  func licence(_ request: JSON) -> JSON {
    let (type, document) = (request["licence_type"]?.string ?? "", request["holder_document"]?.string ?? "")
    let holder = request["holder_name"]?.string ?? ""
    guard let licence = PeerCity.licences[type], !document.hasSuffix("7") else {
      return ["result": "none", "message": "证照库里没有您的这份证照"]
    }
    let number = "\(licence.mark)\(Hex.encode(Array(Digest.sm3(Array(document.utf8)).prefix(6))).uppercased())"
    let issued = "2010-05-12"
    let ends = type == "resident_card" ? document.hasSuffix("5") ? "2020-05-12" : "2040-05-12" : nil
    guard let file = try? paper(licence.name, licence.issuer, number, holder, issued) else {
      return ["result": "refused", "message": "证照文件生成失败"]
    }
    let digest = Hex.encode(Digest.sm3(file))
    let text =
      "electronic-licence-1\n\(type)\n\(number)\n\(document)\n\(licence.name)\n\(licence.issuer)\n\(issued)\n\(ends ?? "-")\n\(digest)\n"
    guard let seal = try? PeerCity.licenceSigner?.sign(Array(text.utf8)) else {
      return ["result": "refused", "message": "证照系统的密钥不可用"]
    }
    return [
      "result": "found", "number": .string(number), "name": .string(licence.name), "issuer": .string(licence.issuer),
      "issued_on": .string(issued), "valid_until": ends.map { .string($0) } ?? .null,
      "file": .string(Data(file).base64EncodedString()),
      "signature": .string(Hex.encode(seal.der)),
    ]
  }

  /// As it looks on paper (证照电子文件).
  private func paper(_ name: String, _ issuer: String, _ number: String, _ holder: String, _ issued: String) throws
    -> [UInt8]
  {
    let document = PDFDocument(
      page: PDFPage(width: 148, height: 105, margin: 10),
      properties: PDFProperties(title: "\(name) \(number)", created: clock.now()))
    document.place(rectangleAt: 6, 6, width: 136, height: 93, border: 1)
    document.place(name, x: 10, y: 16, width: 128, PDFTextStyle(size: 22, bold: true, alignment: .centre))
    for (row, line) in [
      ("持证人", holder), ("证照编号", number), ("签发机关", issuer), ("签发日期", issued),
    ].enumerated() {
      document.place("\(line.0)　\(line.1)", x: 22, y: 42 + Double(row) * 10, width: 110, PDFTextStyle(size: 12))
    }
    document.place("演示证照，没有法律效力", x: 10, y: 88, width: 128, PDFTextStyle(size: 8, alignment: .centre))
    return try document.render()
  }
}
