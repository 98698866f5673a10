package import Core
import Crypto
package import SQL

extension IdentityService {
  /// The mobile number of an active user, for a message to that very person; `nil` when there is none.
  ///
  /// Whoever shows it to somebody else needs ``PersonalAccess`` and a purpose.
  package func mobile(of user: Int64, in session: any SQLSession) async throws -> PhoneNumber? {
    let rows = try await session.query(
      "select phone from app_user where id = \(user) and status = 'active' and phone is not null")
    guard let sealed: [UInt8] = try rows.first?.get("phone") else { return nil }
    let plain = try configuration.ring.open(sealed, associated: "app_user.phone")
    guard let number = PhoneNumber(String(decoding: plain, as: UTF8.self)), number.kind == .mobile else { return nil }
    return number
  }
}
