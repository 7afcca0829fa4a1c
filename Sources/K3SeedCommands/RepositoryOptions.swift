import ArgumentParser
import Diagnostics
import GitOps
import Inputs
import Plan

/// The options of every command that reads an App-of-Apps repository.
struct RepositoryOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The repository, or the folder of it that argocd-root follows.", valueName: "folder"))
  var folder: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The repository's own URL, where its Applications do not make clear which it is.", valueName: "url"))
  var repoURL: String?

  /// The repository, with what the bootstrap makes before Argo CD reads it.
  func repository(_ bootstrap: Bootstrap) throws(Report) -> Repository {
    let repository = Repository(try FileSystem.tree(folder, .written), url: repoURL, bootstrap: bootstrap)
    if let absence = repository.absence(folder) { throw Report([absence]) }
    return repository
  }

  /// A report with the files as they are called from where the command runs.
  func placed(_ report: Report) -> Report {
    let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    guard folder != "." else { return report }
    return Report(
      report.diagnostics.map { diagnostic in
        var diagnostic = diagnostic
        if let source = diagnostic.location?.source { diagnostic.location?.source = "\(folder)/\(source)" }
        return diagnostic
      })
  }
}

/// The options that say what the bootstrap puts into the cluster.
struct BootstrapOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Terraform's outputs, for the names of what the bootstrap makes.", valueName: "file"))
  var input: String?

  @Option(name: .long, help: ArgumentHelp("k3seed.yaml, likewise.", valueName: "file"))
  var config: String?

  @Option(name: .long, help: ArgumentHelp("k3seed.lock, likewise.", valueName: "file"))
  var lock: String?

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A Secret that is in the cluster besides; may be repeated.", valueName: "namespace/name:key"))
  var secret: [String] = []

  /// What the bootstrap makes: by the inputs that are given, and by their defaults.
  func bootstrap() throws(Report) -> Bootstrap {
    var report = Report()
    let terraform = report.collect { () throws(Report) in
      try input.map { path throws(Report) in
        try InputDocument.terraform(try FileSystem.read(path, .outputs), source: FileSystem.name(path))
      } ?? InputDocument(source: "no outputs")
    }
    let config = report.collect { () throws(Report) in try ConfigFile.load(self.config) }
    let lock = report.collect { () throws(Report) in
      try Lock.load(self.lock, config: config, at: self.config)
    }
    guard let terraform, let config, let lock else { throw report }
    let inputs = Inputs(terraform: terraform, config: config, flags: nil, report: &report)
    let plan = ClusterPlan(inputs, lock: lock, report: &report)
    try report.throwIfErrors()
    var bootstrap = Bootstrap(plan)
    if self.input == nil, self.config == nil { bootstrap.forgetNodes(isKnown: !secret.isEmpty) }
    for text in secret { bootstrap.secrets.append(try Bootstrap.Secret(text)) }
    return bootstrap
  }
}

extension Bootstrap.Secret {
  /// `namespace/name:key`, with several keys between commas.
  fileprivate init(_ text: String) throws(Report) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let name = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, name.count == 2, !name.contains(""), !parts[1].isEmpty else {
      throw Report([
        .error(
          "secret-option", at: Location(source: "--secret"),
          "\"\(text)\" is not of the form namespace/name:key",
          help: "for example --secret cert-manager/my-token:api-token")
      ])
    }
    self.init(
      namespace: String(name[0]), name: String(name[1]), keys: parts[1].split(separator: ",").map(String.init)
    )
  }
}
