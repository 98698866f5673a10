package import Core
package import Crypto
import Glibc

/// Our key pair and the other side's public key: `own.key` (PKCS #8, mode 0600), `own.pub` and `peer.pub` (PEM) in a
/// folder of the installation's keys.
///
/// The private key never leaves its machine; the public ones are carried over by hand and compared by fingerprint.
package struct FerryKeys: Sendable {
  package let own: SM2PrivateKey
  package let peer: SM2PublicKey

  package init(own: SM2PrivateKey, peer: SM2PublicKey) {
    self.own = own
    self.peer = peer
  }

  /// What two administrators compare over the telephone: the first 16 hexadecimal digits of the SM3 digest of the point.
  package static func fingerprint(_ key: SM2PublicKey) -> String {
    let digits = Hex.encode(Digest.sm3(key.point).prefix(8))
    return stride(from: 0, to: 16, by: 4).map { String(digits.dropFirst($0).prefix(4)) }.joined(separator: " ")
  }
}

/// Where the keys of the ferry lie (摆渡密钥目录).
package struct FerryKeyFolder: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  private var ownPath: String { path + "/own.key" }
  package var publicPath: String { path + "/own.pub" }
  private var peerPath: String { path + "/peer.pub" }

  /// Both keys; `nil` while one of them is missing.
  ///
  /// - Throws: ``Refusal`` `ferry-key` when a file is no SM2 key or others may read the private one.
  package func open() throws(Refusal) -> FerryKeys? {
    guard let own = try own(), let peer = try peer() else { return nil }
    return FerryKeys(own: own, peer: peer)
  }

  /// Our key pair; `nil` before ``make(_:)``.
  package func own() throws(Refusal) -> SM2PrivateKey? {
    var status = stat()
    guard stat(ownPath, &status) == 0 else { return nil }
    guard status.st_mode & 0o077 == 0 else {
      throw Refusal(.unprocessable, "ferry-key", "\(ownPath) 别人也能读。请执行 chmod 600 \(ownPath)。")
    }
    do {
      return try SM2PrivateKey(pem: SecretBytes(try FerryDisk.read(ownPath, limit: 16384)))
    } catch {
      throw Refusal(.unprocessable, "ferry-key", "\(ownPath) 不是 SM2 私钥。请从备份恢复，或删去后重新生成并交换公钥。")
    }
  }

  /// The other side's key; `nil` before ``install(peer:)``.
  package func peer() throws(Refusal) -> SM2PublicKey? {
    guard access(peerPath, F_OK) == 0 else { return nil }
    do {
      return try SM2PublicKey(pem: String(decoding: try FerryDisk.read(peerPath, limit: 16384), as: UTF8.self))
    } catch {
      throw Refusal(.unprocessable, "ferry-key", "\(peerPath) 不是 SM2 公钥。请重新交换公钥。")
    }
  }

  /// Our public key, made with its private one at the first time.
  ///
  /// - Throws: ``Refusal``; `Fault` when the folder cannot be written.
  package func make(_ random: RandomSource = .system) throws -> SM2PublicKey {
    if let own = try own() { return own.publicKey }
    mkdir(path, 0o700)
    let key = try SM2PrivateKey.generate(random)
    try FerryDisk.write(try key.pem().bytes, to: ownPath, mode: 0o600)
    try FerryDisk.write(Array(try key.publicKey.pem().utf8), to: publicPath, mode: 0o644)
    return key.publicKey
  }

  /// Takes the other side's public key, PEM.
  ///
  /// - Throws: ``Refusal`` `ferry-key` when it is none, or our own.
  package func install(peer pem: String) throws -> SM2PublicKey {
    guard let key = try? SM2PublicKey(pem: pem) else {
      throw Refusal(.invalid, "ferry-key", "这不是 SM2 公钥（PEM）。请使用对侧 ferry keys 输出的公钥文件。")
    }
    if let own = try own(), own.publicKey.point == key.point {
      throw Refusal(.invalid, "ferry-key", "这是本侧自己的公钥。请换成对侧的。")
    }
    mkdir(path, 0o700)
    try FerryDisk.write(Array(try key.pem().utf8), to: peerPath, mode: 0o644)
    return key
  }
}
