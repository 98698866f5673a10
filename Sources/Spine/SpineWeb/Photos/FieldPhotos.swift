package import Access
import Core
package import Files
package import HTTP
package import SQL

/// Pictures taken in the street: shown without what the camera wrote into them, which is time, place and device (EXIF).
package struct FieldPhotos: Sendable {
  /// A form with pictures, in bytes.
  package static let maximumBody = 64 << 20

  /// Pictures of one form.
  package static let limit = 6

  let files: FileStore
  let images: PageImages
  let database: Database

  package init(files: FileStore, images: PageImages, database: Database) {
    self.files = files
    self.images = images
    self.database = database
  }

  package struct Kept: Sendable {
    package var shown: [String] = []
    package var originals: [String] = []
  }

  /// Keeps what was sent under `field`.
  ///
  /// - Parameter withOriginals: keeps the pictures as they came too, encrypted, as evidence.
  /// - Throws: ``Refusal`` at `field`: too many, no picture, too large.
  package func keep(_ form: FormData, _ field: String, by principal: Principal, withOriginals: Bool) async throws
    -> Kept
  {
    let sent = form.files(field).filter { $0.size > 0 }
    guard sent.count <= FieldPhotos.limit else {
      throw Refusal(.invalid, "photos-many", "一次最多 \(FieldPhotos.limit) 张照片，没有保存。请去掉几张后重新提交。", field: field)
    }
    var kept = Kept()
    for (index, file) in sent.enumerated() {
      do {
        let bytes = try await images.stripped(try file.bytes(upTo: 20 << 20))
        let shown = try await database.transaction { transaction in
          try await files.put(
            bytes: bytes, name: "现场照片\(index + 1).jpg", policy: .images, by: principal, in: transaction)
        }
        kept.shown.append(shown.key)
        guard withOriginals else { continue }
        kept.originals.append(
          try await files.put(
            path: file.path, name: file.filename, classification: .sensitive, policy: .images, by: principal
          ).key)
      } catch let refusal as Refusal where refusal.code == "image-unsupported" {
        throw Refusal(
          .unprocessable, refusal.code, "“\(file.filename)”不是能打开的 JPEG 或 PNG 图片，没有保存。请用手机相机重新拍一张。", field: field)
      }
    }
    return kept
  }
}
