import CLibPQ

/// A column that COPY fills, with what decides how its values are written.
struct CopyColumn: Sendable {
  /// How a value of the column looks in COPY's binary format.
  enum Kind: Sendable {
    case bool, int2, int4, int8, float4, float8, numeric
    /// Types whose binary form is their text: also enumerations, `json` and `citext`.
    case text
    case jsonb, uuid, bytes, geometry, date, timestamptz, timestamp, tsvector
    case textArray(element: Oid)
    case intArray(element: Oid)
    /// Known to its text form only; a table with such a column is copied as text.
    case other
  }

  let name: String
  let kind: Kind

  /// - Parameters:
  ///   - type: the number of the type, of its base type for a domain.
  ///   - typeName: finds the types of extensions, whose numbers differ from database to database.
  init(name: String, type: Oid, typeName: String, isEnumeration: Bool) {
    self.name = name
    kind =
      switch type {
      case OID.bool: .bool
      case OID.int2: .int2
      case OID.int4: .int4
      case OID.int8: .int8
      case OID.float4: .float4
      case OID.float8: .float8
      case OID.numeric: .numeric
      case OID.text, OID.varchar, OID.bpchar, OID.name, OID.json, OID.xml: .text
      case OID.jsonb: .jsonb
      case OID.uuid: .uuid
      case OID.bytea: .bytes
      case OID.date: .date
      case OID.timestamptz: .timestamptz
      case OID.timestamp: .timestamp
      case OID.tsvector: .tsvector
      case OID.textArray: .textArray(element: OID.text)
      case OID.varcharArray: .textArray(element: OID.varchar)
      case OID.int8Array: .intArray(element: OID.int8)
      case OID.int4Array: .intArray(element: OID.int4)
      case OID.int2Array: .intArray(element: OID.int2)
      default:
        switch typeName {
        case "geometry", "geography": .geometry
        case "citext": .text
        default: isEnumeration ? .text : .other
        }
      }
  }

  var isBinary: Bool { if case .other = kind { false } else { true } }

  /// The columns of a table in the order of `names`; `$1` is the table's quoted name.
  static func description(of table: String) -> SQL {
    """
    select a.attname as name, b.oid as type, b.typname as type_name, b.typtype = 'e' as is_enumeration
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
    where a.attrelid = \(table)::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped
    """
  }

  init(_ row: Row) throws {
    self.init(
      name: try row.get("name"), type: Oid(try row.get("type", as: Int.self)), typeName: try row.get("type_name"),
      isEnumeration: try row.get("is_enumeration"))
  }
}

/// The form in which COPY moves rows.
package enum CopyFormat: Sendable, Hashable {
  /// Binary where all columns' types are known, else text.
  case automatic
  /// Only written by ``CopyWriter/row(_:)``; the cheapest for the server to read.
  case binary
  /// PostgreSQL's tab-separated form.
  case text
  /// RFC 4180; only given as bytes.
  case csv(header: Bool)

  var options: String {
    switch self {
    case .automatic, .text: "format text"
    case .binary: "format binary"
    case .csv(let header): "format csv, header \(header)"
    }
  }
}
