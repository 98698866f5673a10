package import Core
package import Crypto

/// A signature taken away from the installation, and how it is checked without one (离线验签).
package struct SignatureEvidence: Sendable {
  package static let format = "lifang-signature-evidence-1"

  /// What a check found, in words.
  package struct Report: Sendable, Hashable {
    /// What was proved.
    package var proved: [String] = []
    /// What does not fit; nothing is to be believed then.
    package var faults: [String] = []
  }

  /// A signed part by its name, which the signature covers, and what people call it, which it does not.
  private struct Part {
    let name: String
    let label: String
    let digest: String
    /// `nil` for what was changed after it was signed.
    let value: String?

    var title: String { "\(name)（标签：\(label)）" }
  }

  package let statement: SignatureStatement
  private let seal: [UInt8]
  private let key: SM2PublicKey
  /// The seal of the network that took the signature in, with its key; `nil` for what was signed where it was exported.
  private let receipt: (seal: [UInt8], key: SM2PublicKey)?
  private let cloud: CloudSeal?
  private let signer: String
  private let salt: String
  private let parts: [Part]

  private static let unlike = Refusal(
    .invalid, "signature-evidence", "这不是里坊导出的签名证据，或文件不完整。请从办件页面重新下载“签名证据”。")

  /// - Throws: ``Refusal`` `signature-evidence` for a file that is none.
  package init(_ json: JSON) throws(Refusal) {
    func member(_ name: String) -> JSON? {
      guard let value = json[name], value != JSON.null else { return Optional.none }
      return value
    }
    func key(_ name: String) -> SM2PublicKey? { json[name]?.string.flatMap { try? SM2PublicKey(pem: $0) } }
    guard json["format"]?.string == SignatureEvidence.format,
      let statement = json["statement"]?.string.flatMap({ SignatureStatement(text: $0) }),
      let seal = json["signature"]?.string.flatMap({ Hex.decode($0) }), let own = key("key"),
      let salt = json["salt"]?.string
    else { throw SignatureEvidence.unlike }
    self.statement = statement
    self.seal = seal
    self.key = own
    self.salt = salt
    if let given = member("receipt") {
      guard let seal = given.string.flatMap({ Hex.decode($0) }), let receiver = key("receiptKey") else {
        throw SignatureEvidence.unlike
      }
      receipt = (seal, receiver)
    } else {
      receipt = nil
    }
    if let given = member("cloud") {
      guard let sealed = CloudSeal(given) else { throw SignatureEvidence.unlike }
      cloud = sealed
    } else {
      cloud = nil
    }
    signer = json["signer"]?.string ?? ""
    parts = (json["parts"]?.array ?? []).map { part in
      Part(
        name: part["name"]?.string ?? "", label: part["label"]?.string ?? "", digest: part["digest"]?.string ?? "",
        value: part["value"]?.string)
    }
  }

  /// Checks seals, contents and the signed sheet.
  ///
  /// - Parameters:
  ///   - sheet: the PDF that is to be the signed one.
  ///   - trusted: the platform's public key as somebody got it otherwise: the one that sealed the signature, or of the network
  ///     that took it in; without it the file's own is believed, and said so.
  package func check(sheet: [UInt8]? = nil, trusted: SM2PublicKey? = nil) -> Report {
    var report = Report()
    if statement.isSealed(seal, by: key) {
      report.proved.append("签名值有效（SM2/SM3），签名时间 \(statement["signed"] ?? "")")
    } else {
      report.faults.append("签名值与签名陈述不符：陈述被改动过，或不是这把密钥签的")
    }
    checkKeys(trusted, &report)
    checkCloud(&report)
    checkParts(&report)
    if SignatureStatement.hidden(signer, "signer", salt) != statement["signer"] {
      report.faults.append("签名人姓名与签名陈述不符")
    }
    if let sheet {
      if Hex.encode(Digest.sm3(sheet)) == statement["sheet"] {
        report.proved.append("PDF 是签名时的那一份")
      } else {
        report.faults.append("PDF 不是签名时的那一份，或被改动过")
      }
    }
    return report
  }

  private func checkKeys(_ trusted: SM2PublicKey?, _ report: inout Report) {
    var points = [key.point]
    if let receipt {
      let taken = statement.receipt(of: seal, by: key)
      if let signature = try? SM2Signature(der: receipt.seal), (try? receipt.key.isValid(signature, of: taken)) == true
      {
        points.append(receipt.key.point)
        report.proved.append("经网间摆渡接收，接收侧核验后加盖的签名值有效")
      } else {
        report.faults.append("接收侧的签名值与签名不符")
      }
    }
    if let trusted, !points.contains(trusted.point) { report.faults.append("证据里的公钥不是您给的公钥") }
  }

  private func checkCloud(_ report: inout Report) {
    guard (statement["cloud"] ?? "-") == cloud?.digest ?? "-" else {
      report.faults.append("云签凭据与签名陈述不符，或缺失")
      return
    }
    guard let cloud else { return }
    if cloud.covers(statement["content"] ?? "") {
      report.proved.append("云签服务对所签内容的签名值有效，流水号 \(cloud.serial)，时间 \(cloud.time)，公钥 \(Hex.encode(cloud.key))")
    } else {
      report.faults.append("云签服务的签名值与所签内容不符")
    }
  }

  /// By their names alone: two of one name would let an answer stand there that nobody signed.
  private func checkParts(_ report: inout Report) {
    var digests: [String: String] = [:]
    for part in parts {
      if part.name.isEmpty || part.name.contains(where: \.isWhitespace) {
        report.faults.append("有一项的名称不能采用：\(part.title)")
      }
      if digests.updateValue(part.digest, forKey: part.name) != nil {
        report.faults.append("\(part.title)重复出现")
      }
    }
    if SignedContent.digest(of: digests) == statement["content"] {
      report.proved.append("逐项摘要 \(digests.count) 项，与所签的内容摘要一致；以下以名称为准，标签不在签名之内")
    } else {
      report.faults.append("逐项摘要与所签的内容摘要不符")
    }
    for part in parts {
      guard let value = part.value else {
        report.proved.append("\(part.title)签名后已改动，证据里没有原值")
        continue
      }
      if SignedContent.digest(part.name, value, salt) == part.digest {
        report.proved.append("\(part.title)的内容未改动")
      } else {
        report.faults.append("\(part.title)的内容与摘要不符")
      }
    }
  }
}
