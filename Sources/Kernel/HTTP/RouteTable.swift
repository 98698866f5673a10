import Synchronization

/// The compiled form of a ``Router``: a tree of segments, never changed after it is built.
struct RouteTable: Sendable {
  /// What answers one method on one pattern.
  final class Endpoint: Sendable {
    let method: Method
    /// `nil` for what no pattern leads to.
    let pattern: String?
    let names: [String]
    let maximumBody: Int?
    let handler: Handler?
    let immediate: ImmediateHandler?
    let gatherer: Gatherer?
    private let labels = Mutex<[(method: Method, status: Int, text: String)]>([])

    init(_ route: Router.Route, handler: Handler?) {
      method = route.method
      pattern = route.parsed.text
      names = route.parsed.names
      maximumBody = route.maximumBody
      self.handler = handler
      immediate = route.immediate
      gatherer = route.gatherer
    }

    /// What answers requests that no pattern matches.
    init(unmatched handler: @escaping Handler) {
      method = .get
      pattern = nil
      names = []
      maximumBody = nil
      self.handler = handler
      immediate = nil
      gatherer = nil
    }

    /// The labels of the request counter, put together once for each status.
    func label(_ method: Method, _ status: Int) -> String {
      labels.withLock { labels in
        if let known = labels.first(where: { $0.method == method && $0.status == status }) { return known.text }
        let text = "method=\"\(method.rawValue)\",route=\"\(pattern ?? "-")\",status=\"\(status)\""
        labels.append((method, status, text))
        return text
      }
    }
  }

  enum Match {
    case found(Endpoint, parameters: [String: String])
    /// The path exists, but not for this method; the methods are those it exists for.
    case otherMethods([Method])
    case nothing
  }

  private struct Node: Sendable {
    var literals: [String: Int] = [:]
    var parameter: Int?
    var endpoints: [Endpoint] = []
    var restEndpoints: [Endpoint] = []
  }

  private var nodes = [Node()]
  /// Nodes of patterns without parameters, by path.
  private var constants: [String: Int] = [:]

  init(_ router: Router) {
    struct Key: Hashable {
      let method: Method
      let segments: [RoutePattern.Segment]
    }
    var order: [Key] = []
    var merged: [Key: Router.Route] = [:]
    for route in router.routes {
      let key = Key(method: route.method, segments: route.parsed.segments)
      if let known = merged[key] {
        var both = route.immediate == nil ? route : known
        both.immediate = known.immediate ?? route.immediate
        merged[key] = both
      } else {
        order.append(key)
        merged[key] = route
      }
    }
    for key in order {
      guard let route = merged[key] else { continue }
      insert(
        route.parsed,
        Endpoint(route, handler: route.handler.map { Router.wrap($0, in: router.middleware) }))
    }
  }

  private mutating func insert(_ pattern: RoutePattern, _ endpoint: Endpoint) {
    var node = 0
    for segment in pattern.segments {
      switch segment {
      case .literal(let text): node = child(of: node, \.literals[text])
      case .parameter: node = child(of: node, \.parameter)
      case .rest:
        nodes[node].restEndpoints.append(endpoint)
        return
      }
    }
    precondition(
      !nodes[node].endpoints.contains { $0.method == endpoint.method },
      "\(endpoint.method.rawValue) \(pattern.text) is registered twice")
    nodes[node].endpoints.append(endpoint)
    if endpoint.names.isEmpty { constants[pattern.text] = node }
  }

  private mutating func child(of node: Int, _ path: WritableKeyPath<Node, Int?>) -> Int {
    if let known = nodes[node][keyPath: path] { return known }
    nodes.append(Node())
    nodes[node][keyPath: path] = nodes.count - 1
    return nodes.count - 1
  }

  /// Finds the endpoint for a target whose escapes have been checked.
  func match(_ method: Method, _ target: Target) -> Match {
    var allowed: [Method] = []
    if target.isPlain, let node = constants[target.path], let endpoint = pick(method, nodes[node].endpoints, &allowed) {
      return .found(endpoint, parameters: [:])
    }
    var segments: [String] = []
    if target.rawPath.count > 1 {
      for raw in target.rawPath.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        guard let segment = try? PercentEncoding.decode(raw) else { return .nothing }
        segments.append(segment)
      }
    }
    var values: [String] = []
    if let endpoint = walk(0, segments[...], method, &values, &allowed) {
      if endpoint.names.isEmpty { return .found(endpoint, parameters: [:]) }
      return .found(
        endpoint, parameters: Dictionary(zip(endpoint.names, values), uniquingKeysWith: { first, _ in first }))
    }
    if allowed.isEmpty { return .nothing }
    var unique: [Method] = []
    for method in allowed where !unique.contains(method) { unique.append(method) }
    return .otherMethods(unique)
  }

  /// Depth first, the most literal branch first; `allowed` gathers the methods of paths that match otherwise.
  private func walk(
    _ index: Int, _ segments: ArraySlice<String>, _ method: Method, _ values: inout [String],
    _ allowed: inout [Method]
  ) -> Endpoint? {
    let node = nodes[index]
    guard let segment = segments.first else {
      return pick(method, node.endpoints, &allowed)
    }
    if let child = node.literals[segment],
      let endpoint = walk(child, segments.dropFirst(), method, &values, &allowed)
    {
      return endpoint
    }
    if let child = node.parameter, !segment.isEmpty {
      values.append(segment)
      if let endpoint = walk(child, segments.dropFirst(), method, &values, &allowed) { return endpoint }
      values.removeLast()
    }
    if let endpoint = pick(method, node.restEndpoints, &allowed) {
      values.append(segments.joined(separator: "/"))
      return endpoint
    }
    return nil
  }

  private func pick(_ method: Method, _ endpoints: [Endpoint], _ allowed: inout [Method]) -> Endpoint? {
    if let endpoint = endpoints.first(where: { $0.method == method }) { return endpoint }
    if method == .head, let endpoint = endpoints.first(where: { $0.method == .get }) { return endpoint }
    allowed.append(contentsOf: endpoints.map(\.method))
    return nil
  }
}
