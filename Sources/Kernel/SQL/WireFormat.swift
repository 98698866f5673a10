import Core

/// The binary format of values on PostgreSQL's wire: network byte order, times counted from the year 2000.
enum WireFormat {
  /// 2000-01-01T00:00:00Z in microseconds since 1970.
  static let epochMicroseconds: Int64 = 946_684_800_000_000
  /// 2000-01-01 in days since 1970.
  static let epochDays = 10957

  /// Microseconds since 2000; the extreme values stay the extreme values, which is PostgreSQL's infinity.
  static func timestamp(_ instant: Instant) -> Int64 {
    switch instant.microseconds {
    case .max, .min: instant.microseconds
    case let value where value < .min + epochMicroseconds: .min
    case let value: value - epochMicroseconds
    }
  }

  static func instant(_ timestamp: Int64) -> Instant {
    switch timestamp {
    case .max, .min: Instant(microseconds: timestamp)
    case let value where value > .max - epochMicroseconds: Instant(microseconds: .max)
    case let value: Instant(microseconds: value + epochMicroseconds)
    }
  }

  static func uuid(_ bytes: UnsafeRawBufferPointer) -> String {
    let digits: StaticString = "0123456789abcdef"
    return String(unsafeUninitializedCapacity: 36) { text in
      var position = 0
      for (index, byte) in bytes.prefix(16).enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 {
          text[position] = UInt8(ascii: "-")
          position += 1
        }
        text[position] = digits.utf8Start[Int(byte >> 4)]
        text[position + 1] = digits.utf8Start[Int(byte & 15)]
        position += 2
      }
      return position
    }
  }
}

extension [UInt8] {
  mutating func append(bigEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  /// Appends an array of one dimension in PostgreSQL's binary form.
  mutating func appendArray<Item>(
    of type: UInt32, _ elements: [Item], _ write: (inout [UInt8], Item) -> Void
  ) {
    append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
    append(bigEndian: Int32(0))
    append(bigEndian: type)
    guard !elements.isEmpty else { return }
    append(bigEndian: Int32(elements.count))
    append(bigEndian: Int32(1))
    for element in elements { write(&self, element) }
  }

  mutating func appendTextArray(_ elements: [String], of type: UInt32 = OID.text) {
    appendArray(of: type, elements) { bytes, element in
      bytes.append(bigEndian: Int32(element.utf8.count))
      bytes.append(contentsOf: element.utf8)
    }
  }

  mutating func appendIntArray(_ elements: [Int64]) {
    appendArray(of: OID.int8, elements) { bytes, element in
      bytes.append(bigEndian: Int32(8))
      bytes.append(bigEndian: element)
    }
  }
}

extension UnsafeRawBufferPointer {
  func bigEndian<Value: FixedWidthInteger>(_ offset: Int = 0, as type: Value.Type = Value.self) -> Value {
    Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
