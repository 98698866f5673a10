import Core
import Files
import HTTP

extension FileStore {
  /// A picture that anybody may see; who asks has made sure that it is public.
  ///
  /// - Throws: ``Refusal`` `picture-missing` for what is no picture of dots.
  func publicPicture(_ key: String) async throws -> Response {
    let file = try await find(key)
    guard file.contentType.hasPrefix("image/"), file.contentType != "image/svg+xml" else {
      throw Refusal(.notFound, "picture-missing", "这张图片不能显示。")
    }
    var response = Response.stream(type: file.contentType) { writer in
      try await self.read(file) { try await writer.write($0) }
    }
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "public, max-age=600"
    return response
  }
}
