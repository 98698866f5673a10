import CLibPQ

/// Owner of one libpq result, shared by the rows read from it and freed with the last of them.
final class ResultBuffer: @unchecked Sendable {
  // Unchecked: a PGresult is never written after libpq has returned it, and reading it from several threads is
  // allowed (libpq, "Behavior in Threaded Programs").
  let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { PQclear(pointer) }

  func columnName(_ column: Int32) -> String { PQfname(pointer, column).map { String(cString: $0) } ?? "?" }
}

/// Names and types of a result's columns; one object a prepared statement, however often that runs.
final class Columns: Sendable {
  let list: [Column]
  private let index: [String: Int]

  init(_ result: OpaquePointer) {
    list = (0..<PQnfields(result)).map { column in
      Column(name: PQfname(result, column).map { String(cString: $0) } ?? "", type: PQftype(result, column))
    }
    index =
      list.count > 12
      ? Dictionary(list.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first }) : [:]
  }

  /// Short lists are searched in order, which costs less than hashing the name.
  func position(of name: String) -> Int? {
    list.count > 12 ? index[name] : list.firstIndex { $0.name == name }
  }
}

/// Name and type of one column of a result.
package struct Column: Sendable, Hashable {
  package let name: String
  /// PostgreSQL's type number.
  package let type: UInt32
}

/// One row, a view into the result it came with.
package struct Row: Sendable {
  let result: ResultBuffer
  let shape: Columns
  let row: Int32

  package var columns: [Column] { shape.list }

  /// The field at a position that must exist.
  package func cell(at index: Int) -> Cell {
    precondition(shape.list.indices.contains(index), "the result has no column \(index)")
    return Cell(result: result, row: row, column: Int32(index), type: shape.list[index].type)
  }

  package func cell(_ name: String) throws -> Cell {
    guard let index = shape.position(of: name) else {
      throw DecodingFailure(column: name, type: 0, isNull: true, wanted: "a column of this result")
    }
    return cell(at: index)
  }

  /// - Throws: ``DecodingFailure`` when there is no such column or it holds something else.
  package func get<Value: SQLDecodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    try Value.decode(cell(name))
  }

  package func get<Value: SQLDecodable>(_ index: Int, as type: Value.Type = Value.self) throws -> Value {
    try Value.decode(cell(at: index))
  }

  /// The field by its column's type; see ``Cell/value()``.
  package func value(at index: Int) throws -> SQLValue { try cell(at: index).value() }

  package func value(_ name: String) throws -> SQLValue { try cell(name).value() }

  package func isNull(_ name: String) throws -> Bool { try cell(name).isNull }
}

/// The rows of one statement, decoded when they are read.
package struct Rows: RandomAccessCollection, Sendable {
  let result: ResultBuffer
  let shape: Columns

  init(_ pointer: OpaquePointer, _ shape: Columns? = nil) {
    result = ResultBuffer(pointer)
    self.shape = shape ?? Columns(pointer)
    endIndex = Int(PQntuples(pointer))
  }

  package let endIndex: Int
  package var startIndex: Int { 0 }

  package subscript(position: Int) -> Row {
    precondition(position >= 0 && position < endIndex, "the result has no row \(position)")
    return Row(result: result, shape: shape, row: Int32(position))
  }

  package var columns: [Column] { shape.list }

  /// Rows inserted, updated, deleted, moved, copied or selected.
  package var affected: Int {
    guard let text = PQcmdTuples(result.pointer) else { return 0 }
    return Int(String(cString: text)) ?? 0
  }

  /// One column of every row.
  package func values<Value: SQLDecodable>(of name: String, as type: Value.Type = Value.self) throws -> [Value] {
    guard let index = shape.position(of: name) else {
      throw DecodingFailure(column: name, type: 0, isNull: true, wanted: "a column of this result")
    }
    return try map { try $0.get(index) }
  }

  /// The first column of every row.
  package func values<Value: SQLDecodable>(as type: Value.Type = Value.self) throws -> [Value] {
    try map { try $0.get(0) }
  }
}
