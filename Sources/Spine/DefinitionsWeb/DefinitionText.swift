import Definitions
import Messaging
import Processes
import YAML

/// What the texts of definitions say, as far as they can be read.
enum DefinitionText {
  static func node(_ text: String, _ key: DefinitionKey) -> YAMLNode? {
    guard let node = try? YAMLNode(parsing: text, file: key.file), node.mapping != nil else { return nil }
    return node
  }

  static func process(_ text: String, _ key: DefinitionKey) -> ProcessDefinition? {
    try? ProcessDefinition(bpmn: Array(text.utf8), file: key.file)
  }

  static func calendar(_ text: String, _ key: DefinitionKey) -> WorkCalendar? {
    try? WorkCalendar(parsing: text, file: key.file)
  }
}

extension String {
  /// With the line ends that files have; browsers send others.
  var unixLines: String {
    var text = ""
    for character in self { text.append(character == "\r\n" || character == "\r" ? "\n" : character) }
    return text
  }
}
