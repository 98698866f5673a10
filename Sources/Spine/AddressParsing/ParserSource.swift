package import Core
import Synchronization

/// The model that a process parses with (解析模型), read when first asked for and then shared.
package final class ParserSource: Sendable {
  private let read: @Sendable () throws(Refusal) -> ParserModel
  private let model = Mutex<ParserModel?>(nil)

  package init(_ read: @escaping @Sendable () throws(Refusal) -> ParserModel) { self.read = read }

  /// - Throws: ``Refusal`` `parser-unavailable`, when the installation has no model that can be read.
  package func get() throws(Refusal) -> ParserModel {
    try model.withLock { (model: inout sending ParserModel?) throws(Refusal) -> ParserModel in
      if let model { return model }
      let new: ParserModel
      do throws(Refusal) { new = try read() } catch {
        throw Refusal(.unavailable, "parser-unavailable", "地址解析暂时不能用：\(error.message)请联系系统管理员。")
      }
      model = new
      return new
    }
  }
}
