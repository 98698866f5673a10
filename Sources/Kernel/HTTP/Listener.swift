import CMicroHTTPD
import Core
import Glibc

/// The socket that waits for connections.
enum Listener {
  /// Binds and listens; returns the socket and the port it has.
  ///
  /// - Throws: ``Fault`` `listen` when the address is none or the kernel refuses.
  static func open(_ address: String, _ port: Int) throws(Fault) -> (socket: Int32, port: Int) {
    guard let number = in_port_t(exactly: port), var storage = socketAddress(address, number) else {
      throw Fault("listen", "\(address):\(port) is no address")
    }
    let family = Int32(storage.ss_family)
    let socket = Glibc.socket(
      family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw Fault("listen", "errno \(errno)") }
    var one: Int32 = 1
    var zero: Int32 = 0
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, size)
    if family == AF_INET6 { setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &zero, size) }
    var length = socklen_t(
      family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(socket, pointer, length) == 0 && Glibc.listen(socket, 1024) == 0
          && getsockname(socket, pointer, &length) == 0
      }
    }
    guard bound else {
      let code = errno
      close(socket)
      throw Fault("listen", "errno \(code) for \(address):\(port)")
    }
    let bigEndian = withUnsafeBytes(of: storage) { $0.loadUnaligned(fromByteOffset: 2, as: in_port_t.self) }
    return (socket, Int(in_port_t(bigEndian: bigEndian)))
  }

  private static func socketAddress(_ text: String, _ port: in_port_t) -> sockaddr_storage? {
    var storage = sockaddr_storage()
    return withUnsafeMutableBytes(of: &storage) { raw -> Bool in
      var four = sockaddr_in()
      if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        raw.storeBytes(of: four, as: sockaddr_in.self)
        return true
      }
      var six = sockaddr_in6()
      guard inet_pton(AF_INET6, text, &six.sin6_addr) == 1 else { return false }
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      raw.storeBytes(of: six, as: sockaddr_in6.self)
      return true
    } ? storage : nil
  }
}
