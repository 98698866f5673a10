import Core
import Glibc

/// Turns the events of a multipart body into fields in memory and files on disk, within limits.
struct MultipartCollector: ~Copyable {
  private var parser: MultipartParser
  private let limits: FormLimits
  private let spool: SpoolFolder

  private var fields: [QueryItems.Item] = []
  private var files: [UploadedFile] = []
  private var fieldBytes = 0
  private var fileBytes = 0

  private var part: MultipartParser.Part?
  private var value: [UInt8] = []
  private var file: (path: String, descriptor: Int32, size: Int)?

  init(parser: MultipartParser, limits: FormLimits, spool: SpoolFolder) {
    self.parser = parser
    self.limits = limits
    self.spool = spool
  }

  deinit {
    if let file { close(file.descriptor) }
  }

  /// - Throws: ``Refusal`` for malformed or too large content, ``Fault`` `spool` when the disk refuses.
  mutating func feed(_ bytes: [UInt8]) throws {
    var events: [MultipartParser.Event] = []
    try parser.feed(bytes) { events.append($0) }
    for event in events {
      switch event {
      case .begin(let part): try begin(part)
      case .data(let slice): try append(slice)
      case .end: try end()
      }
    }
  }

  /// - Throws: ``Refusal`` `malformed-form` when the closing boundary is missing.
  consuming func finish() throws -> FormData {
    guard parser.isComplete else { throw MultipartParser.malformed }
    return FormData(fields: QueryItems(fields), files: files)
  }

  private mutating func begin(_ part: MultipartParser.Part) throws {
    guard part.name.utf8.count <= limits.name else { throw FormRefusals.nameTooLong(limit: limits.name) }
    self.part = part
    value = []
    if part.filename == nil {
      guard fields.count < limits.fields else {
        throw FormRefusals.tooManyFields(field: part.name, limit: limits.fields)
      }
      fieldBytes += part.name.utf8.count
    }
  }

  private mutating func append(_ slice: ArraySlice<UInt8>) throws {
    guard let part else { throw MultipartParser.malformed }
    if part.filename != nil {
      if file == nil {
        guard files.count < limits.files else {
          throw FormRefusals.tooManyFiles(field: part.name, limit: limits.files)
        }
        let created = try spool.createFile()
        file = (created.path, created.descriptor, 0)
      }
      let size = (file?.size ?? 0) + slice.count
      fileBytes += slice.count
      guard size <= limits.file else { throw FormRefusals.fileTooLarge(field: part.name, limit: limits.file) }
      guard fileBytes <= limits.fileTotal else {
        throw FormRefusals.filesTooLarge(field: part.name, limit: limits.fileTotal)
      }
      file?.size = size
      try write(slice)
    } else {
      fieldBytes += slice.count
      guard value.count + slice.count <= limits.field else {
        throw FormRefusals.fieldTooLarge(field: part.name, limit: limits.field)
      }
      guard fieldBytes <= limits.fieldTotal else {
        throw FormRefusals.fieldTooLarge(field: part.name, limit: limits.fieldTotal)
      }
      value.append(contentsOf: slice)
    }
  }

  private mutating func end() throws {
    guard let part else { throw MultipartParser.malformed }
    self.part = nil
    if let filename = part.filename {
      if let file {
        close(file.descriptor)
        self.file = nil
        files.append(
          UploadedFile(
            name: part.name, filename: filename, contentType: part.contentType, size: file.size, path: file.path))
      } else if !filename.isEmpty {
        // A chosen file without a byte is a file all the same.
        guard files.count < limits.files else {
          throw FormRefusals.tooManyFiles(field: part.name, limit: limits.files)
        }
        let created = try spool.createFile()
        close(created.descriptor)
        files.append(
          UploadedFile(name: part.name, filename: filename, contentType: part.contentType, size: 0, path: created.path))
      }
    } else {
      guard !value.contains(0), let text = String(validating: value, as: UTF8.self) else {
        throw MultipartParser.malformed
      }
      fields.append(QueryItems.Item(name: part.name, value: text))
    }
  }

  private func write(_ slice: ArraySlice<UInt8>) throws(Fault) {
    guard let descriptor = file?.descriptor else { return }
    var rest = slice
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw Fault("spool", "errno \(errno) writing an upload")
      }
      rest = rest.dropFirst(written)
    }
  }
}
