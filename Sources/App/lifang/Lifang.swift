import LifangApp

@main
struct Lifang {
  static func main() async { await CommandLineTool.run() }
}
