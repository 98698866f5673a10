/// What kind of thing a field holds (字段类型).
package enum FieldType: Sendable, Hashable {
  /// 单行文本.
  case text
  /// 多行文本.
  case longtext
  case integer
  /// Six places, see ``FixedDecimal``.
  case decimal
  /// 金额, see ``Money``.
  case money
  case boolean
  case date
  /// A point in time (日期时间).
  case instant
  /// 字典项: a code of the named dictionary.
  case code(dictionary: String)
  /// 关联: the id of a record of the named entity.
  case ref(entity: String)
  /// 居民身份证号 (GB 11643).
  case residentID
  /// 统一社会信用代码 (GB 32100).
  case creditCode
  /// Mobile or fixed-line telephone number.
  case phone
  /// 行政区划代码, 2 to 12 digits without trailing zeros; scope reads it by prefix.
  case division
  case point, line, polygon
  /// The key of a stored file.
  case file
  case image
  case json

  /// Whether the value is GeoJSON and the column a PostGIS geometry.
  package var isGeometry: Bool {
    switch self {
    case .point, .line, .polygon: true
    default: false
    }
  }

  /// Whether a field of this type may carry `multiple: true`.
  package var allowsMultiple: Bool {
    switch self {
    case .code, .file, .image: true
    default: false
    }
  }

  /// The name used in declarations.
  package var name: String {
    switch self {
    case .text: "text"
    case .longtext: "longtext"
    case .integer: "integer"
    case .decimal: "decimal"
    case .money: "money"
    case .boolean: "boolean"
    case .date: "date"
    case .instant: "instant"
    case .code: "code"
    case .ref: "ref"
    case .residentID: "resident_id"
    case .creditCode: "credit_code"
    case .phone: "phone"
    case .division: "division"
    case .point: "point"
    case .line: "line"
    case .polygon: "polygon"
    case .file: "file"
    case .image: "image"
    case .json: "json"
    }
  }

  /// Every name a declaration may use.
  package static let names = [
    "text", "longtext", "integer", "decimal", "money", "boolean", "date", "instant", "code", "ref", "resident_id",
    "credit_code", "phone", "division", "point", "line", "polygon", "file", "image", "json",
  ]

  /// The type as people call it in messages.
  package var label: String {
    switch self {
    case .text: "文本"
    case .longtext: "多行文本"
    case .integer: "整数"
    case .decimal: "小数"
    case .money: "金额"
    case .boolean: "是否"
    case .date: "日期"
    case .instant: "日期时间"
    case .code: "字典项"
    case .ref: "关联记录"
    case .residentID: "居民身份证号"
    case .creditCode: "统一社会信用代码"
    case .phone: "电话号码"
    case .division: "行政区划代码"
    case .point: "点"
    case .line: "线"
    case .polygon: "面"
    case .file: "文件"
    case .image: "图片"
    case .json: "结构化数据"
    }
  }

  /// The case of ``Value`` a single value of this type is kept in.
  package var valueKind: ValueKind {
    switch self {
    case .text, .longtext, .code, .residentID, .creditCode, .phone, .division, .file, .image: .text
    case .integer, .ref: .integer
    case .decimal: .decimal
    case .money: .money
    case .boolean: .boolean
    case .date: .date
    case .instant: .instant
    case .point, .line, .polygon: .geometry
    case .json: .json
    }
  }

  /// The PostgreSQL type of a plain (not encrypted) column; geometry is in CGCS2000 (EPSG:4490).
  package var columnType: String {
    switch self {
    case .text, .longtext, .code, .residentID, .creditCode, .phone, .division, .file, .image: "text"
    case .integer, .ref, .money: "bigint"
    case .decimal: "numeric(18,6)"
    case .boolean: "boolean"
    case .date: "date"
    case .instant: "timestamptz"
    case .point: "geometry(Point,4490)"
    case .line: "geometry(MultiLineString,4490)"
    case .polygon: "geometry(MultiPolygon,4490)"
    case .json: "jsonb"
    }
  }
}
