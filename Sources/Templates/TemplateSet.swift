package import Diagnostics

/// The templates of a run: those embedded in the program, with a user's own in their place.
public struct TemplateSet: Sendable {
  private let overrides: [String: [UInt8]]
  private let folder: String?

  /// The embedded templates alone.
  public init() {
    overrides = [:]
    folder = nil
  }

  /// A user's templates over the embedded ones.
  ///
  /// - Parameters:
  ///   - overrides: files by their path within the folder, such as `cloud-init/server.yaml`.
  ///   - folder: the folder as the user named it, for findings.
  public init(overrides: [String: [UInt8]], folder: String) {
    self.overrides = overrides
    self.folder = folder
  }

  /// The names of all templates, sorted.
  public var names: [String] {
    Set(overrides.keys).union(EmbeddedFiles.all.map(\.name)).sorted()
  }

  /// A template's text; nil where there is none of that name.
  package func text(of name: String) -> [UInt8]? {
    overrides[name] ?? EmbeddedFiles.all.first { $0.name == name }.map { Array($0.text.utf8) }
  }

  /// An embedded script as it travels; nil where there is none of that name, or a user's own stands in its place.
  func condensedScript(of name: String) -> String? {
    overrides[name] == nil ? EmbeddedFiles.condensed[name] : nil
  }

  /// Where each line stands that is in the templates only once, by the line without its indentation.
  package var places: [Substring: Location] {
    var places: [Substring: Location] = [:]
    var several: Set<Substring> = []
    for name in names {
      let text = String(decoding: text(of: name) ?? [], as: UTF8.self)
      for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let words = line.drop { $0 == " " }
        let place = Location(
          source: source(of: name), line: index + 1, column: line.count - words.count + 1)
        if places.updateValue(place, forKey: words) != nil { several.insert(words) }
      }
    }
    return places.filter { !several.contains($0.key) }
  }

  /// What findings call a template: the file that the user can open.
  func source(of name: String) -> String {
    guard let folder, overrides[name] != nil else { return "templates/\(name)" }
    return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}
