public import YAML

extension VerificationReport {
  /// The JSON Schema (draft 2020-12) of ``document``. A change that a reader could notice gets another number in
  /// `schema`.
  public static var schema: Node {
    let report = object(
      "What k3seed verify found.",
      [
        ("schema", .mapping(["description": "The version of this schema.", "const": 1])),
        ("verdict", choice("What is said in one word.", Verdict.allCases.map(\.rawValue))),
        (
          "exit_code",
          .mapping([
            "description": "The program's exit code.",
            "enum": Node(.sequence(Verdict.allCases.map { Node(.number(String($0.exitCode))) })),
          ])
        ),
        ("seconds", duration("How long it all took on the host.")),
        (
          "payload",
          object(
            "The user-data that was booted.",
            [
              ("name", string("What the user called it.")),
              ("sha256", string("Its SHA-256, in hexadecimal.", pattern: "^[0-9a-f]{64}$")),
              ("bytes", integer("Its size in bytes.")),
              ("own", boolean("Whether k3seed made it, so that its promises were checked too.")),
            ])
        ),
        (
          "host",
          orNull(
            object(
              "What it was booted in; null where it did not come to that.",
              [
                ("image", string("The image: its name in the catalogue, or its path.")),
                ("architecture", choice("The guest's processor.", Architecture.allCases.map(\.rawValue))),
                ("qemu", string("QEMU's version, as it says it.")),
                ("accelerator", string("What ran the guest's instructions: kvm, hvf or tcg.")),
                ("cpus", integer("Virtual processors.")),
                ("memory_mib", integer("Memory in MiB.")),
                ("warm", boolean("Whether the machine was resumed from a snapshot instead of started.")),
                (
                  "network",
                  choice(
                    "What the guest reached besides its seed: nothing, or whatever the host reaches.",
                    GuestNetwork.allCases.map(\.rawValue))
                ),
                ("slowness", duration("How many times longer than the reference every deadline was made.")),
                (
                  "guest_deadlines",
                  orNull(
                    duration(
                      "How many times longer the deadlines in the guest were made; null where they are the payload's own."
                    ))
                ),
              ]))
        ),
        (
          "cause",
          orNull(
            object(
              "What went wrong, where it was not a check that failed.",
              [
                ("code", string("A stable kebab-case name.", pattern: "^[a-z0-9]+(-[a-z0-9]+)*$")),
                ("stage", string("The stage in which it happened.")),
                ("message", string("What happened, in one sentence.")),
                ("hint", string("What to do about it.")),
              ]))
        ),
        ("notes", array("What was decided on the way.", of: string(nil))),
        (
          "power_cuts",
          array(
            "The power cuts that were made, in their order.",
            of: object(
              nil,
              [
                ("stage", string("The stage that it was wanted in.")),
                ("delay", duration("How long after the stage's beginning it was wanted.")),
                ("by", choice("How it was made.", PowerCut.Means.allCases.map(\.rawValue))),
                ("during", string("The stage that ran then, as the machine had said.")),
                ("at", moment("When it was made, since the verification began.")),
              ]))
        ),
        (
          "checks",
          array(
            "What the checks found, in their order, phase after phase.",
            of: object(
              nil,
              [
                ("name", string("The check's name.", pattern: "^[a-z0-9]+(-[a-z0-9]+)*$")),
                ("phase", string("The boot that it looked at: boot, rerun or reboot.")),
                ("outcome", choice("How it ended.", CheckResult.Outcome.allCases.map(\.rawValue))),
                ("proves", string("What it proves.")),
                ("how", string("How it goes about it.")),
                ("detail", string("What it found, or why it does not apply.")),
                ("hint", orNull(string("What to do where it failed."))),
              ]))
        ),
        (
          "timeline",
          array(
            "Where the time went, in the order of the beginnings.",
            of: object(
              nil,
              [
                ("group", choice("What it belongs to.", Span.Group.allCases.map(\.rawValue))),
                ("name", string("Its name.")),
                ("start", moment("When it began, since the verification began.")),
                (
                  "end",
                  orNull(moment("When it ended, since the verification began; null where it never did."))
                ),
                ("failed", boolean("Whether it failed.")),
              ]))
        ),
        (
          "evidence",
          array(
            "What there is to look at where it failed.",
            of: object(
              nil,
              [
                ("title", string("What it is.")),
                ("lines", array("The lines as they were found.", of: string(nil))),
              ]))
        ),
        ("console", array("What the machine wrote to its serial console.", of: string(nil))),
      ])
    return Node(
      .mapping(
        [
          .init("$schema", "https://json-schema.org/draft/2020-12/schema"),
          .init("$id", "urn:k3seed:verification"),
          .init("title", "Report of k3seed verify"),
        ] + (report.mapping ?? [])))
  }
}

/// An object that has exactly these keys.
private func object(_ description: String?, _ properties: [(String, Node)]) -> Node {
  described(
    description,
    [
      ("type", "object"), ("additionalProperties", false),
      ("required", strings(properties.map(\.0))),
      ("properties", Node(.mapping(properties.map { Node.Entry($0.0, $0.1) }))),
    ])
}

private func array(_ description: String, of items: Node) -> Node {
  described(description, [("type", "array"), ("items", items)])
}

private func string(_ description: String?, pattern: String? = nil) -> Node {
  described(description, [("type", "string")] + (pattern.map { [("pattern", Node(.string($0)))] } ?? []))
}

private func choice(_ description: String, _ values: [String]) -> Node {
  described(description, [("enum", strings(values))])
}

private func integer(_ description: String) -> Node {
  described(description, [("type", "integer"), ("minimum", 0)])
}

private func duration(_ description: String) -> Node {
  described(description, [("type", "number"), ("minimum", 0)])
}

/// A machine that was resumed began before QEMU did.
private func moment(_ description: String) -> Node { described(description, [("type", "number")]) }

private func boolean(_ description: String) -> Node { described(description, [("type", "boolean")]) }

private func orNull(_ schema: Node) -> Node {
  .mapping(["anyOf": [schema, .mapping(["type": "null"])]])
}

private func described(_ description: String?, _ rules: [(String, Node)]) -> Node {
  Node(
    .mapping(
      ((description.map { [("description", Node(.string($0)))] } ?? []) + rules).map { .init($0.0, $0.1) }))
}

private func strings(_ values: [String]) -> Node { Node(.sequence(values.map { Node(.string($0)) })) }
