import XML

extension ProcessDefinition {
  /// The definition as a BPMN 2.0 file; reading it gives the same definition.
  package var bpmn: String {
    var writer = XMLWriter()
    writer.element(
      "bpmn:definitions",
      [
        ("xmlns:bpmn", BPMN.model), ("xmlns:bpmndi", BPMN.diagram), ("xmlns:dc", BPMN.boxes), ("xmlns:di", BPMN.lines),
        ("xmlns:xsi", BPMN.schema), ("xmlns:lifang", BPMN.lifang), ("targetNamespace", BPMN.lifang),
      ]
    ) { writer in
      writer.element("bpmn:process", [("id", id), ("name", name), ("isExecutable", "true")]) { writer in
        if !variables.isEmpty {
          writer.element("bpmn:extensionElements") { writer in
            for variable in variables {
              writer.element(
                "lifang:variable",
                [("name", variable.name), ("label", variable.label), ("type", variable.kind.rawValue)]
              ) { writer in
                for choice in variable.choices {
                  writer.element(
                    "lifang:choice",
                    [
                      ("value", choice.value), ("label", choice.label), ("role", choice.role),
                      ("opinion", choice.needsOpinion ? "required" : nil),
                    ])
                }
              }
            }
          }
        }
        for node in nodes { write(node, to: &writer) }
        for flow in flows { write(flow, to: &writer) }
      }
      if !layout.frames.isEmpty || !layout.lines.isEmpty { writeLayout(to: &writer) }
    }
    return writer.text
  }

  private func write(_ node: ProcessNode, to writer: inout XMLWriter) {
    var attributes: [(String, String?)] = [("id", node.id), ("name", node.name.isEmpty ? nil : node.name)]
    let other = flows.first { $0.source == node.id && $0.isDefault }?.id
    switch node.kind {
    case .start: writer.element("bpmn:startEvent", attributes)
    case .end(let isTerminating):
      writer.element("bpmn:endEvent", attributes) { if isTerminating { $0.element("bpmn:terminateEventDefinition") } }
    case .step(let rule): write(rule, attributes, to: &writer)
    case .service(let action): writer.element("bpmn:serviceTask", attributes + [("lifang:action", action)])
    case .decision(let assignments):
      writer.element("bpmn:businessRuleTask", attributes) { writer in
        writer.element("bpmn:extensionElements") { writer in
          for assignment in assignments {
            writer.element("lifang:set", [("variable", assignment.variable), ("value", assignment.formula)])
          }
        }
      }
    case .call(let rule): write(rule, attributes, to: &writer)
    case .exclusive: writer.element("bpmn:exclusiveGateway", attributes + [("default", other)])
    case .parallel: writer.element("bpmn:parallelGateway", attributes)
    case .inclusive: writer.element("bpmn:inclusiveGateway", attributes + [("default", other)])
    case .timer(let duration):
      writer.element("bpmn:intermediateCatchEvent", attributes) { write(duration, to: &$0) }
    case .boundary(let host, let after, let interrupts):
      attributes += [("attachedToRef", host), ("cancelActivity", interrupts ? nil : "false")]
      writer.element("bpmn:boundaryEvent", attributes) { write(after, to: &$0) }
    }
  }

  private func write(_ rule: StepRule, _ attributes: [(String, String?)], to writer: inout XMLWriter) {
    let (signing, isSequential): (String?, Bool?) =
      switch rule.signing {
      case .one: (nil, nil)
      case .all(let sequential): ("all", sequential)
      case .any: ("any", false)
      case .share(let percent): ("\(percent)%", false)
      }
    let own: [(String, String?)] = [
      ("lifang:handler", rule.handler.description), ("lifang:fallback", rule.fallback.description),
      ("lifang:signing", signing), ("lifang:limit", rule.limit?.description),
      ("lifang:pauses", rule.pausesClock ? "true" : nil),
      ("lifang:edits", rule.edits.isEmpty ? nil : rule.edits.map(\.rawValue).sorted().joined(separator: " ")),
      ("lifang:remind", rule.reminder?.description), ("lifang:overdue", rule.overdue?.description),
      ("lifang:dispatch", rule.dispatch == .pool ? nil : rule.dispatch.rawValue),
    ]
    writer.element("bpmn:userTask", attributes + own) { writer in
      if !rule.inputs.isEmpty || !rule.fields.isEmpty {
        writer.element("bpmn:extensionElements") { writer in
          for input in rule.inputs {
            writer.element(
              "lifang:input", [("variable", input.variable), ("required", input.isRequired ? nil : "false")])
          }
          for (name, access) in rule.fields.sorted(by: { $0.key < $1.key }) {
            writer.element("lifang:field", [("name", name), ("access", access.rawValue)])
          }
        }
      }
      guard let isSequential else { return }
      writer.element("bpmn:multiInstanceLoopCharacteristics", [("isSequential", isSequential ? "true" : nil)])
    }
  }

  private func write(_ rule: CallRule, _ attributes: [(String, String?)], to writer: inout XMLWriter) {
    writer.element("bpmn:callActivity", attributes + [("calledElement", rule.process)]) { writer in
      guard !rule.inputs.isEmpty || !rule.outputs.isEmpty else { return }
      writer.element("bpmn:extensionElements") { writer in
        for (name, assignments) in [("lifang:in", rule.inputs), ("lifang:out", rule.outputs)] {
          for assignment in assignments {
            writer.element(name, [("variable", assignment.variable), ("value", assignment.formula)])
          }
        }
      }
    }
  }

  private func write(_ duration: ProcessDuration, to writer: inout XMLWriter) {
    writer.element("bpmn:timerEventDefinition") { writer in
      writer.element("bpmn:timeDuration", [("xsi:type", "bpmn:tFormalExpression")], text: duration.description)
    }
  }

  private func write(_ flow: ProcessFlow, to writer: inout XMLWriter) {
    let attributes: [(String, String?)] = [
      ("id", flow.id), ("name", flow.name.isEmpty ? nil : flow.name), ("sourceRef", flow.source),
      ("targetRef", flow.target),
    ]
    writer.element("bpmn:sequenceFlow", attributes) { writer in
      guard let condition = flow.condition else { return }
      writer.element("bpmn:conditionExpression", [("xsi:type", "bpmn:tFormalExpression")], text: condition)
    }
  }

  private func writeLayout(to writer: inout XMLWriter) {
    func text(_ number: Double) -> String { number == number.rounded() ? String(Int(number)) : String(number) }
    writer.element("bpmndi:BPMNDiagram", [("id", "diagram")]) { writer in
      writer.element("bpmndi:BPMNPlane", [("id", "plane"), ("bpmnElement", id)]) { writer in
        for (element, frame) in layout.frames.sorted(by: { $0.key < $1.key }) {
          writer.element("bpmndi:BPMNShape", [("id", element + "_di"), ("bpmnElement", element)]) { writer in
            writer.element(
              "dc:Bounds",
              [
                ("x", text(frame.x)), ("y", text(frame.y)), ("width", text(frame.width)),
                ("height", text(frame.height)),
              ])
          }
        }
        for (element, points) in layout.lines.sorted(by: { $0.key < $1.key }) {
          writer.element("bpmndi:BPMNEdge", [("id", element + "_di"), ("bpmnElement", element)]) { writer in
            for point in points { writer.element("di:waypoint", [("x", text(point.x)), ("y", text(point.y))]) }
          }
        }
      }
    }
  }
}
