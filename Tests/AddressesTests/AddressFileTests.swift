import Addresses
import Core
import Foundation
import Testing

/// The forms in which people send lists of addresses.
@Suite struct AddressFileTests {
  private func texts(_ content: String, _ name: String = "list.txt") throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lifang-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: name)
    try Data(content.utf8).write(to: path)
    let file = try AddressFile(path: path.path)
    var texts: [String] = []
    while let entry = try file.next() { texts.append(entry.text) }
    return texts
  }

  @Test func aLabelledCorpusGivesItsAddressesWithNumbersWhole() throws {
    let corpus = """
      朝 B-road
      阳 I-road
      路 I-road
      832 B-roadno
      号 I-roadno

      锦 B-poi
      绣 I-poi
      _ B-redundant
      2021 B-roomno
      室 I-roomno
      """
    #expect(try texts(corpus) == ["朝阳路832号", "锦绣 2021室"])
  }

  @Test func aTextGivesAnAddressALine() throws {
    #expect(try texts("通川区朝阳路1号\n\n达川区南外街2号\n") == ["通川区朝阳路1号", "达川区南外街2号"])
  }

  @Test func aTableGivesItsAddressColumn() throws {
    #expect(try texts("编号,详细地址\n1,通川区朝阳路1号\n2,\"达川区，南外街2号\"\n", "t.csv") == ["通川区朝阳路1号", "达川区，南外街2号"])
  }
}
