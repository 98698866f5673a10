import Core
import Glibc
import Testing

@testable import HTTP

/// What a multipart body is made of, for writing bodies and comparing what is read.
private struct FormPart: Equatable {
  var name: String
  var filename: String?
  var content: [UInt8]
}

private func encode(_ parts: [FormPart], boundary: String) -> [UInt8] {
  var bytes: [UInt8] = []
  for part in parts {
    bytes += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.name)\"".utf8)
    if let filename = part.filename { bytes += Array("; filename=\"\(filename)\"\r\nContent-Type: image/png".utf8) }
    bytes += Array("\r\n\r\n".utf8) + part.content + [0x0D, 0x0A]
  }
  return bytes + Array("--\(boundary)--\r\n".utf8)
}

private func parse(_ chunks: [[UInt8]], boundary: String) throws -> [FormPart] {
  var parser = try #require(MultipartParser(boundary: boundary))
  var parts: [FormPart] = []
  for chunk in chunks {
    try parser.feed(chunk) { event in
      switch event {
      case .begin(let part): parts.append(FormPart(name: part.name, filename: part.filename, content: []))
      case .data(let slice): parts[parts.count - 1].content += slice
      case .end: break
      }
    }
  }
  guard parser.isComplete else { throw MultipartParser.malformed }
  return parts
}

@Suite struct MultipartParserTests {
  /// However the network cuts a body, and whatever it holds, the parts are the same.
  @Test(arguments: 0..<60)
  func partsDoNotDependOnHowTheBodyWasCut(_ seed: UInt64) throws {
    var dice = SeededRandom(seed: seed)
    let boundary = ["x", "----WebKitFormBoundaryABC", "--", "a b'()+_,-./:=?"][Int.random(in: 0..<4, using: &dice)]
    let pieces: [[UInt8]] = [
      [0x0D], [0x0A], [0x0D, 0x0A], Array("--\(boundary)".utf8), Array("\r\n--\(boundary.dropLast())!".utf8),
      Array("\r\n-".utf8),
      Array("达州".utf8), [0, 255, 13, 13, 10], [],
    ]
    let parts = (0..<Int.random(in: 0...4, using: &dice)).map { index in
      var content: [UInt8] = []
      for _ in 0..<Int.random(in: 0...8, using: &dice) {
        content += pieces[Int.random(in: 0..<pieces.count, using: &dice)]
      }
      // The delimiter itself cannot be content.
      while let found = content.firstRange(of: Array("\r\n--\(boundary)".utf8)) { content.removeSubrange(found) }
      if content.starts(with: Array("--\(boundary)".utf8)) { content.insert(0x20, at: 0) }
      return FormPart(name: "字段\(index)", filename: Bool.random(using: &dice) ? "图\(index).png" : nil, content: content)
    }
    guard !parts.isEmpty else { return }
    let body = encode(parts, boundary: boundary)
    var chunks: [[UInt8]] = []
    var rest = body[...]
    while !rest.isEmpty {
      let count = min(
        rest.count, Int.random(in: 1...max(1, [1, 3, 40, 4000][Int.random(in: 0..<4, using: &dice)]), using: &dice))
      chunks.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    #expect(try parse(chunks, boundary: boundary) == parts)
    #expect(try parse([body], boundary: boundary) == parts)
    #expect(try parse(body.map { [$0] }, boundary: boundary) == parts)
  }

  @Test func preambleEpilogueAndPaddingAreTolerated() throws {
    let body = "preamble\r\n--b \t\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n--b--\r\nepilogue --b"
    #expect(try parse([Array(body.utf8)], boundary: "b") == [FormPart(name: "a", filename: nil, content: [0x31])])
  }

  @Test(arguments: [
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b", "--b\r\n\r\n1\r\n--b--", "",
    "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--",
    "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--", "--bx\r\n", "--b\r\nno colon\r\n\r\n1\r\n--b--",
    "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--",
  ])
  func malformedBodiesAreRefused(_ body: String) {
    #expect(throws: (any Error).self) { try parse([Array(body.utf8)], boundary: "b") }
  }

  @Test func endlessPartHeadersAreRefused() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"\(String(repeating: "x", count: 10_000))"
    #expect(throws: (any Error).self) { try parse([Array(body.utf8)], boundary: "b") }
  }

  @Test func filenamesLoseFoldersAndControlCharacters() {
    #expect(MultipartParser.cleanFilename("../../etc/passwd") == "passwd")
    #expect(MultipartParser.cleanFilename("C:\\我的 文档\\图.png") == "图.png")
    #expect(MultipartParser.cleanFilename("a\u{0}b\r\n.txt") == "ab.txt")
    #expect(MultipartParser.cleanFilename("..") == "")
    let long = MultipartParser.cleanFilename(String(repeating: "长", count: 200) + ".pdf")
    #expect(long.utf8.count <= 255 && long.hasSuffix("长.pdf"))
  }
}

@Suite struct FormTests {
  private func body(_ parts: [FormPart]) -> Body {
    Body(encode(parts, boundary: "b"), contentType: "multipart/form-data; boundary=b")
  }

  @Test func fieldsAreKeptInMemoryAndFilesOnDiskUntilTheRequestEnds() async throws {
    let body = body([
      FormPart(name: "名称", filename: nil, content: Array("朝阳东路".utf8)),
      FormPart(name: "photo", filename: "门 \".png", content: Array(repeating: 7, count: 100_000)),
      FormPart(name: "none", filename: "", content: []), FormPart(name: "empty", filename: "e.txt", content: []),
    ])
    let form = try await body.form()
    #expect(form.first("名称") == "朝阳东路")
    let photo = try #require(form.file("photo"))
    #expect(photo.size == 100_000 && photo.contentType == "image/png")
    #expect(try photo.bytes() == Array(repeating: 7, count: 100_000))
    #expect(form.file("none") == nil)
    #expect(form.file("empty")?.size == 0)
    #expect(try await body.form().first("名称") == "朝阳东路", "a form may be read again")
  }

  private static func device(_ path: String) -> dev_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_dev : nil
  }

  /// The data folder may lie on a disk of its own.
  @Test(.enabled(if: device("/dev/shm") != nil && device("/dev/shm") != device("/tmp")))
  func aFileThatIsKeptOnAnotherFileSystemIsWholeThere() async throws {
    let spool = SpoolFolder(path: "/tmp/lifang-test-\(UInt64.random(in: 0...UInt64.max))")
    let (path, descriptor) = try spool.createFile()
    let content = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(write(descriptor, content, content.count) == content.count)
    close(descriptor)
    let file = UploadedFile(name: "f", filename: "f", contentType: "", size: content.count, path: path)
    let target = "/dev/shm/lifang-kept-\(UInt64.random(in: 0...UInt64.max))"
    defer { unlink(target) }
    try file.move(to: target)
    #expect(access(path, F_OK) != 0)
    let kept = UploadedFile(name: "f", filename: "f", contentType: "", size: content.count, path: target)
    #expect(try kept.bytes(upTo: 3_000_000) == content)
    #expect(throws: Fault.self) { try kept.move(to: target) }
    spool.remove()
  }

  @Test func whatAKilledServerLeftGoesAtTheNextStartAndNothingElse() throws {
    let parent = "/tmp/lifang-test-\(UInt64.random(in: 0...UInt64.max))"
    let running = try SpoolRoot(below: parent)
    let request = running.folder(for: "r1")
    let (sending, descriptor) = try request.createFile()
    close(descriptor)
    // One whose process is gone, and one of a process with the number of this one, as in a container.
    let left = ["lifang-uploads-2000000000-1", "lifang-uploads-\(getpid())-2"].map { "\(parent)/\($0)" }
    for root in left {
      #expect(mkdir(root, 0o700) == 0 && mkdir("\(root)/r1", 0o700) == 0)
      close(creat("\(root)/r1/1", 0o600))
    }
    let others = "\(parent)/of-somebody-else"
    #expect(mkdir(others, 0o700) == 0)
    let next = try SpoolRoot(below: parent)
    for root in left { #expect(access(root, F_OK) != 0, "\(root)") }
    for path in [sending, others, next.path] { #expect(access(path, F_OK) == 0, "\(path)") }
    request.remove()
    for folder in [running.path, next.path, others, parent] { #expect(rmdir(folder) == 0) }
  }

  @Test func aFileThatIsKeptIsMovedAway() async throws {
    let spool = SpoolFolder(path: "/tmp/lifang-test-\(UInt64.random(in: 0...UInt64.max))")
    let (path, descriptor) = try spool.createFile()
    close(descriptor)
    let other = try spool.createFile()
    close(other.descriptor)
    let file = UploadedFile(name: "f", filename: "f", contentType: "", size: 0, path: path)
    let target = "/tmp/lifang-kept-\(UInt64.random(in: 0...UInt64.max))"
    try file.move(to: target)
    #expect(throws: Fault.self) {
      try UploadedFile(name: "f", filename: "f", contentType: "", size: 0, path: other.path).move(to: target)
    }
    spool.remove()
    #expect(access(target, F_OK) == 0)
    #expect(access(other.path, F_OK) != 0)
    #expect(throws: Fault.self) { try spool.createFile() }
    unlink(target)
  }

  @Test func limitsNameTheFieldInChinese() async throws {
    let file = FormPart(name: "照片", filename: "a.png", content: Array(repeating: 1, count: 2000))
    let text = FormPart(name: "说明", filename: nil, content: Array(repeating: 0x61, count: 2000))
    let cases: [(FormLimits, [FormPart], String, String?)] = [
      (FormLimits(file: 1999), [file], "file-too-large", "照片"),
      (FormLimits(fileTotal: 3999), [file, file], "files-too-large", "照片"),
      (FormLimits(files: 1), [file, file], "too-many-files", "照片"),
      (FormLimits(fields: 1), [text, text], "too-many-fields", "说明"),
      (FormLimits(field: 1999), [text], "field-too-large", "说明"),
      (FormLimits(fieldTotal: 3000), [text, text], "field-too-large", "说明"),
      (FormLimits(name: 3), [text], "field-name-too-long", nil),
    ]
    for (limits, parts, code, field) in cases {
      let refusal = await #expect(throws: Refusal.self) { try await body(parts).form(limits) }
      #expect(refusal?.code == code)
      #expect(refusal?.kind == .tooLarge)
      #expect(refusal?.field == field)
      if let field { #expect(refusal?.message.contains(field) == true) }
    }
    _ = try await body([file, text]).form(
      FormLimits(fields: 1, files: 1, name: 6, field: 2000, fieldTotal: 2006, file: 2000, fileTotal: 2000))
  }

  @Test func textThatIsNoUTF8IsRefused() async throws {
    for content: [UInt8] in [[0xFF], [0x61, 0]] {
      await #expect(throws: Refusal.self) {
        try await body([FormPart(name: "a", filename: nil, content: content)]).form()
      }
    }
    await #expect(throws: Refusal.self) {
      try await Body(Array("a=%ff".utf8), contentType: "application/x-www-form-urlencoded").form()
    }
  }

  @Test func urlencodedFormsAndJSONAreRead() async throws {
    let form = try await Body(
      Array("a=1&b=%E8%BE%BE+%E5%B7%9E".utf8), contentType: "application/x-www-form-urlencoded; charset=UTF-8"
    ).form()
    #expect(form.fields.first("b") == "达 州")
    #expect(try await Body(Array("{\"a\":1}".utf8), contentType: "application/json").json()["a"] == 1)
    await #expect(throws: Refusal.self) { try await Body(Array("{}".utf8), contentType: "text/plain").json() }
    await #expect(throws: Refusal.self) { try await Body(Array("{".utf8), contentType: "application/json").json() }
    await #expect(throws: Refusal.self) { try await Body(Array("x".utf8), contentType: "text/plain").form() }
    await #expect(throws: Refusal.self) {
      try await Body(Array(repeating: 0x61, count: 100), contentType: nil).bytes(upTo: 99)
    }
  }
}

extension [UInt8] {
  fileprivate func firstRange(of needle: [UInt8]) -> Range<Int>? {
    guard count >= needle.count else { return nil }
    for start in 0...(count - needle.count) where self[start..<start + needle.count].elementsEqual(needle) {
      return start..<start + needle.count
    }
    return nil
  }
}
