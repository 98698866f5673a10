package import Core
import Glibc
import Synchronization

/// A folder of static files, held in memory and served under addresses that change with the content.
///
/// All files share one hash, so that a style sheet finds its fonts and a module its neighbours by relative addresses:
/// `/assets/<hash>/css/app.css`. Such answers may be kept for ever. A known name under an old hash is answered with the
/// present content that must be checked each time, so that pages opened before an update still work. Only names read
/// from the folder are served: no path of a request ever reaches the file system.
package final class Assets: Sendable {
  private struct File: Sendable {
    let type: String
    let plain: SharedBytes
    let gzip: SharedBytes?
    let tag: String
  }

  private struct State: Sendable {
    var files: [String: File] = [:]
    var hash = ""
  }

  private let folder: String
  private let prefix: String
  private let state = Mutex(State())

  /// - Parameter prefix: the path below which the files are served, without a slash at the end.
  /// - Throws: ``Fault`` `assets` when the folder or a file cannot be read.
  package init(folder: String, prefix: String = "/assets") throws(Fault) {
    self.folder = folder
    self.prefix = prefix
    try reload()
  }

  /// Reads the folder again, for development.
  ///
  /// - Throws: ``Fault`` `assets`.
  package func reload() throws(Fault) {
    var contents: [(name: String, bytes: [UInt8])] = []
    try Assets.read(folder, "", into: &contents, depth: 0)
    var hash = ContentHash()
    var files: [String: File] = [:]
    for (name, bytes) in contents {
      hash.add(name.utf8)
      hash.add(CollectionOfOne(0))
      hash.add(bytes)
      let type = MediaType.ofFile(name)
      let isWorth = bytes.count >= ResponseEncoder.smallestCompressed && MediaType.isText(type)
      files[name] = File(
        type: type, plain: SharedBytes(bytes), gzip: isWorth ? Gzip.compressBest(bytes).map(SharedBytes.init) : nil,
        tag: ETag.of(bytes))
    }
    let state = State(files: files, hash: hash.text)
    self.state.withLock { $0 = state }
  }

  /// The address of a file, such as `app.css` or `icons/plate.svg`.
  ///
  /// A name that does not exist gives an address that is answered 404: a missing picture must not take a page down.
  package func url(_ name: String) -> String {
    "\(prefix)/\(state.withLock { $0.hash })/\(PercentEncoding.encode(path: name))"
  }

  package func contains(_ name: String) -> Bool { state.withLock { $0.files[name] != nil } }

  /// The names of all files, sorted.
  package var names: [String] { state.withLock { $0.files.keys.sorted() } }

  /// Registers the route that serves the files.
  package func register(on router: inout Router) {
    router.onImmediate(.get, prefix + "/{hash}/{name...}") { [self] request in
      guard let hash = request.parameters["hash"], let name = request.parameters["name"] else { return nil }
      return response(name, for: request, isImmutable: state.withLock { $0.hash } == hash)
    }
  }

  /// One file as a response, for those that need a fixed address: the service worker, the manifest, the icon.
  package func response(_ name: String, for request: Request) -> Response? {
    response(name, for: request, isImmutable: false)
  }

  private func response(_ name: String, for request: Request, isImmutable: Bool) -> Response? {
    guard let file = state.withLock({ $0.files[name] }) else { return nil }
    var headers = Headers(contentType: file.type)
    headers.add("Cache-Control", isImmutable ? "public, max-age=31536000, immutable" : "no-cache")
    guard let gzip = file.gzip else {
      headers.add("ETag", file.tag)
      return Response(headers: headers, body: .shared(file.plain))
    }
    headers.add("Vary", "Accept-Encoding")
    guard AcceptEncoding.allowsGzip(request.headers["accept-encoding"]) else {
      headers.add("ETag", file.tag)
      return Response(headers: headers, body: .shared(file.plain))
    }
    headers.add("Content-Encoding", "gzip")
    headers.add("ETag", "W/" + file.tag)
    return Response(headers: headers, body: .shared(gzip))
  }

  private static func read(
    _ folder: String, _ prefix: String, into contents: inout [(name: String, bytes: [UInt8])], depth: Int
  ) throws(Fault) {
    guard depth < 16, let entries = Directory.entries(of: folder) else {
      throw Fault("assets", "cannot read \(folder)")
    }
    for entry in entries where !entry.hasPrefix(".") {
      let path = "\(folder)/\(entry)"
      var information = stat()
      guard stat(path, &information) == 0 else { throw Fault("assets", "cannot read \(path)") }
      switch information.st_mode & S_IFMT {
      case S_IFDIR: try read(path, prefix + entry + "/", into: &contents, depth: depth + 1)
      case S_IFREG: contents.append((prefix + entry, try bytes(of: path, Int(information.st_size))))
      default: break
      }
    }
  }

  private static func bytes(of path: String, _ size: Int) throws(Fault) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault("assets", "errno \(errno) for \(path)") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    while true {
      let chunk = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
        count = max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
      }
      if chunk.isEmpty { return bytes }
      bytes.append(contentsOf: chunk)
    }
  }
}
