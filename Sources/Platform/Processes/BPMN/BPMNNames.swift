/// The names that BPMN 2.0 files use (OMG formal/2013-12-09), and ours for what it leaves to programs.
enum BPMN {
  static let model = "http://www.omg.org/spec/BPMN/20100524/MODEL"
  static let diagram = "http://www.omg.org/spec/BPMN/20100524/DI"
  static let boxes = "http://www.omg.org/spec/DD/20100524/DC"
  static let lines = "http://www.omg.org/spec/DD/20100524/DI"
  static let schema = "http://www.w3.org/2001/XMLSchema-instance"
  /// Who handles a step, variables and the like, which other modelers keep and do not understand.
  static let lifang = "urn:lifang:process:1"
}
