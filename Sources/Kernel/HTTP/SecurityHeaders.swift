/// Response fields that tell browsers to be strict; every response gets them unless its handler set the field itself.
package struct SecurityHeaders: Sendable {
  package var fields: [Headers.Field]

  /// - Parameter contentSecurityPolicy: by default only what this server itself sends is run, shown or framed.
  package init(contentSecurityPolicy: String = SecurityHeaders.policy) {
    fields = [
      .init(name: "Content-Security-Policy", value: contentSecurityPolicy),
      .init(name: "X-Content-Type-Options", value: "nosniff"),
      .init(name: "Referrer-Policy", value: "same-origin"),
      .init(
        name: "Permissions-Policy",
        value: "camera=(self), geolocation=(self), microphone=(self), payment=(), usb=(), interest-cohort=()"),
    ]
  }

  package static let policy = """
    default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; style-src 'self'; object-src 'none'; \
    frame-ancestors 'none'; base-uri 'self'; form-action 'self'
    """

  /// The policy of a page whose scripts also reach one other address, such as a program on the visitor's own machine.
  package static func policy(connectingTo origin: String) -> String { "\(policy); connect-src 'self' \(origin)" }

  func apply(to response: inout Response, isSecure: Bool) {
    for field in fields where !response.headers.contains(field.name) { response.headers.append(field) }
    if isSecure { response.headers.setDefault("Strict-Transport-Security", "max-age=31536000") }
  }
}
