import ArgumentParser
import Secrets

struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Makes a new join token for K3s: 256 random bits in hexadecimal.")

  func run() throws {
    try FileSystem.print(Array((Token.generate() + "\n").utf8))
  }
}
