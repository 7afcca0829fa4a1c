import Secrets
import YAML

/// The probe as it travels: a boothook in vendor-data, so that user-data stays as it is.
///
/// cloud-init runs boothooks in its network stage, in every boot and before any script of the user. `write_files` and
/// `runcmd` of vendor-data would vanish where user-data has them; a boothook never does.
struct Probe: Sendable {
  /// The name of the virtio-serial port that the probe writes to.
  static let port = "org.k3seed.verify.0"

  /// Names this verification in every line: what does not carry it is not the probe's.
  var nonce: String
  /// The key under which values of Secrets are hashed, at most 64 bytes.
  var key: String
  /// Seconds between two beats.
  var beat = 2.0
  /// Secrets that are not in the user-data, by name.
  var vault: [(name: String, value: Secret)] = []
  /// An interface that is to have an address: the one to the cluster's other nodes.
  var link: ClusterNetwork.Link?
  /// The node that others get out by.
  var gateway: Gateway?
  /// What the guest reaches besides its seed, and whether it is a cluster's node.
  var network = GuestNetwork.seed
  var isInCluster = false
  /// How many times longer the deadlines of the bootstrap's stages are made; nil leaves them.
  var stretch: Double?

  /// A node that forwards for others.
  struct Gateway: Hashable, Sendable {
    /// Its address on their network.
    var address: String
    /// The identity of its instance, which only its own seed names.
    var instance: String
  }

  /// Since when files count as this verification's, in seconds since 1970; since the boot where nil.
  var since: Double?
  /// The wall clock in seconds since 1970, where the guest's is stale and has to be set.
  var now: Double?

  /// A probe whose nonce and key nobody else knows.
  static func random() -> Probe { Probe(nonce: Token.generate(), key: Token.generate()) }

  /// The vendor-data for some user-data.
  func vendorData(for promises: Promises) -> [UInt8] {
    let script = EmbeddedFiles.all.first { $0.name == "probe.py" }?.text ?? ""
    let text =
      Self.boothook + (link.map(Self.commands) ?? "") + (network == .seed ? route : "")
      + (stretch.map { Self.deadlines(promises.stages, times: $0) } ?? "")
      + Self.encoded("probe.py", Array(script.utf8))
      + Self.encoded("config.json", JSON.emit(configuration(for: promises))) + Self.start
    return Array(text.utf8)
  }

  /// What the probe is told. It holds no secret: the probe reads those in the guest.
  func configuration(for promises: Promises) -> Node {
    let paths = promises.files.map(\.path)
    var entries: [(String, Node)] = [
      ("nonce", Node(.string(nonce))), ("key", Node(.string(key))),
      ("port", Node(.string("/dev/virtio-ports/\(Self.port)"))), ("beat", Node(.number("\(beat)"))),
      ("own", Node(.bool(promises.isOwn))), ("work", "/run/k3seed-verify"),
      ("files", .list(promises.files.filter { !$0.isSecret }.map(\.path))),
      ("secret_files", .list(promises.files.filter(\.isSecret).map(\.path))),
      (
        "secret_manifests",
        .list(promises.isOwn ? paths.filter { $0.hasPrefix(Promises.manifestsFolder) } : [])
      ),
      ("stages", .list(promises.stages.map(\.name))),
    ]
    if let since { entries.append(("since", Node(.number("\(since)")))) }
    if let now { entries += [("set_clock", true), ("now", Node(.number("\(now)")))] }
    if promises.isOwn {
      entries += [
        ("gone", .list(promises.gone)), ("binary", Node(.string(Promises.binaryPath))),
        ("unit", Node(.string(Promises.unit))), ("program", Node(.string(Promises.program))),
        ("patience", Node(.number("\(promises.stages.reduce(0) { $0 + $1.deadline })"))),
      ]
    }
    if let link, let gateway {
      entries.append(
        (
          "gateway",
          .mapping([
            "address": Node(.string(gateway.address)), "hardware": Node(.string(link.hardware)),
            "seed": Node(.string(Machine.seedAddress(inCluster: true))),
          ])
        ))
    }
    if let plan = promises.plan, plan.role != "server", let node = plan.node {
      // All that a node may ask is after itself.
      let kubeconfig: Node = "/var/lib/rancher/k3s/agent/kubelet.kubeconfig"
      entries.append(("kubernetes", .mapping(["kubeconfig": kubeconfig, "node": Node(.string(node))])))
    }
    if let plan = promises.plan, plan.role == "server" {
      var kubernetes: [(String, Node)] = [
        ("kubeconfig", "/etc/rancher/k3s/k3s.yaml"),
        ("namespaces", .list(promises.kubernetes?.namespaces ?? [])),
        ("secrets", .list(promises.kubernetes?.secrets.map(\.name) ?? [])),
      ]
      if let node = plan.node { kubernetes.append(("node", Node(.string(node)))) }
      if let object = promises.kubernetes?.application {
        kubernetes.append(("application", Node(.string(object.name))))
      }
      if let object = promises.kubernetes?.helmChart {
        kubernetes.append(("helmchart", Node(.string(object.name))))
      }
      entries.append(("kubernetes", .table(kubernetes)))
    }
    return .table(entries)
  }

  /// The secrets that OCI Vault holds, as an order. They go from memory to memory: on no disk of the guest there is
  /// anything to be found that the verifier brought itself.
  var secrets: [UInt8] {
    let values = vault.map { secret in
      Node.Entry(
        secret.name,
        Node(.string(String(decoding: Base64.encode(secret.value.withBytes { Array($0) }), as: UTF8.self))))
    }
    return order("secrets", [Node.Entry("values", Node(.mapping(values)))])
  }

  /// An order to the probe, one line: `facts`, `rerun` or `reboot`.
  func order(_ order: String, _ more: [Node.Entry] = []) -> [UInt8] {
    let entries = [Node.Entry("nonce", Node(.string(nonce))), Node.Entry("do", Node(.string(order)))]
    return JSON.emit(Node(.mapping(entries + more))) + [0x0A]
  }

  private static let boothook = """
    #cloud-boothook
    #!/bin/sh
    # k3seed verify: starts the probe, which tells the host what becomes of this machine.
    set -eu
    umask 077
    folder=/run/k3seed-verify
    mkdir -p $folder

    """

  /// Gives an interface its address. Nobody else does: cloud-init has DHCP for the first one only.
  private static func commands(for link: ClusterNetwork.Link) -> String {
    """
    for path in /sys/class/net/*; do
      [ "$(cat "$path/address")" = \(link.hardware) ] || continue
      ip link set dev "${path##*/}" up
      ip address replace \(link.address)/\(link.prefix) dev "${path##*/}"
    done

    """
  }

  /// Gives the machine the default route that every cloud's DHCP gives, and that K3s and the bootstrap's firewall look
  /// for. QEMU's does not where it lets nothing out (libslirp's `bootp.c`); what goes there is dropped.
  private var route: String {
    let seed = Machine.seedAddress(inCluster: isInCluster)
    let router = Machine.routerAddress(inCluster: isInCluster)
    return """
      if [ -z "$(ip -4 route show default)" ]; then
        device=$(ip -4 -o route get \(seed) | sed 's/.* dev \\([^ ]*\\).*/\\1/')
        ip -4 route add default via \(router) dev "$device" || :
      fi

      """
  }

  /// Makes the bootstrap's deadlines longer, by the variables that it has for that. In the first boot its unit comes
  /// later; in any other systemd knows it already, and starts it after cloud-init's network stage.
  private static func deadlines(_ stages: [Promises.Stage], times factor: Double) -> String {
    let lines = stages.map {
      "Environment=K3SEED_DEADLINE_\($0.name)=\(Int(($0.deadline * factor).rounded(.up)))"
    }
    return """
      dropins=/run/systemd/system/\(Promises.unit).d
      mkdir -p $dropins
      cat >$dropins/k3seed-verify.conf <<'END'
      [Service]
      TimeoutStartSec=infinity
      \(lines.joined(separator: "\n"))
      END
      systemctl daemon-reload

      """
  }

  /// `/run` may be mounted `noexec`, so that the interpreter is named. Without its default dependencies the unit would
  /// wait for basic.target, which waits for cloud-init. Nobody reads what it writes: a trace could hold anything.
  private static let start = """
    python=$(command -v python3 || echo /usr/libexec/platform-python)
    exec systemd-run --no-block --quiet --unit=k3seed-verify --property=Type=simple \\
      --property=DefaultDependencies=no --property=OOMScoreAdjust=-900 \\
      --property=StandardOutput=null --property=StandardError=null \\
      "$python" -I $folder/probe.py $folder/config.json

    """

  /// A command that writes a file. base64 keeps any text whole in a here-document.
  private static func encoded(_ name: String, _ bytes: [UInt8]) -> String {
    let text = Base64.encode(bytes)
    let lines = stride(from: 0, to: text.count, by: 76).map {
      String(decoding: text[$0..<min($0 + 76, text.count)], as: UTF8.self)
    }
    return "base64 -d >$folder/\(name) <<'END'\n\(lines.joined(separator: "\n"))\nEND\n"
  }
}

extension Node {
  fileprivate static func list(_ texts: [String]) -> Node { Node(.sequence(texts.map { Node(.string($0)) })) }
  fileprivate static func table(_ entries: [(String, Node)]) -> Node {
    Node(.mapping(entries.map { Node.Entry($0.0, $0.1) }))
  }
}
