package import Core
package import Crypto
import Glibc

/// Passwords of mail server and official account: from the environment or from files beside the keys, never from the
/// database. Those of ``SMSGateway``s stand encrypted in their register.
package struct MessagingSecrets: Sendable {
  /// 邮件服务器的密码: `LIFANG_SMTP_PASSWORD` or `keys/smtp-password`.
  package var mail: SecretBytes?
  /// 公众号的 AppSecret: `LIFANG_WECHAT_SECRET` or `keys/wechat-secret`.
  package var wechat: SecretBytes?

  package init() {}

  /// - Parameters:
  ///   - environment: of the process.
  ///   - folder: `<data>/keys`.
  /// - Throws: ``Refusal`` `secret-readable` when others than the owner may read a file.
  package init(environment: [String: String], folder: String) throws(Refusal) {
    mail = try MessagingSecrets.read("LIFANG_SMTP_PASSWORD", "smtp-password", environment, folder)
    wechat = try MessagingSecrets.read("LIFANG_WECHAT_SECRET", "wechat-secret", environment, folder)
  }

  private static func read(
    _ variable: String, _ file: String, _ environment: [String: String], _ folder: String
  ) throws(Refusal) -> SecretBytes? {
    if let value = environment[variable], !value.isEmpty { return SecretBytes(Array(value.utf8)) }
    let path = "\(folder)/\(file)"
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
      throw Refusal(.unprocessable, "secret-readable", "密码文件 \(path) 别人也能读。请执行 chmod 600 \(path) 后重新启动。")
    }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    let text = bytes.prefix(max(count, 0)).filter { $0 > 0x20 && $0 < 0x7F }
    return text.isEmpty ? nil : SecretBytes(text)
  }
}

extension SecretBytes {
  /// The secret as text, for the moment of use.
  var text: String { String(decoding: bytes, as: UTF8.self) }
}
