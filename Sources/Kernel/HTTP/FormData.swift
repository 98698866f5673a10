package import Core
import Glibc

/// What a form held: fields in order, and files.
package struct FormData: Sendable {
  package let fields: QueryItems
  /// Files that were chosen; empty file inputs are left out.
  package let files: [UploadedFile]

  package init(fields: QueryItems, files: [UploadedFile]) {
    self.fields = fields
    self.files = files
  }

  package func first(_ name: String) -> String? { fields.first(name) }

  package func all(_ name: String) -> [String] { fields.all(name) }

  package func file(_ name: String) -> UploadedFile? { files.first { $0.name == name } }

  package func files(_ name: String) -> [UploadedFile] { files.filter { $0.name == name } }
}

/// How much a form may hold (bytes and counts); what exceeds is refused before it is stored.
package struct FormLimits: Sendable, Hashable {
  /// Fields that are not files.
  package var fields: Int
  package var files: Int
  /// Bytes of one field's name.
  package var name: Int
  /// Bytes of one field's value.
  package var field: Int
  /// Bytes of all fields together.
  package var fieldTotal: Int
  /// Bytes of one file.
  package var file: Int
  /// Bytes of all files together.
  package var fileTotal: Int

  package init(
    fields: Int = 2000, files: Int = 50, name: Int = 200, field: Int = 256 << 10, fieldTotal: Int = 1 << 20,
    file: Int = 50 << 20, fileTotal: Int = 200 << 20
  ) {
    self.fields = fields
    self.files = files
    self.name = name
    self.field = field
    self.fieldTotal = fieldTotal
    self.file = file
    self.fileTotal = fileTotal
  }
}

/// A file that came with a form, on disk until the request ends; a handler that keeps it moves it away.
package struct UploadedFile: Sendable {
  /// The form field.
  package let name: String
  /// The client's name for the file, without folders and control characters; never use it as a path.
  package let filename: String
  /// What the client says it is; never trust it.
  package let contentType: String
  /// Bytes.
  package let size: Int
  /// Where it lies until the request ends.
  package let path: String

  package init(name: String, filename: String, contentType: String, size: Int, path: String) {
    self.name = name
    self.filename = filename
    self.contentType = contentType
    self.size = size
    self.path = path
  }

  /// The content, for files known to be small.
  ///
  /// - Throws: ``Refusal`` `file-too-large` above `limit` bytes; ``Fault`` `file-read` when it is gone.
  package func bytes(upTo limit: Int = 1 << 20) throws -> [UInt8] {
    if size > limit { throw FormRefusals.fileTooLarge(field: name, limit: limit) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault("file-read", "errno \(errno) for an uploaded file") }
    defer { close(descriptor) }
    var content: [UInt8] = []
    while content.count < size {
      let missing = size - content.count
      let chunk = [UInt8](unsafeUninitializedCapacity: min(missing, 1 << 20)) { buffer, count in
        count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
      }
      if chunk.isEmpty { throw Fault("file-read", "an uploaded file is shorter than it was") }
      content.append(contentsOf: chunk)
    }
    return content
  }

  /// Moves the file to a path, replacing nothing; on another file system it is copied there first, and is not to be seen
  /// under its name before it is whole.
  ///
  /// - Throws: ``Fault`` `file-move` when the target exists or cannot be reached.
  package func move(to target: String) throws(Fault) {
    if link(path, target) == 0 {
      unlink(path)
      return
    }
    guard errno == EXDEV else { throw Fault("file-move", "errno \(errno)") }
    let beside = "\(target).\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(beside) }
    try copy(to: beside)
    guard link(beside, target) == 0 else { throw Fault("file-move", "errno \(errno)") }
    unlink(path)
  }

  private func copy(to target: String) throws(Fault) {
    let source = open(path, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else { throw Fault("file-move", "errno \(errno) for an uploaded file") }
    defer { close(source) }
    let copy = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard copy >= 0 else { throw Fault("file-move", "errno \(errno)") }
    defer { close(copy) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var copied = 0
    while copied < size {
      let count = read(source, &buffer, buffer.count)
      guard count > 0 else { throw Fault("file-move", "an uploaded file is shorter than it was") }
      var written = 0
      while written < count {
        let part = buffer[written..<count].withUnsafeBytes { write(copy, $0.baseAddress, $0.count) }
        guard part > 0 else { throw Fault("file-move", "errno \(errno) while copying") }
        written += part
      }
      copied += count
    }
  }
}

/// The refusals of forms; each names the field at fault.
enum FormRefusals {
  static func fileTooLarge(field: String, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "file-too-large", "“\(field)”的文件超过上限 \(Refusals.sizeText(limit))，未保存任何内容。请压缩或更换文件后重新上传。",
      field: field)
  }

  static func filesTooLarge(field: String, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "files-too-large",
      "上传到“\(field)”时，全部文件合计超过上限 \(Refusals.sizeText(limit))，未保存任何内容。请分几次上传。", field: field)
  }

  static func tooManyFiles(field: String, limit: Int) -> Refusal {
    Refusal(.tooLarge, "too-many-files", "“\(field)”使文件数超过上限 \(limit) 个，未保存任何内容。请分几次上传。", field: field)
  }

  static func tooManyFields(field: String, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "too-many-fields", "到“\(field)”为止，提交的字段超过上限 \(limit) 个，未保存任何内容。请减少一次提交的数量后重试。",
      field: field)
  }

  static func nameTooLong(limit: Int) -> Refusal {
    Refusal(.tooLarge, "field-name-too-long", "表单中有字段名超过 \(limit) 字节，未保存任何内容。请从页面上的表单提交。")
  }

  static func fieldTooLarge(field: String, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "field-too-large", "“\(field)”的内容超过上限 \(Refusals.sizeText(limit))，未保存任何内容。请精简后重新提交。",
      field: field)
  }
}
