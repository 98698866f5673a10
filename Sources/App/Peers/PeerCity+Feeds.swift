import Core

/// What the provincial systems give page by page: a base of standard addresses and the directories of the police, each a
/// log of changes that is read behind a cursor, or everything as it stands.
///
/// The log follows from its length: of ten changes four are new addresses, four change one, one says again what is known
/// and one deletes. So a test knows what must come of them, and nothing has to be kept.
extension PeerCity {
  private static let towns = [
    ("511702001", "东城街道"), ("511702002", "西城街道"), ("511702003", "朝阳街道"), ("511702004", "凤西街道"), ("511702005", "凤北街道"),
  ]
  private static let first = Array("锦瑞祥福康宁和顺丰盛兴旺嘉润清明")
  private static let second = Array("华源泰安荣昌达庆景春秋云月星江湖")

  private static let addressLog = "addresses"

  /// The rows behind the cursor; the log grows once it was read to its end.
  private func page(_ request: JSON, _ log: String, base: Int, row: (Int) -> JSON) -> JSON {
    let size = Int(request["size"]?.int ?? 100)
    let start = request["cursor"]?.string.flatMap { Int($0) } ?? 0
    if start >= base + changes(log), start > 0 { grow(log, by: growth) }
    let end = base + changes(log)
    let rows = (start..<max(start, min(start + size, end))).map(row)
    let next = start + rows.count
    return [
      "cursor": .string(String(next)), "more": .bool(next < end), "total": .int(Int64(end)), "items": .array(rows),
    ]
  }

  // MARK: Addresses

  func addressChanges(_ request: JSON) -> JSON {
    let cursor = request["cursor"]?.string
    if request["full"]?.bool == true { return everyAddress(request, from: cursor) }
    return page(request, PeerCity.addressLog, base: addresses) { addressEntry($0) }
  }

  /// Everything as it stands: what was deleted is not there.
  private func everyAddress(_ request: JSON, from cursor: String?) -> JSON {
    let size = Int(request["size"]?.int ?? 100)
    let start = cursor.flatMap { $0.hasPrefix("all:") ? Int($0.dropFirst(4)) : Int.max } ?? 0
    let end = addresses + newAddresses(changes(PeerCity.addressLog))
    guard start < end else { return ["cursor": .string(cursor ?? "0"), "more": false, "items": []] }
    let stop = min(start + size, end)
    let rows = (start..<stop).compactMap { $0 < forgotten ? nil : standing($0) }
    let logged = addresses + changes(PeerCity.addressLog)
    return [
      "cursor": .string(stop == end ? String(logged) : "all:\(stop)"), "more": .bool(stop < end),
      "total": .int(Int64(end)),
      "items": .array(rows),
    ]
  }

  func addressCounts() -> JSON {
    let end = addresses + newAddresses(changes(PeerCity.addressLog))
    let count = (forgotten..<max(end, forgotten)).count { standing($0) != nil }
    return ["items": [["division_code": "511702000000", "count": .int(Int64(count))]]]
  }

  private func newAddresses(_ changes: Int) -> Int { changes / 10 * 4 + min(changes % 10, 4) }

  private func addressEntry(_ index: Int) -> JSON {
    guard index >= addresses else { return address(index, version: 0) }
    let change = index - addresses
    switch change % 10 {
    case 0..<4: return address(addresses + change / 10 * 4 + change % 10, version: 0)
    case 4..<8: return address(change % addresses, version: 1 + change / addresses)
    case 8: return address(change % addresses, version: 0)
    default: return address(change % addresses, version: 0, isGone: true)
    }
  }

  /// An address as it stands after all changes; `nil` when it was deleted.
  private func standing(_ index: Int) -> JSON? {
    guard index < addresses else { return address(index, version: 0) }
    let last = changes(PeerCity.addressLog) - 1 - index
    guard last >= 0 else { return address(index, version: 0) }
    switch index % 10 {
    case 4..<8: return address(index, version: 1 + last / addresses)
    case 9: return nil
    default: return address(index, version: 0)
    }
  }

  private func address(_ index: Int, version: Int, isGone: Bool = false) -> JSON {
    let road = index % 256
    let (code, town) = PeerCity.towns[road % 5]
    let number = index / 256 + 1 + version * 1000
    let name = "\(PeerCity.first[road / 16])\(PeerCity.second[road % 16])路"
    return [
      "address_id": .string("SC5117\(10_000_000 + index)"),
      "full_address": .string("四川省达州市通川区\(town)\(name)\(number)号 "),
      "division_code": .string("\(code)000"), "longitude": .double(107.46 + Double(road) * 0.0003),
      "latitude": .double(31.2 + Double(number % 1000) * 0.0001), "state": .string(isGone ? "0" : "1"),
      "updated_at": .string(clock.now().iso8601),
    ]
  }

  // MARK: Questions

  /// Somebody of the two who are known, by document; a name beside it has to agree.
  func people(_ request: JSON) -> JSON {
    let document = request["document"]?.string ?? ""
    let found = known.filter { person in
      person.document == document && (request["name"]?.string.map { $0 == person.name } ?? true)
    }
    return [
      "message": .string(found.isEmpty ? "没有登记" : "查到 \(found.count) 条"),
      "items": .array(
        found.map { person in
          [
            "name": .string(person.name), "document": .string(person.document), "kind": "户籍",
            "address": "四川省达州市通川区东城街道锦华路12号", "registered_address": "四川省达州市通川区东城街道荷叶街28号",
            "updated_on": .string(clock.today().description),
          ]
        }),
    ]
  }

  /// The standing addresses that hold the text, ten at most.
  func houses(_ request: JSON) -> JSON {
    let text = request["address"]?.string ?? ""
    let found = (0..<addresses).lazy.compactMap { self.address($0, version: 0) }.filter { row in
      !text.isEmpty
        && (row["address_id"]?.string == text || row["full_address"]?.string?.contains(text) == true)
    }.prefix(10)
    return [
      "items": .array(
        found.map { row in
          [
            "address_id": row["address_id"] ?? .null, "address": row["full_address"] ?? .null, "usage": "居住",
            "let": "自住", "owner": .string(known[0].name), "residents": 3,
          ]
        })
    ]
  }

  func units(_ request: JSON) -> JSON {
    let name = request["name"]?.string ?? ""
    guard name.hasSuffix("超市") else { return ["message": "没有登记", "items": []] }
    return [
      "items": [
        [
          "name": .string(name), "credit_code": "91511702MA6A0B1C2D", "kind": "个体工商户",
          "address": "四川省达州市通川区东城街道锦华路12号", "legal_person": .string(known[0].name), "state": "在营",
        ]
      ]
    ]
  }

  // MARK: Police

  private static let units: [(code: String, name: String, parent: String?, division: String, kind: String)] =
    [
      ("GA5117", "达州市公安局", nil, "511700000000", "局"),
      ("GA511702", "达州市公安局通川分局", "GA5117", "511702000000", "分局"),
    ]
    + towns.map { code, name in
      ("GA\(code)", "\(name.dropLast(2))派出所", "GA511702", "\(code)000", "派出所")
    }

  func unitChanges(_ request: JSON) -> JSON {
    page(request, "units", base: PeerCity.units.count) { index in
      let unit = PeerCity.units[index % PeerCity.units.count]
      let version = index / PeerCity.units.count
      return [
        "org_code": .string(unit.code), "org_name": .string(unit.name),
        "parent_code": unit.parent.map { .string($0) } ?? .null, "division_code": .string(unit.division),
        "org_kind": .string(unit.kind), "phone": .string("0818-23\(81_000 + index % 7 * 10 + version)"),
        "address": .string("\(unit.name)办公楼"), "state": "1",
      ]
    }
  }

  func officerChanges(_ request: JSON) -> JSON {
    let names = ["赵立新", "钱学敏", "孙海波", "李文静", "周大勇", "吴晓东", "郑国强", "王秀兰", "冯建华", "陈思远"]
    return page(request, "officers", base: names.count) { index in
      let who = index % names.count
      let version = index / names.count
      return [
        "police_number": .string("0517\(20 + who)"), "name": .string(names[who]),
        "org_code": .string("GA\(PeerCity.towns[who % 5].0)"),
        "phone": .string("1398\(1_000_000 + who * 17 + version)"),
        "beat": .string("第\(who + 1)警务区"), "state": .string(version > 0 && who == 9 ? "0" : "1"),
      ]
    }
  }

  // MARK: Identity cards

  /// Cards as they are made: somebody's, somebody's under another name than the register has, and of somebody unknown;
  /// each gets a new one with every change.
  func cardChanges(_ request: JSON) -> JSON {
    let holders = [
      ("ZZ00000001", "511702199603071223", "刘芳"), ("ZZ00000002", "511702199408161215", "张志远"),
      ("ZZ00000003", "511702198001012432", "外乡人"),
    ]
    return page(request, "cards", base: holders.count) { index in
      let (holder, number, name) = holders[index % holders.count]
      let year = 2016 + index / holders.count
      return [
        "holder_id": .string(holder), "resident_id": .string(number), "name": .string(name),
        "issued_on": .string("\(year)-11-02"), "expires_on": .string("\(year + 20)-11-02"),
        "made_at": .string(clock.now().iso8601),
      ]
    }
  }
}
