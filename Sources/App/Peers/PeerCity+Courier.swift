import Core
import Crypto

/// The courier: a parcel moves one stage each time somebody asks for it.
extension PeerCity {
  /// The same reference gives the same waybill, so that a repeated order is one parcel. An address with 停运 is not served.
  func ordered(_ request: JSON) -> JSON {
    let places = ["sender_address", "receiver_address"].compactMap { request[$0]?.string }
    if places.contains(where: { $0.contains("停运") }) { return ["result": "refused", "message": "所填地址暂时停运"] }
    let digest = Digest.sm3(Array((request["reference"]?.string ?? "").utf8))
    let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 900_000_000 + 100_000_000
    let waybill = "EA\(number)CN"
    begin(waybill)
    return [
      "result": "accepted", "waybill": .string(waybill), "sorting_code": .string("635-\(number % 90 + 10)"),
      "fee": "12.00", "pickup_at": .string((clock.now() + 7200).iso8601),
    ]
  }

  func tracked(_ request: JSON) -> JSON {
    let waybill = request["waybill"]?.string ?? ""
    guard let asked = ask(waybill) else { return ["result": "not_found", "message": "没有这个运单号"] }
    let stages = [
      ("ordered", "已下单，等待揽收"), ("collected", "达州市通川区营业部已揽收"), ("in_transit", "离开达州处理中心，运输中"),
      ("delivered", "已签收，签收人：本人"),
    ]
    let shown = stages.prefix(min(asked, 3) + 1)
    return [
      "result": "found", "state": .string(shown.last?.0 ?? "ordered"),
      "trail": .string(shown.map { "\(clock.now().display) \($0.1)" }.joined(separator: "\n")),
    ]
  }

  func cancelled(_ request: JSON) -> JSON {
    callOff(request["waybill"]?.string ?? "")
      ? ["result": "cancelled"] : ["result": "refused", "message": "快件已经揽收，不能取消"]
  }
}
