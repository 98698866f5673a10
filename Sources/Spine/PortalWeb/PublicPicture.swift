import Access
import Core
import Entities
import Files
import HTML
import HTTP
import Site

/// Pictures of a public page.
private let mostPictures = 9

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

  /// The picture of a public record whose number, from 1, the address names.
  ///
  /// - Throws: ``Refusal`` `picture-missing`.
  func publicPicture(of record: Record, _ visit: Visit) async throws -> Response {
    let keys = record["photo"].list ?? []
    let number = try visit.request.integer("number")
    guard (1...Int64(mostPictures)).contains(number), keys.indices.contains(Int(number) - 1) else {
      throw Refusal(.notFound, "picture-missing", "这里没有照片。")
    }
    return try await publicPicture(keys[Int(number) - 1])
  }
}

/// The pictures of a public record, served under `path`.
func publicPictures(_ record: Record, _ path: String, _ alternative: String) -> HTML {
  let count = min(record["photo"].list?.count ?? 0, mostPictures)
  return HTML {
    for number in 0..<count {
      img(.class("place-photo"), .src("\(path)/photos/\(number + 1)"), .alt(alternative), .custom("loading", "lazy"))
    }
  }
}

extension RecordStore {
  /// The record of the address that anybody may see while `filters` hold.
  ///
  /// - Throws: ``Refusal`` `story-missing`.
  func shown(_ entity: String, _ filters: [ListFilter], _ columns: [String], _ visit: Visit) async throws -> Record {
    let id = try visit.request.integer("id")
    let found = try await records(as: .system).list(
      ListQuery(entity, filters: filters + [ListFilter("id", .equals(.integer(id)))], columns: columns, limit: 1))
    guard let record = found.records.first else {
      throw Refusal(.notFound, "story-missing", "没有找到这个页面，可能已经撤下或过期。请从门牌扫码页面或首页重新进入。")
    }
    return record
  }
}
