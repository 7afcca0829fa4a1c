import ArgumentParser
import Inputs
import Plan
import Verifier
import YAML

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract:
      "Prints the JSON Schemas of the inputs, of k3seed.yaml, of k3seed.lock and of a verification's report.",
    discussion: "Without a name all are printed, as an object with these names as keys.")

  enum Name: String, CaseIterable, ExpressibleByArgument {
    case inputs, config, lock, verification

    var schema: Node {
      switch self {
      case .inputs: Schema.inputs
      case .config: Schema.config
      case .lock: Lock.schema
      case .verification: VerificationReport.schema
      }
    }
  }

  @Argument(help: "Which of them.")
  var name: Name?

  func run() throws {
    let schema =
      name?.schema ?? Node(.mapping(Name.allCases.map { Node.Entry($0.rawValue, $0.schema) }))
    try FileSystem.print(JSON.emit(schema) + [UInt8(ascii: "\n")])
  }
}
