import Diagnostics
import Foundation
import Inputs
import Secrets
import TestSupport
import YAML

/// What k3seed makes of some sources, as the tests look at it.
struct Reading {
  var inputs: Inputs
  var report: Report

  init(
    _ terraform: InputDocument, config: ConfigFile = ConfigFile(), secrets: SecretsFile? = nil,
    set arguments: [String] = []
  ) throws {
    var report = Report()
    inputs = Inputs(
      terraform: terraform, config: config, secrets: secrets, flags: try InputDocument.settings(arguments),
      report: &report)
    self.report = report
  }

  /// Reads Terraform's JSON as `in.json`, and `k3seed.yaml`.
  init(_ json: String, config: String? = nil, set arguments: [String] = []) throws {
    try self.init(
      InputDocument.terraform(Array(json.utf8), source: "in.json"),
      config: config.map { try ConfigFile(Array($0.utf8), source: "k3seed.yaml") } ?? ConfigFile(),
      set: arguments)
  }

  /// Every finding of whatever kind on these sources, thrown or not, one line each.
  static func lines(_ json: String, config: String? = nil, set arguments: [String] = []) -> [String] {
    do {
      return try Reading(json, config: config, set: arguments).lines
    } catch {
      return (error as? Report)?.diagnostics.map(\.line) ?? ["\(error)"]
    }
  }

  var lines: [String] { report.diagnostics.map(\.line) }

  /// Every input that was taken: values as JSON, secrets in clear. Places are left out.
  var values: [String: String] {
    var values: [String: String] = [:]
    for spec in InputSpec.all {
      if let value = inputs[spec.name] { values[spec.name] = value.node.json }
      switch inputs.secret(spec.name)?.source {
      case .literal(let secret): values[spec.name] = "literal \(secret.revealed())"
      case .ociVault(let ocid): values[spec.name] = "vault \(ocid)"
      case nil: break
      }
    }
    return values
  }
}

extension Node {
  var json: String { String(decoding: JSON.emit(self), as: UTF8.self) }
}

/// Runs a step that must throw a report, and gives its lines.
func refusal<Value>(_ step: () throws -> Value) -> [String] {
  do {
    _ = try step()
    return []
  } catch {
    return (error as? Report)?.diagnostics.map(\.line) ?? ["\(error)"]
  }
}

extension String {
  /// The text with up to three characters exchanged, left out or added, those of `alphabet`.
  func mutated(from alphabet: String, using generator: inout SplitMix) -> String {
    var scalars = Array(unicodeScalars)
    let letters = Array(alphabet.unicodeScalars)
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let place = Int.random(in: 0...scalars.count, using: &generator)
      guard let letter = letters.randomElement(using: &generator) else { break }
      switch Int.random(in: 0..<3, using: &generator) {
      case 0 where place < scalars.count: scalars[place] = letter
      case 1 where place < scalars.count: scalars.remove(at: place)
      default: scalars.insert(letter, at: place)
      }
    }
    var text = ""
    text.unicodeScalars.append(contentsOf: scalars)
    return text
  }
}
