import Foundation
import TestSupport
import Testing

/// What people who write a repository, a template or a cluster's objects may try with those who look at them.
@Suite("Text from elsewhere is only text") struct HostileTextTests {
  /// Clears the screen, writes to the clipboard (OSC 52), and turns the direction of writing.
  private static let control = "\u{1B}[2J\u{1B}]52;c;ZXZpbA==\u{7}\u{202E}"

  private func expectQuiet(_ outcome: Tool.Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
    for text in [outcome.text, outcome.errors] {
      #expect(!text.contains("\u{1B}") && !text.contains("\u{7}"), sourceLocation: sourceLocation)
      #expect(!text.contains("\u{202E}"), sourceLocation: sourceLocation)
      for line in text.split(whereSeparator: \.isNewline) {
        let start = line.drop(while: \.isWhitespace)
        #expect(!start.hasPrefix("::stop-commands::"), "\(line)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test(
    "A file's name starts no command of GitHub's runner",
    arguments: ["text", "json", "sarif", "junit", "github"])
  func fileName(format: String) async throws {
    try await withTemporaryDirectory { folder in
      let name = "::stop-commands::\(Self.control)x.yaml"
      _ = try folder[name].holding("#cloud-config\nrun_cmd: [\"\\e[2J\"]\n")
      expectQuiet(try await Tool.k3seed(["validate", name, "--format", format], directory: folder.path))
      for command in [["inspect", name], ["inspect", "--content", name], ["diff", name, "/dev/null"]] {
        expectQuiet(try await Tool.k3seed(command, directory: folder.path))
      }
    }
  }

  @Test("Whatever a repository's files and Applications are called, gitops check and graph only show it")
  func repository() async throws {
    try await withTemporaryDirectory { folder in
      let name = "::stop-commands::\(Self.control)"
      let application = """
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: \(json(name)), namespace: argocd}
        spec: {source: {repoURL: \(json("https://h/\(name)")), path: \(json(name)), targetRevision: \(json(name))}}

        """
      _ = try folder["\(name).yaml"].holding(application)
      for command in [
        ["check", folder.path], ["check", folder.path, "--format", "github"], ["graph", folder.path],
        ["graph", folder.path, "--format", "dot"], ["graph", folder.path, "--format", "svg"],
      ] {
        expectQuiet(try await Tool.k3seed(["gitops"] + command))
      }
    }
  }

  /// Runs a command of `gitops` with a stand-in for kubectl, which prints a list of Applications and writes down its
  /// arguments. Its options are those of kubectl's documentation.
  private func cluster(
    _ items: [[String: Any]], _ command: [String]
  ) async throws -> (outcome: Tool.Outcome, calls: String) {
    try await withTemporaryDirectory { folder in
      _ = try folder["list"].holding(json(["kind": "List", "items": items]))
      _ = try folder["kubectl"].holding(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >>'\(folder.path)/calls'\ncase \" $* \" in *' get '*) cat '\(folder.path)/list' ;; esac\n"
      )
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder["kubectl"].path)
      let path = "\(folder.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
      let outcome = try await Tool.k3seed(["gitops"] + command, environment: ["PATH": path])
      return (outcome, folder["calls"].bytes.map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
  }

  @Test("What annotations and states of a cluster say drives no terminal", arguments: ["text", "json"])
  func status(format: String) async throws {
    let item: [String: Any] = [
      "metadata": [
        "name": "web", "resourceVersion": Self.control,
        "annotations": [
          "k3seed.dev/after.\(Self.control)": Self.control, "argocd.argoproj.io/sync-wave": "1",
        ],
      ],
      "status": [
        "sync": ["status": Self.control], "health": ["status": Self.control],
        "operationState": [
          "phase": "Failed", "message": "::stop-commands::x\n::stop-commands::y\(Self.control)",
        ],
        "conditions": [["type": Self.control, "message": Self.control]],
        "resources": [
          [
            "kind": Self.control, "name": Self.control,
            "health": ["status": "Degraded", "message": Self.control],
          ]
        ],
      ],
    ]
    let (outcome, _) = try await cluster([item], ["status", "--format", format])
    #expect(outcome.status == 1 && outcome.text.contains("web"), "\(outcome.errors)")
    expectQuiet(outcome)
  }

  @Test(
    "A name that would be an option or a command is no Application's",
    arguments: ["--as=root", "a;id", "A b", "-x"])
  func names(name: String) async throws {
    let item: [String: Any] = ["metadata": ["name": name], "status": [:] as [String: String]]
    for command in [["status"], ["refresh", "--", name]] {
      let (outcome, calls) = try await cluster([item], command)
      #expect(
        outcome.status == 2 && outcome.output.isEmpty && outcome.errors.contains("[not-a-name]"),
        "\(outcome.errors)")
      #expect(!calls.contains("patch"))
    }
  }

  @Test("A name is no option to kubectl, whatever it is")
  func arguments() async throws {
    let item: [String: Any] = ["metadata": ["name": "web", "resourceVersion": "1"]]
    let (outcome, calls) = try await cluster([item], ["refresh", "web"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(calls.contains(" -- applications.argoproj.io web\n"), "\(calls)")
  }

  @Test("What templates say is only shown in a preview", arguments: [[], ["--json"], ["--html", "-"]])
  func preview(style: [String]) async throws {
    try await withTemporaryDirectory { folder in
      let cloudInit = folder["mine"]["cloud-init"]
      try FileManager.default.createDirectory(at: cloudInit, withIntermediateDirectories: true)
      let path = #"/etc/\e]52;c;ZXZpbA==\a\u202e"#
      _ = try cloudInit["server.yaml"].holding(
        "write_files:\n- {path: \"\(path)\", permissions: '0644', content: \"\(path)\"}\nruncmd:\n- [\"::stop-commands::\(path)\"]\n\"\(path)\": 1\n"
      )
      let outcome = try await Tool.k3seed(
        ["preview", "--templates", "mine"] + style, input: json(project), directory: folder.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      expectQuiet(outcome)
    }
  }
}

@Suite("Templates and repositories are read within their folders") struct LinkTests {
  private static let template = "write_files:\n- {path: /etc/x, permissions: '0644', content: !file x/leak}\n"

  @Test(
    "A link that leads out of the folder of templates is refused, wherever it leads",
    arguments: ["render", "preview", "validate"])
  func templates(command: String) async throws {
    try await withTemporaryDirectory { folder in
      let mine = folder["mine"]
      for place in ["cloud-init", "x"] {
        try FileManager.default.createDirectory(at: mine[place], withIntermediateDirectories: true)
      }
      _ = try mine["cloud-init"]["server.yaml"].holding(Self.template)
      _ = try folder["secret"].holding("canary-of-another-file\n")
      let arguments = [command, "--templates", "mine"]
      for target in ["/proc/self/environ", "../../secret", folder["secret"].path] {
        try FileManager.default.createSymbolicLink(
          atPath: mine["x"]["leak"].path, withDestinationPath: target)
        let outcome = try await Tool.k3seed(
          arguments, input: json(project), environment: ["CANARY": "canary-of-the-environment"],
          directory: folder.path)
        #expect(outcome.status == 2 && outcome.output.isEmpty)
        #expect(
          outcome.errors.contains(
            "mine/x/leak: error: is a link that leads out of the folder, and is not followed"),
          "\(outcome.errors)")
        #expect(!outcome.errors.contains("canary"))
        try FileManager.default.removeItem(at: mine["x"]["leak"])
      }
      // A folder is no better, and within the folder a link is as good as a file.
      try FileManager.default.createSymbolicLink(atPath: mine["y"].path, withDestinationPath: "..")
      let outside = try await Tool.k3seed(arguments, input: json(project), directory: folder.path)
      #expect(outside.status == 2 && outside.errors.contains("mine/y: error: is a link that leads out"))
      try FileManager.default.removeItem(at: mine["y"])
      _ = try mine["x"]["real"].holding("within\n")
      try FileManager.default.createSymbolicLink(atPath: mine["x"]["leak"].path, withDestinationPath: "real")
      guard command == "render" else { return }
      let inside = try await Tool.k3seed(arguments, input: json(project), directory: folder.path)
      #expect(inside.status == 0 && inside.text.contains("within"), "\(inside.errors)")
    }
  }

  @Test("In a repository a link may lead to another folder of it, and no further")
  func repository() async throws {
    try await withTemporaryDirectory { folder in
      let repository = folder["repository"]
      for place in [".git", "argocd", "shared"] {
        try FileManager.default.createDirectory(at: repository[place], withIntermediateDirectories: true)
      }
      _ = try repository["argocd"]["a.yaml"].holding("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
      _ = try repository["shared"]["b.yaml"].holding("apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n")
      _ = try folder["config"].holding("users: [{token: canary}]\n")
      let link = repository["argocd"]["b.yaml"].path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../shared/b.yaml")
      let inside = try await Tool.k3seed(["gitops", "check", repository["argocd"].path])
      #expect(!inside.errors.contains("[link-outside]"), "\(inside.errors)")
      try FileManager.default.removeItem(atPath: link)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../../config")
      let outside = try await Tool.k3seed(["gitops", "check", repository["argocd"].path])
      #expect(
        outside.status == 2 && outside.errors.contains("[link-outside]") && !outside.errors.contains("canary")
      )
    }
  }
}
