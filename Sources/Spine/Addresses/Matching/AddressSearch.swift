/// The search for one text in one base.
struct AddressSearch {
  let base: AddressBase
  let query: AddressQuery
  /// Records with their points, the best of each site and reading.
  var found: [Found] = []
  /// Whether any name led to a site.
  private(set) var sawSites = false
  /// Sites that are looked at to the end.
  private static let finalists = 16

  init(base: AddressBase, query: AddressQuery) {
    self.base = base
    self.query = query
  }

  mutating func run() {
    let assignments = NumberAssignment.all(query)
    let sites = candidates(assignments)
    sawSites = !sites.isEmpty
    let groups = assignments.map { $0.group > 0 ? base.texts.find(base.texts[$0.group] + "组") ?? -1 : $0.group }
    var judged: [(site: Int32, verdict: SiteVerdict)] = sites.map { ($0, verdict(of: base.sites[Int($0)])) }
    if judged.count > AddressSearch.finalists {
      judged.sort { $0.verdict.score > $1.verdict.score }
      // Those that are as good as the last are looked at too, within reason.
      let limit = judged[AddressSearch.finalists - 1].verdict.score
      judged = Array(judged.prefix { $0.verdict.score >= limit }.prefix(AddressSearch.finalists * 8))
    }
    for (site, verdict) in judged {
      for (assignment, group) in zip(assignments, groups) { find(in: site, verdict, assignment, group) }
    }
    found.sort { $0.score > $1.score }
  }

  /// The sites that a name of the text, with a number where it takes one, leads to.
  private func candidates(_ assignments: [NumberAssignment]) -> [Int32] {
    var numbers: [Int32] = []
    for assignment in assignments where assignment.number > 0 && !numbers.contains(assignment.number) {
      numbers.append(assignment.number)
    }
    var sites: [Int32] = []
    for name in query.names {
      switch name.kind {
      case .road, .lane: for number in numbers { sites += base.byRoadNumber[SiteIndex.key(name.value, number)] }
      case .community:
        for number in numbers { sites += base.byCommunityNumber[SiteIndex.key(name.value, number)] }
      case .compound: sites += base.byCompound[SiteIndex.key(name.value)]
      case .place: sites += base.byPlace[SiteIndex.key(name.value)]
      case .province, .city, .district, .town: break
      }
    }
    if sites.isEmpty {
      for name in query.names where name.kind == .community { sites += base.byCommunity[SiteIndex.key(name.value)] }
    }
    sites.sort()
    var last: Int32 = -1
    return sites.filter { site in
      defer { last = site }
      return site != last
    }
  }
}

/// How a site's names agree with a text.
struct SiteVerdict {
  var score: Float = 0
  var loss: Float = 0
  var slips: Float = 0
  var shared: Float = 0
  var nameConflicts: Float = 0
  var divisionConflicts: Float = 0
  var hasCompound = false
  var hasRoad = false

  mutating func lose(_ points: Float) {
    score -= points
    loss += points
  }
}

/// One record with its points.
struct Found {
  let id: Int64
  let score: Float
  let verdict: SiteVerdict
  let features: MatchFeatures
  /// Whether the text goes deeper than the record.
  let isShallow: Bool
  let numberDiffers: Bool
}
