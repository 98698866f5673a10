import SQL
import Testing

@Suite struct FragmentTests {
  @Test func interpolatedValuesBecomeParameters() {
    let name = "张'; drop table t; --"
    let sql: SQL = "select * from t where name = \(name) and age > \(18)"
    #expect(sql.text == "select * from t where name = $1 and age > $2")
    #expect(sql.values == [.text(name), .int(18)])
  }

  @Test func splicedFragmentsAreRenumbered() {
    let inner: SQL = "a = \(1) or b = \("x")"
    let sql: SQL = "select \(0) where (\(inner)) and c in \(SQL.tuple([.int(2), .int(3)])) and (\(inner))"
    #expect(sql.text == "select $1 where (a = $2 or b = $3) and c in ($4, $5) and (a = $6 or b = $7)")
    #expect(sql.values == [.int(0), .int(1), .text("x"), .int(2), .int(3), .int(1), .text("x")])
  }

  @Test func manyParametersKeepTheirPlaces() {
    let parts = (0..<25).map { "c\(unsafe: String($0)) = \($0)" as SQL }
    let sql = ("select 1 where " as SQL) + SQL.join(parts, separator: " and ")
    let twice = sql + " union " + sql
    #expect(twice.values == (0..<25).map { .int($0) } + (0..<25).map { .int($0) })
    #expect(twice.text.contains("c24 = $25 union select 1 where c0 = $26"))
    #expect(twice.text.hasSuffix("c24 = $50"))
  }

  @Test func emptyFragmentsLeaveNoSeparator() {
    #expect(SQL.join(["a", "", "b"], separator: " and ").text == "a and b")
    #expect(("" as SQL).isEmpty)
    #expect(SQL.join([]).isEmpty)
  }

  @Test func identifiersAreQuoted() {
    #expect(("\(identifier: #"we"ird"#)" as SQL).text == #""we""ird""#)
    #expect(("\(identifier: "楼栋")" as SQL).text == #""楼栋""#)
  }

  @Test func optionalsBindNull() {
    let none: Int? = nil
    #expect(("\(none) \(Int?.some(3))" as SQL).values == [.null, .int(3)])
  }

  @Test func arraysAndEnumerationsBind() {
    enum Kind: String, SQLEncodable { case house }
    let sql: SQL = "\([1, 2]) \(["a"]) \([UInt8(7)]) \(Kind.house)"
    #expect(sql.values == [.intArray([1, 2]), .textArray(["a"]), .bytes([7]), .text("house")])
  }
}
