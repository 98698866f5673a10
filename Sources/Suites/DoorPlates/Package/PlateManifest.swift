package import Core
package import Crypto
import Documents

/// What is in a package for the maker (制牌包): every file with its digest, signed by SM2, so that the maker's side sees
/// whether anything was changed, lost or put in on the way.
package struct PlateManifest: Sendable {
  package static let name = "manifest.json"
  package static let signatureName = "manifest.sig"

  package struct File: Sendable, Hashable {
    package let name: String
    package let bytes: Int
    /// SM3 in hexadecimal.
    package let digest: String

    package init(name: String, bytes: Int, digest: String) {
      self.name = name
      self.bytes = bytes
      self.digest = digest
    }
  }

  package let batch: String
  package let maker: String
  package let packedAt: String
  package let plates: Int
  package let files: [File]

  package var json: JSON {
    [
      "format": "lifang-plates-1", "batch": .string(batch), "maker": .string(maker), "packedAt": .string(packedAt),
      "plates": .int(Int64(plates)),
      "files": .array(
        files.map { ["name": .string($0.name), "bytes": .int(Int64($0.bytes)), "sm3": .string($0.digest)] }),
    ]
  }

  /// - Throws: ``Refusal`` `manifest-broken`.
  package init(json: JSON) throws(Refusal) {
    guard json["format"]?.string == "lifang-plates-1", let batch = json["batch"]?.string,
      let plates = json["plates"]?.int, let files = json["files"]?.array
    else { throw Refusal(.unprocessable, "manifest-broken", "制牌包的目录 manifest.json 读不懂。请重新下载制牌包。") }
    self.batch = batch
    maker = json["maker"]?.string ?? ""
    packedAt = json["packedAt"]?.string ?? ""
    self.plates = Int(plates)
    self.files = files.map {
      File(name: $0["name"]?.string ?? "", bytes: Int($0["bytes"]?.int ?? 0), digest: $0["sm3"]?.string ?? "")
    }
  }

  package init(batch: String, maker: String, packedAt: String, plates: Int, files: [File]) {
    self.batch = batch
    self.maker = maker
    self.packedAt = packedAt
    self.plates = plates
    self.files = files
  }

  /// Checks a package on the maker's side: signature, then every file, and that there is nothing besides.
  ///
  /// - Returns: what is wrong; empty when all is as it was packed.
  /// - Throws: ``Refusal`` when the file is no package.
  package static func verify(path: String, key: SM2PublicKey) throws -> (manifest: PlateManifest, problems: [String]) {
    let package = try ZipContents(path: path)
    guard let text = try package.bytes(name), let signature = try package.bytes(signatureName) else {
      throw Refusal(.unprocessable, "manifest-missing", "\(path) 里没有目录或签名，不是制牌包。请核对文件，或重新下载。")
    }
    guard let signature = try? SM2Signature(der: signature), try key.isValid(signature, of: text) else {
      throw Refusal(.unprocessable, "manifest-forged", "制牌包的签名不对：目录被改动过，或公钥不是下发单位的。不要按它制牌，请重新下载并核对公钥。")
    }
    let manifest = try PlateManifest(json: try JSON(parsing: String(decoding: text, as: UTF8.self)))
    var problems: [String] = []
    for file in manifest.files {
      guard let bytes = try package.bytes(file.name) else {
        problems.append("缺少文件 \(file.name)")
        continue
      }
      if Hex.encode(Digest.sm3(bytes)) != file.digest { problems.append("文件被改动：\(file.name)") }
    }
    let expected = Set(manifest.files.map(\.name) + [name, signatureName])
    for extra in package.names where !expected.contains(extra) { problems.append("多出文件 \(extra)") }
    return (manifest, problems)
  }
}
