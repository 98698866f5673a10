import Access
import HTML
package import HTTP
package import Shell

extension Visit {
  /// A page with a form that strangers may send too: gives one without it the cookie that form tokens are bound to.
  ///
  /// - Parameter render: the document, from a frame whose token is good for this browser.
  package func formPage(status: Int = 200, _ render: (FrameModel) -> [UInt8]) async throws -> Response {
    var frame = try await frame()
    guard principal.kind == .stranger, (request.cookies["visitor"] ?? "").isEmpty else {
      return try html(render(frame), status: status)
    }
    let visitor = site.newVisitor()
    frame.environment.formToken = site.strangerToken(visitor)
    var response = try html(render(frame), status: status)
    response.setCookie(try site.cookie("visitor", visitor, maxAge: 86400))
    return response
  }
}
