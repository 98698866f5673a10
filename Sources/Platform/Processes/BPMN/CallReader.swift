import XML

/// Reads what a `callActivity` says of the process it calls.
struct CallReader {
  private(set) var rule: CallRule?
  private(set) var problems: [String] = []

  init(_ element: XMLElement, _ label: String) {
    if element.child("multiInstanceLoopCharacteristics", in: BPMN.model) != nil
      || element.child("standardLoopCharacteristics", in: BPMN.model) != nil
    {
      problems.append("\(label)设了循环或多实例标记，这里不支持。请在被调用的流程里设会签，或用连线连回前面。")
    }
    guard let process = element["calledElement"], !process.isEmpty else {
      problems.append("\(label)没有写明调用哪个流程（calledElement）。请补上被调用流程的编号。")
      return
    }
    let extensions = element.child("extensionElements", in: BPMN.model)
    let inputs = assignments(extensions?.children("in", in: BPMN.lifang) ?? [], label, "in")
    let outputs = assignments(extensions?.children("out", in: BPMN.lifang) ?? [], label, "out")
    rule = CallRule(process: process, inputs: inputs, outputs: outputs)
  }

  private mutating func assignments(_ elements: [XMLElement], _ label: String, _ name: String) -> [ProcessAssignment] {
    elements.compactMap { element in
      guard let variable = element["variable"], let formula = element["value"] else {
        problems.append("\(label)的 lifang:\(name) 要写明 variable 和 value。请补上。")
        return nil
      }
      return ProcessAssignment(variable: variable, formula: formula)
    }
  }
}
