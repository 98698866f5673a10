import Core

/// The refusals of table files; each says where the trouble is and what to do.
enum TableRefusal {
  static func malformed(line: Int, column: Int, encoding: TextEncoding) -> Refusal {
    Refusal(
      .invalid, "text-malformed",
      "文件第 \(line) 行第 \(column) 列含有无法按 \(encoding.rawValue) 识别的字符，读取到此为止。请改正该单元格，或另存为 UTF-8 编码后重新上传。")
  }

  static func quoteOpen(line: Int, column: Int) -> Refusal {
    Refusal(
      .invalid, "csv-quote-open",
      "文件第 \(line) 行第 \(column) 列的引号没有结束，读取到此为止。请补上引号后重新上传。")
  }

  static func quoteMisplaced(line: Int, column: Int) -> Refusal {
    Refusal(
      .invalid, "csv-quote-misplaced",
      "文件第 \(line) 行第 \(column) 列的引号之后还有内容，读取到此为止。单元格内的引号请写成两个，改正后重新上传。")
  }

  static func cellTooLarge(row: Int, column: Int, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "cell-too-large",
      "文件第 \(row) 行第 \(column) 列的内容超过 \(limit) 字节，读取到此为止。请缩短后重新上传。")
  }

  static func rowTooLarge(line: Int, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "row-too-large",
      "文件第 \(line) 行开始的一行超过 \(limit) 字节，读取到此为止。请检查是否缺少引号或换行后重新上传。")
  }

  static func tooManyColumns(line: Int, limit: Int) -> Refusal {
    Refusal(
      .tooLarge, "too-many-columns",
      "文件第 \(line) 行超过 \(limit) 列，读取到此为止。请删除多余的列后重新上传。")
  }

  static func tooManyRows(_ limit: Int) -> Refusal {
    Refusal(.tooLarge, "too-many-rows", "文件超过 \(limit) 行，读取到此为止。请拆分成几个文件分别上传。")
  }

  static let empty = Refusal(.invalid, "table-empty", "文件里没有任何内容。请填写表头和数据后重新上传。")

  static let unsupported = Refusal(
    .unsupported, "table-unsupported", "这不是表格文件。请上传 XLSX 或 CSV 文件。")

  static let legacy = Refusal(
    .unsupported, "table-legacy", "这是旧版 XLS 或加了密码的文件，无法读取。请去掉密码，另存为 XLSX 或 CSV 后重新上传。")
}
