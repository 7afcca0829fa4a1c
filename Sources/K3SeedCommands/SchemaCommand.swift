import ArgumentParser
import Inputs
import YAML

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints the JSON Schema of the inputs and of k3seed.yaml.",
    discussion: "Without a name both are printed, as an object with the keys inputs and config.")

  enum Name: String, CaseIterable, ExpressibleByArgument {
    case inputs, config
  }

  @Argument(help: "Which of the two.")
  var name: Name?

  func run() throws {
    let schema =
      switch name {
      case .inputs: Schema.inputs
      case .config: Schema.config
      case nil: Node.mapping(["inputs": Schema.inputs, "config": Schema.config])
      }
    try FileSystem.print(JSON.emit(schema) + [UInt8(ascii: "\n")])
  }
}
