public import ArgumentParser
import Diagnostics
import Host
import Secrets
import Synchronization
import SystemPackage
public import Verifier
import YAML

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Boots user-data, unchanged, in a virtual machine, and proves what it does.",
    discussion: """
      Needs QEMU, and an image: `k3seed image` has them. What k3seed rendered is checked against everything that it \
      promises; any other user-data against what holds for all. A PASS is as good as the user-data's maker: it runs as \
      root beside the probe, and could forge one. Exit codes: 0 PASS; 1 FAIL, the user-data is at \
      fault; 69 INFRA, this host or the image is; 75 INCONCLUSIVE, no verdict is possible; 2 and 64 as usual.
      """)

  @Argument(
    help: ArgumentHelp("The user-data; \"-\" is standard input.", valueName: "file"), completion: .file())
  var file: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A folder that `k3seed render --all -o` wrote, instead of a file: every node is booted, all on one network.",
      valueName: "folder"))
  var cluster: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The image to boot: a name of `k3seed image list`, or a path that has a slash in it.",
      valueName: "name|path"),
    completion: .list(CatalogueImage.names))
  var image = "ubuntu-24.04"

  @Option(name: .long, help: "The guest's architecture: x86_64 or aarch64; this machine's own unless given.")
  var arch: Architecture?

  @Option(name: .long, help: ArgumentHelp("The guest's memory in MiB.", valueName: "mib"))
  var memory = 3072

  @Option(name: .long, help: ArgumentHelp("The guest's processors.", valueName: "count"))
  var cpus = 2

  @Option(
    name: .long,
    help: ArgumentHelp("After how long to give up; stages have limits of their own.", valueName: "seconds"))
  var timeout: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "For how long nothing at all may happen before it counts as hung.", valueName: "seconds"))
  var patience: Int?

  @Option(name: .long, help: "What runs the guest: kvm, hvf or tcg; tried in this order unless given.")
  var accel: Accelerator?

  @Flag(name: .long, help: "Run the bootstrap again, restart the machine, and check everything after each.")
  var thorough = false

  @Flag(
    name: .long,
    help: "Go on from a snapshot of the image, made where there is none, instead of a cold start.")
  var warm = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Cut the machine's power when these stages of the bootstrap begin, or so many seconds later, one after another, and let it boot again.",
      valueName: "stage[+seconds],..."))
  var cut: PowerCuts?

  @Option(
    name: .long,
    help:
      "How the power is cut: reset, or kill, where the disk also loses what it was given and not told to keep."
  )
  var cutBy = PowerCut.Means.reset

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A folder that the guest finds at http://10.0.2.100/mirror/, in a cluster at http://192.0.2.100/mirror/.",
      valueName: "folder"))
  var mirror: String?

  @Flag(
    name: .long,
    help:
      "Let the guest reach whatever this host reaches: the internet, and also this host's loopback, LAN and metadata service. For user-data that is trusted like a program. Without it the guest reaches its seed and the mirror."
  )
  var network = false

  @Flag(
    name: .long,
    help:
      "Make the bootstrap's deadlines in the guest as many times longer as this host is slower; the report says so."
  )
  var stretch = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The values that OCI Vault holds, as a JSON object by the names of inputs: with them its secrets are proven and searched for like those in the payload.",
      valueName: "file"))
  var vault: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A folder where the machine's disk and console are to stay.", valueName: "folder"))
  var keep: String?

  @Flag(
    name: .long, help: "Connect the terminal to the guest's serial console; Ctrl-] ends the verification.")
  var console = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Write a report: json, junit or html, and the file.", valueName: "format=file"))
  var report: [ReportTarget] = []

  func validate() throws {
    guard (file == nil) != (cluster == nil) else {
      throw ValidationError("give either the user-data of one node, or --cluster and a folder")
    }
    if cluster != nil, warm || thorough || console || keep != nil || cut != nil {
      throw ValidationError("--cluster goes without --warm, --thorough, --cut, --keep and --console")
    }
    guard memory >= 256 else {
      throw ValidationError("--memory: no cloud image boots with less than 256 MiB")
    }
    guard (1...64).contains(cpus) else { throw ValidationError("--cpus: from 1 to 64") }
    for (name, value) in [("--timeout", timeout), ("--patience", patience)]
    where value.map({ $0 < 1 }) ?? false {
      throw ValidationError("\(name): at least 1 second")
    }
  }

  func run() throws {
    if let cluster {
      let nodes = try FileSystem.tree(cluster, .userData).sorted { $0.key < $1.key }
        .map { (name: String($0.key.prefix { $0 != "." }), userData: $0.value) }
      for target in report { for node in nodes { try FileSystem.expectWritable(target.path(of: node.name)) } }
      let reports = try verify(nodes)
      let verdict = ClusterVerification.verdict(of: reports)
      let summary =
        "\(verdict.rawValue) \(cluster.printable): a cluster of \(reports.count.counted("node"))\n"
      try deliver(
        reports.map { text(of: $0) + "\n" }.joined() + summary,
        report.flatMap { target in reports.map { ($0, target.format, target.path(of: $0.payload.name)) } },
        verdict)
    } else {
      let file = file ?? "-"
      let bytes = try FileSystem.read(file, .userData)
      if let keep { try expectKeepable(in: keep) }
      for target in report { try FileSystem.expectWritable(target.path) }
      let result = try verify(bytes, file)
      try deliver(text(of: result), report.map { (result, $0.format, $0.path) }, result.verdict)
    }
  }

  private func text(of report: VerificationReport) -> String {
    let isStyled = Terminal.style(of: .standardOutput)?.isColoured == true
    return report.text(isStyled: isStyled)
  }

  /// Hands over what minutes of work found: prints it, and writes each report, whatever becomes of the others.
  private func deliver(
    _ text: String, _ files: [(report: VerificationReport, format: ReportFormat, path: String)],
    _ verdict: Verdict
  ) throws {
    var problems: [Diagnostic] = []
    func attempt(_ body: () throws(Report) -> Void) {
      do throws(Report) { try body() } catch { problems += error.diagnostics }
    }
    attempt { () throws(Report) in try FileSystem.show(text) }
    for file in files {
      attempt { () throws(Report) in try FileSystem.write(file.format.render(file.report), to: file.path) }
    }
    if verdict == .pass, !problems.isEmpty { throw Report(problems) }
    // What was found weighs more than that it could not be written.
    FileSystem.say(Report(problems))
    if verdict != .pass { throw ExitCode(verdict.exitCode) }
  }

  private func verify(_ nodes: [(name: String, userData: [UInt8])]) throws -> [VerificationReport] {
    let verification = try ClusterVerification(nodes, options: try options())
    // Lines of several machines in turn: no line of a terminal could show them.
    let screens = Mutex<[String: Progress]>([:])
    return verification.run { name, event, seconds in
      screens.withLock { screens in
        let text = screens[name, default: Progress(on: .lines)].bytes(for: event, at: seconds)
        if !text.isEmpty { FileSystem.pass(Array("\(name.printable): ".utf8) + text) }
      }
    }
  }

  /// Makes the folder of `--keep`, and finds out whether what is kept can be written there.
  private func expectKeepable(in folder: String) throws(Report) {
    try FileSystem.attempt { () throws(FileRefusal) in
      let opened = try Folder.open(folder, missing: .ownerReadWriteExecute)
      for name in ["console.log", "disk.qcow2"] {
        try opened.requireReplaceable(name)
        try opened.requireOwn(for: name)
      }
    }
  }

  private func options() throws -> Verification.Options {
    let values = try vault.map {
      try Self.secrets(FileSystem.read($0, .settings), source: FileSystem.name($0))
    }
    let architecture = arch ?? Architecture.host ?? .x86_64
    let store = try ImageStore.ofUser()
    let chosen =
      image.contains("/")
      ? try Image.file(image, architecture: architecture) : try store.image(image, architecture)
    var options = Verification.Options(image: chosen)
    options.vault = values ?? [:]
    options.memory = memory
    options.cpus = cpus
    options.timeout = timeout.map(Double.init)
    options.patience = patience.map(Double.init)
    options.accelerator = accel
    options.isThorough = thorough
    options.snapshots = warm ? store.snapshots : nil
    options.mirror = mirror
    options.network = network ? .host : .seed
    options.stretchesGuest = stretch
    options.keepsIn = keep
    options.temporaryFolder = FileSystem.environment("TMPDIR") ?? "/tmp"
    options.attachesConsole = console
    options.cuts = cut?.list ?? []
    options.cutsBy = cutBy
    return options
  }

  /// The object of `--vault`.
  private static func secrets(_ bytes: [UInt8], source: String) throws(Report) -> [String: Secret] {
    let document = try JSON.parse(bytes, source: source)
    var secrets: [String: Secret] = [:]
    for entry in document.mapping ?? [] { secrets[entry.key] = entry.value.string.map { Secret($0.utf8) } }
    guard let entries = document.mapping, secrets.count == entries.count else {
      throw Report([
        .error(
          "vault-values",
          at: Location(source: source, line: document.mark.line, column: document.mark.column),
          "the values of --vault are not an object of texts",
          help: #"write them as {"cloudflare_api_token": "...", ...}"#)
      ])
    }
    return secrets
  }

  private func verify(_ bytes: [UInt8], _ file: String) throws -> VerificationReport {
    let options = try options()
    let verification = Verification(userData: bytes, name: FileSystem.name(file), options: options)
    for cut in options.cuts where !verification.stages.contains(cut.stage) {
      throw ValidationError(
        "--cut: the bootstrap has no stage '\(cut.stage)'; it has \(verification.stages.joined(separator: ", "))"
      )
    }
    if console { return Terminal.raw { verification.run(echo: FileSystem.pass) } }
    let isTerminal = FileSystem.isTerminal(.standardError)
    var progress = Progress(on: isTerminal ? .terminal(columns: Terminal.columns) : .lines)
    return verification.run { event, seconds in
      FileSystem.pass(progress.bytes(for: event, at: seconds))
    }
  }
}

extension Accelerator: ExpressibleByArgument {}
extension PowerCut.Means: ExpressibleByArgument {}

/// Power cuts as they are given: `install,download+2`.
struct PowerCuts: ExpressibleByArgument {
  let list: [PowerCut]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    list = parts.compactMap(PowerCut.init)
    guard list.count == parts.count else { return nil }
  }
}

/// A report to be written: `junit=report.xml`.
struct ReportTarget: ExpressibleByArgument {
  let format: ReportFormat
  let path: String

  /// Where a node's own report goes: `cluster.json` becomes `cluster-worker.json`.
  func path(of node: String) -> String {
    let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let dot = path[start...].lastIndex(of: ".") ?? path.endIndex
    return "\(path[..<dot])-\(node)\(path[dot...])"
  }

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let format = ReportFormat(rawValue: String(parts[0])) else { return nil }
    self.format = format
    path = String(parts[1])
  }
}
