import CCurl
import Core
import Synchronization

/// A request to a gateway.
package struct GatewayRequest: Sendable {
  package let url: String
  package let headers: [String]
  /// `nil` asks with `GET`.
  package let body: [UInt8]?
  package let timeout: Duration
  /// Bytes; a longer answer ends the transfer.
  package let maximumAnswer: Int

  package init(
    url: String, headers: [String], body: [UInt8]?, timeout: Duration,
    maximumAnswer: Int = CurlTransport.maximumAnswer
  ) {
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maximumAnswer = maximumAnswer
  }
}

/// A letter to a mail server.
package struct MailRequest: Sendable {
  /// `smtp://host:587` or `smtps://host:465`.
  package let url: String
  package let user: String?
  package let password: String?
  /// Whether `smtp://` must go over to TLS before anything is said.
  package let requiresTLS: Bool
  package let from: String
  package let to: String
  package let content: [UInt8]
  package let timeout: Duration

  package init(
    url: String, user: String?, password: String?, requiresTLS: Bool, from: String, to: String, content: [UInt8],
    timeout: Duration
  ) {
    self.url = url
    self.user = user
    self.password = password
    self.requiresTLS = requiresTLS
    self.from = from
    self.to = to
    self.content = content
    self.timeout = timeout
  }
}

/// What a server answered.
package struct TransportAnswer: Sendable {
  package let status: Int
  /// At most ``CurlTransport/maximumAnswer`` bytes, or what the request allowed.
  package let body: [UInt8]

  package init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}

/// A transfer that came to no good end. The text names neither addresses nor contents.
package struct TransportFailure: Error, Sendable {
  package let message: String
  /// The last status the server gave; 0 for none.
  package let status: Int
  /// Whether the time that was given ran out.
  package let isTimeout: Bool

  package init(message: String, status: Int, isTimeout: Bool = false) {
    self.message = message
    self.status = status
    self.isTimeout = isTimeout
  }
}

/// Speaks HTTP and SMTP by libcurl, on a thread of its own: its calls block, and the pool of tasks must not.
///
/// One handle is kept, so that connections to a gateway stay open between messages; those to a mail server do not.
package actor CurlTransport {
  package static let maximumAnswer = 65_536

  private let executor: ThreadExecutor
  private let handle: CurlHandle

  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  package init(name: String) {
    executor = ThreadExecutor(name: name)
    handle = CurlHandle()
  }

  deinit { executor.stop() }

  /// Asks by HTTP and waits for the answer, whatever its status.
  package func ask(_ request: GatewayRequest) throws(TransportFailure) -> TransportAnswer {
    try handle.transfer(request.timeout, limit: request.maximumAnswer) { handle throws(TransportFailure) in
      try handle.set(CURLOPT_URL, request.url)
      try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
      try handle.set(CURLOPT_HTTPHEADER, list: request.headers)
      if let body = request.body { try handle.set(body: body) }
    }
  }

  /// Hands a mail over by SMTP.
  package func send(_ mail: MailRequest) throws(TransportFailure) -> TransportAnswer {
    try handle.transfer(mail.timeout) { handle throws(TransportFailure) in
      try handle.set(CURLOPT_URL, mail.url)
      try handle.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
      // A connection kept from before TLS was asked for would be used again without it.
      try handle.set(CURLOPT_FRESH_CONNECT, 1)
      try handle.set(CURLOPT_FORBID_REUSE, 1)
      if mail.requiresTLS { try handle.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
      if let user = mail.user { try handle.set(CURLOPT_USERNAME, user) }
      if let password = mail.password { try handle.set(CURLOPT_PASSWORD, password) }
      try handle.set(CURLOPT_MAIL_FROM, "<\(mail.from)>")
      try handle.set(CURLOPT_MAIL_RCPT, list: ["<\(mail.to)>"])
      try handle.set(upload: mail.content)
    }
  }
}

/// Owner of one easy handle of libcurl.
final class CurlHandle: @unchecked Sendable {
  // Unchecked: used by its actor only, whose executor is one thread; libcurl wants no more than that a handle is used by
  // one thread at a time.
  private let pointer: UnsafeMutableRawPointer?
  /// Freed after the transfer that used them.
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  private let flow = TransferFlow()

  /// `curl_global_init` is not safe beside itself, and a static is made once.
  private static let isReady = lifang_curl_global_init() == CURLE_OK

  init() { pointer = CurlHandle.isReady ? curl_easy_init() : nil }

  deinit {
    for list in lists { curl_slist_free_all(list) }
    if let pointer { curl_easy_cleanup(pointer) }
  }

  func set(_ option: CURLoption, _ text: String) throws(TransportFailure) {
    guard !text.utf8.contains(0) else { throw TransportFailure(message: "参数里有空字符", status: 0) }
    try check(lifang_curl_set_text(pointer, option, text))
  }

  func set(_ option: CURLoption, _ number: Int) throws(TransportFailure) {
    try check(lifang_curl_set_long(pointer, option, number))
  }

  func set(_ option: CURLoption, list texts: [String]) throws(TransportFailure) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts {
      guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }), let longer = curl_slist_append(list, text) else {
        if let list { curl_slist_free_all(list) }
        throw TransportFailure(message: "参数里有控制字符", status: 0)
      }
      list = longer
    }
    guard let list else { return }
    lists.append(list)
    try check(lifang_curl_set_list(pointer, option, list))
  }

  func set(body: [UInt8]) throws(TransportFailure) {
    try check(body.withUnsafeBytes { lifang_curl_set_body(pointer, $0.baseAddress, $0.count) })
  }

  func set(upload bytes: [UInt8]) throws(TransportFailure) {
    flow.upload = bytes[...]
    try set(CURLOPT_UPLOAD, 1)
    try check(
      lifang_curl_set_source(
        pointer,
        { bytes, size, count, context in
          guard let bytes, let context else { return 0 }
          let flow = Unmanaged<TransferFlow>.fromOpaque(context).takeUnretainedValue()
          let part = flow.upload.prefix(size * count)
          UnsafeMutableRawPointer(bytes).copyMemory(from: Array(part), byteCount: part.count)
          flow.upload = flow.upload.dropFirst(part.count)
          return part.count
        }, Unmanaged.passUnretained(flow).toOpaque()))
  }

  /// One transfer with the settings that `prepare` gives, besides what is common to all.
  func transfer(
    _ timeout: Duration, limit: Int = CurlTransport.maximumAnswer,
    _ prepare: (CurlHandle) throws(TransportFailure) -> Void
  ) throws(TransportFailure) -> TransportAnswer {
    guard let pointer else { throw TransportFailure(message: "libcurl 不能初始化", status: 0) }
    curl_easy_reset(pointer)
    defer {
      for list in lists { curl_slist_free_all(list) }
      lists = []
      flow.upload = []
    }
    flow.answer = []
    flow.limit = limit
    // Timeouts without signals, which are the process's and not this thread's.
    try set(CURLOPT_NOSIGNAL, 1)
    let milliseconds = Int(timeout.components.seconds * 1000)
    try set(CURLOPT_TIMEOUT_MS, milliseconds)
    try set(CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 5000))
    try set(CURLOPT_SSL_VERIFYPEER, 1)
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    try set(CURLOPT_FOLLOWLOCATION, 0)
    try check(
      lifang_curl_set_sink(
        pointer,
        { bytes, size, count, context in
          guard let bytes, let context else { return 0 }
          let flow = Unmanaged<TransferFlow>.fromOpaque(context).takeUnretainedValue()
          // Less than was given ends the transfer.
          guard flow.answer.count + size * count <= flow.limit else { return 0 }
          flow.answer += UnsafeRawBufferPointer(start: bytes, count: size * count)
          return size * count
        }, Unmanaged.passUnretained(flow).toOpaque()))
    try prepare(self)
    try check(curl_easy_perform(pointer))
    return TransportAnswer(status: lifang_curl_status(pointer), body: flow.answer)
  }

  private func check(_ code: CURLcode) throws(TransportFailure) {
    if code == CURLE_OK { return }
    let status = pointer.map { lifang_curl_status($0) } ?? 0
    let reason =
      switch code {
      case CURLE_OPERATION_TIMEDOUT: "超时没有答复"
      case CURLE_COULDNT_RESOLVE_HOST: "找不到服务器的地址"
      case CURLE_COULDNT_CONNECT: "连接不上服务器"
      case CURLE_PEER_FAILED_VERIFICATION: "服务器的证书不可信"
      case CURLE_USE_SSL_FAILED: "服务器不支持加密连接"
      case CURLE_LOGIN_DENIED: "用户名或密码不对"
      case CURLE_WRITE_ERROR: "答复太长"
      case CURLE_GOT_NOTHING, CURLE_RECV_ERROR: "连接中断，没有答复"
      case CURLE_SEND_ERROR: "服务器没有收下"
      case CURLE_SSL_CONNECT_ERROR: "加密连接没有建立"
      case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: "地址写得不对"
      default: "传输失败，curl 错误 \(code.rawValue)"
      }
    throw TransportFailure(
      message: status > 0 ? "\(reason)（\(status)）" : reason, status: status,
      isTimeout: code == CURLE_OPERATION_TIMEDOUT)
  }
}

/// What goes out and comes in during a transfer; touched by the thread of the handle only.
private final class TransferFlow {
  var upload: ArraySlice<UInt8> = []
  var answer: [UInt8] = []
  /// Bytes that an answer may have.
  var limit = CurlTransport.maximumAnswer
}

/// Several transports, so that a slow answer does not hold up the next message.
package final class TransportPool: Sendable {
  private let transports: [CurlTransport]
  private let turn = Atomic<Int>(0)

  package init(name: String, size: Int) {
    transports = (0..<max(size, 1)).map { CurlTransport(name: "\(name)-\($0)") }
  }

  package var next: CurlTransport {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return transports[Int(UInt(bitPattern: number) % UInt(transports.count))]
  }
}
