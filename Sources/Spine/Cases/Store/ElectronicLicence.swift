package import Core
import Crypto

/// What proves that a file is an electronic licence of somebody (电子证照): its particulars (证照信息) and the signature of the
/// system that keeps it (验证数据) over these, the holder's number and the file (证照电子文件). Source: C-063, C-274.
package struct ElectronicLicence: Sendable, Hashable {
  /// What the other system calls this kind: `household_register`.
  package let type: String
  /// 证照编号.
  package let number: String
  /// 证照名称: 居民户口簿.
  package let name: String
  /// 签发机关.
  package let issuer: String
  package let issuedOn: CivilDate?
  /// The last day; `nil` when it does not end.
  package let validUntil: CivilDate?
  /// SM3 of the file, in hexadecimal.
  package let digest: String
  /// SM2 with SM3, DER, of ``statement(holder:)``.
  package let seal: [UInt8]
  /// The public key that it was proved by when it was fetched, `04 ‖ x ‖ y`.
  package let key: [UInt8]

  package init(
    type: String, number: String, name: String, issuer: String, issuedOn: CivilDate?, validUntil: CivilDate?,
    digest: String, seal: [UInt8], key: [UInt8]
  ) {
    (self.type, self.number, self.name, self.issuer) = (type, number, name, issuer)
    (self.issuedOn, self.validUntil, self.digest, self.seal, self.key) = (issuedOn, validUntil, digest, seal, key)
  }

  /// Reads ``json``; `nil` for anything else.
  package init?(_ json: JSON?) {
    guard let type = json?["type"]?.string, let number = json?["number"]?.string, let name = json?["name"]?.string,
      let issuer = json?["issuer"]?.string, let digest = json?["digest"]?.string,
      let seal = json?["signature"]?.string.flatMap({ Hex.decode($0) }),
      let key = json?["key"]?.string.flatMap({ Hex.decode($0) })
    else { return nil }
    self.init(
      type: type, number: number, name: name, issuer: issuer,
      issuedOn: json?["issued_on"]?.string.flatMap { CivilDate($0) },
      validUntil: json?["valid_until"]?.string.flatMap { CivilDate($0) }, digest: digest, seal: seal, key: key)
  }

  /// Reads the text of ``json``, as a record and a message keep it; `nil` for anything else.
  init?(text: String?) {
    guard let text, let json = try? JSON(parsing: Array(text.utf8)) else { return nil }
    self.init(json)
  }

  package var json: JSON {
    .object(
      [
        ("type", .string(type)), ("number", .string(number)), ("name", .string(name)), ("issuer", .string(issuer)),
        ("digest", .string(digest)), ("signature", .string(Hex.encode(seal))), ("key", .string(Hex.encode(key))),
      ]
        + [("issued_on", issuedOn), ("valid_until", validUntil)].compactMap { name, date in
          date.map { (name, .string($0.description)) }
        })
  }

  /// The text that the other system signs (UTF-8, every line ended): nobody passes the licence of another for theirs.
  package func statement(holder: String) -> String {
    "electronic-licence-1\n\(type)\n\(number)\n\(holder)\n\(name)\n\(issuer)\n"
      + "\(issuedOn?.description ?? "-")\n\(validUntil?.description ?? "-")\n\(digest)\n"
  }

  /// Whether the seal is over this licence of this holder.
  package func isGenuine(holder: String) -> Bool {
    guard let key = try? SM2PublicKey(point: key), let signature = try? SM2Signature(der: seal) else { return false }
    return (try? key.isValid(signature, of: Array(statement(holder: holder).utf8))) ?? false
  }

  /// 《居民户口簿》，达州市公安局签发，有效期至 2030-01-01.
  package var described: String {
    "《\(name)》，\(issuer)签发\(validUntil.map { "，有效期至 \($0)" } ?? "")"
  }
}
