package import Audit
package import HTTP

extension Request {
  /// Where the request comes from, for the audit.
  package var origin: Origin {
    Origin(remoteAddress: remoteAddress, requestID: id, userAgent: headers["User-Agent"].map { String($0.prefix(200)) })
  }
}
