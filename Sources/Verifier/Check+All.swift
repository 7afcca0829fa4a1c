import Diagnostics
import Secrets
import YAML

extension Check {
  /// Every check, in the order of the report.
  public static let all: [Check] = [
    Check(
      name: "user-data-identity", proves: "the guest got exactly the bytes of the file",
      how:
        "SHA-256 of /var/lib/cloud/instance/user-data.txt at the boot's beginning, as cloud-init stores what came",
      hint: "look for another seed in the image, or for what changed the file between reading and booting",
      judge: identity),
    Check(
      name: "datasource", proves: "cloud-init took its data from the verifier's seed",
      how: "the datasource in /run/cloud-init/status.json",
      hint: "use an image that leaves NoCloud in cloud-init's datasource_list, and brings no seed of its own",
      judge: datasource),
    Check(
      name: "cloud-init-finished", proves: "every stage of cloud-init came to its end without an error",
      how: "/run/cloud-init/status.json and result.json",
      hint: "read the errors, and /var/log/cloud-init-output.log in the evidence", judge: cloudInitFinished),
    Check(
      name: "cloud-init-clean", proves: "cloud-init had nothing to warn of",
      how:
        "warnings and errors of this boot in /var/log/cloud-init.log and the recoverable errors in status.json, less a table of known ones of images",
      hint: "correct what the first warning names; `cloud-init schema --config-file` checks a cloud-config",
      judge: cloudInitClean),
    Check(
      name: "bootstrap-complete", proves: "every stage of the bootstrap came to its end",
      how: "the unit k3seed-bootstrap.service, its journal, and /var/lib/k3seed/complete",
      hint: "read the last lines of the failed stage's log in the evidence", judge: bootstrapComplete),
    Check(
      name: "no-failed-unit", proves: "no unit of systemd has failed", how: "systemctl show of every unit",
      hint: "read the unit's last journal lines in the evidence", judge: noFailedUnit),
    Check(
      name: "no-stuck-job", proves: "nothing waits to be started for ever", how: "systemctl list-jobs",
      hint: "look for units that wait for each other, or for cloud-init that waits for them",
      judge: noStuckJob),
    Check(
      name: "no-restarting-unit", proves: "no service was restarted because it ended",
      how: "restarts that systemd counts in the journal",
      hint: "read the service's last journal lines in the evidence",
      judge: noRestartingUnit),
    Check(
      name: "disk-room", proves: "the file systems have room for what comes after the boot",
      how: "free bytes and inodes of /, /var and /tmp, with what is reserved for root",
      hint: "find what filled it, or give the machine a larger disk", judge: diskRoom),
    Check(
      name: "k3s-binary", proves: "the K3s that runs is the one that was pinned",
      how: "SHA-256 of /usr/local/bin/k3s against the payload's for this architecture",
      hint: "render again with `k3s_version` and its hashes in agreement", judge: binary),
    Check(
      name: "api-ready", proves: "the Kubernetes API answers that it is ready",
      how: "GET /readyz, with the certificate in /etc/rancher/k3s/k3s.yaml",
      hint: "read the journal of k3s.service", judge: apiReady),
    Check(
      name: "node-ready", proves: "this machine is a Node that is Ready", how: "the Node's condition Ready",
      hint: "read the Node's message; a network plugin or containerd did not come up", judge: nodeReady),
    Check(
      name: "flannel-address", proves: "pods of other nodes are sent to this node's own address",
      how:
        "the Node's annotation flannel.alpha.coreos.com/public-ip against its private_ip, or its InternalIP",
      hint: "set flannel-iface to the interface that has the node's private_ip", judge: flannelAddress),
    Check(
      name: "ingress-forwards", proves: "the ingress node lets this one out, under its own address",
      how:
        "GET of the ingress node's seed, which only that node can reach, by way of its address on the nodes' network",
      hint: "read the log of the bootstrap's stage firewall on the ingress node", phases: [.boot],
      judge: forwarded),
    Check(
      name: "controllers-ready", proves: "the controllers reconcile",
      how: "the default ServiceAccount and kube-root-ca.crt, which controllers make in each Namespace",
      hint: "read the journal of k3s.service for the controller manager", judge: controllersReady),
    Check(
      name: "namespaces", proves: "the planned Namespaces are there", how: "GET of each",
      hint: "read the log of the bootstrap's stage seed", judge: namespaces),
    Check(
      name: "cloudflare-secrets",
      proves: "cert-manager and external-dns have the Cloudflare token, byte for byte",
      how: "BLAKE2b of each value in the API, under a key of this verification, against the payload's",
      hint: "look for who else writes these Secrets (managers); render and boot again",
      judge: { secrets($0, .cloudflare) }),
    Check(
      name: "repository-secret", proves: "Argo CD has the credentials of the repository, byte for byte",
      how: "BLAKE2b of each value in the API, and the label argocd.argoproj.io/secret-type",
      hint: "look for who else writes the Secret (managers); render and boot again",
      judge: { secrets($0, .repository) }),
    Check(
      name: "other-secrets", proves: "every other promised Secret is there, byte for byte",
      how: "BLAKE2b of each value in the API, under a key of this verification, against the payload's",
      hint: "look for who else writes the Secret (managers); render and boot again",
      judge: { secrets($0, .other) }),
    Check(
      name: "argocd-chart", proves: "the HelmChart of Argo CD was accepted as planned",
      how: "its spec in the API against the payload's manifest",
      hint: "read the log of the bootstrap's stage gitops",
      judge: {
        object($0, "helmchart", "HelmChart", $0.promises.kubernetes?.helmChart, defaults: helmChartDefaults)
      }),
    Check(
      name: "argocd-root", proves: "the Application argocd-root was accepted with exactly the planned spec",
      how: "its spec in the API against the payload's manifest",
      hint: "read the log of the bootstrap's stage gitops; the API server names the field that it refuses",
      judge: { object($0, "application", "Application", $0.promises.kubernetes?.application) }),
    Check(
      name: "argocd-pods", proves: "Argo CD runs: all of its Deployments and StatefulSets are ready",
      how: "readyReplicas of each in its Namespace, and why a Pod there waits; for five minutes at most",
      hint: "read what the Pod says; give the machine more with --memory where it does not fit",
      judge: argocdPods),
    Check(
      name: "files", proves: "every file of write_files is there with its content, mode and owner",
      how: "lstat and SHA-256 of each", hint: "look for a command that changes the file, or a later entry",
      judge: files),
    Check(
      name: "no-secret-exposed", proves: "no secret stands where others may read it",
      how:
        "every log, the journal, arguments and environments of processes (sampled with each beat), and files of this boot that anybody may read, searched for each secret: plain, base64, hexadecimal, URL-encoded, JSON-escaped",
      hint: "take the secret out of what the place names; render again if k3seed's own payload put it there",
      judge: noSecretExposed),
    Check(
      name: "secrets-gone", proves: "the files of secrets are gone after use",
      how: "lstat of each, and of /var/lib/k3seed/secrets, which may be there empty",
      hint: "read the log of the bootstrap's stage scrub",
      judge: secretsGone),
    Check(
      name: "rerun-changes-nothing", proves: "running every stage once more changes nothing",
      how:
        "`k3seed-bootstrap again` with the same secrets, then resourceVersion of each object against that before, and spec and labels of what controllers write a status to",
      hint: "find the stage that writes again what is there", phases: [.rerun], judge: nothingChanged),
    Check(
      name: "rebooted", proves: "the machine was started anew and keeps what it has",
      how: "the kernel's boot id, and uid of each object against those before",
      hint: "look for what the machine keeps outside its disk", phases: [.reboot], judge: rebooted),
  ]
}

/// What the guest left out. It never counts as well.
func unsaid(_ what: String) -> Check.Outcome { .failed("the guest did not say \(what)") }

let foreign = Check.Outcome.skipped(
  "k3seed did not make this user-data, so what it promises is not known")

// MARK: cloud-init and systemd

private func identity(_ scene: Check.Scene) -> Check.Outcome {
  guard let found = scene.facts["user_data"]?["sha256"]?.string else {
    return unsaid("what user-data it got")
  }
  let bytes = scene.facts["user_data", "bytes"]?.integer ?? 0
  return found == scene.promises.sha256
    ? .passed("\(bytes) bytes, sha256 \(found)")
    : .failed(
      "expected \(scene.promises.bytes.count) bytes with sha256 \(scene.promises.sha256), found \(bytes) with \(found)"
    )
}

private func datasource(_ scene: Check.Scene) -> Check.Outcome {
  guard let found = scene.facts["datasource"]?.string else { return unsaid("which datasource it used") }
  // DataSourceNoCloudNet is the name of the same one after the network is up.
  return found.utf8.starts(with: "DataSourceNoCloud".utf8)
    ? .passed(found) : .failed("expected DataSourceNoCloud, found \(found)")
}

private let cloudInitStages = ["init-local", "init-network", "modules-config", "modules-final"]

private func cloudInitFinished(_ scene: Check.Scene) -> Check.Outcome {
  guard let stages = scene.facts["cloud_init", "stages"] else { return unsaid("how cloud-init ended") }
  var problems: [String] = []
  for name in cloudInitStages {
    guard let stage = stages[name], stage["started"]?.bool == true else {
      problems.append("\(name) was not started")
      continue
    }
    if stage["finished"]?.bool != true { problems.append("\(name) is not finished") }
    let errors = (stage["errors"]?.texts ?? []).filter { !scene.isKnown($0) }
    if let first = errors.first { problems.append("\(name): \(errors.count.counted("error")): \(first)") }
  }
  if problems.isEmpty, scene.facts["cloud_init", "finished"]?.bool != true {
    problems.append("there is no /run/cloud-init/result.json")
  }
  return problems.isEmpty
    ? .passed("\(cloudInitStages.count) stages finished without an error")
    : .failed(problems.joined(separator: "; "))
}

/// Warnings that cloud-init gives for an image or for the verifier's seed, whatever the user-data is.
///
/// Each is a part of the line, with where it comes from. It is short on purpose: what is not here counts.
///
/// - part: what the line holds.
/// - key: what the user-data does not have, or the line would be about the user-data.
/// - source: where it was read or seen.
let knownWarnings: [(part: String, key: String?, source: String)] = [
  (
    "The 'nocloud-net' datasource name", nil,
    "cloud-init 24.1 and later, DataSourceNoCloud.py: of the seed's address, which older releases need so"
  ),
  (
    "Running ['netplan', 'apply'] resulted in stderr output", nil,
    "cloud-init 22.4, net/activators.py: whatever netplan says while it succeeds counts as a warning"
  ),
  (
    "SSH service 'ssh' is not installed", "ssh_pwauth",
    "cloud-init 22.4, cc_set_passwords.py: an image without an SSH server"
  ),
  (
    "cc_locale", "locale",
    "cloud-init 22.4, stages.py: an image without the locale that the distribution's cloud.cfg sets"
  ),
  (
    "('locale', ProcessExecutionError", "locale",
    "cloud-init 22.4, status.json: an image without the locale that the distribution's cloud.cfg sets"
  ),
]

extension Check.Scene {
  /// Whether a line is about the image or the verifier's seed.
  fileprivate func isKnown(_ line: String) -> Bool {
    knownWarnings.contains { known in
      line.contains(known.part) && known.key.map { !promises.keys.contains($0) } ?? true
    }
  }
}

private func cloudInitClean(_ scene: Check.Scene) -> Check.Outcome {
  guard let log = scene.facts["cloud_init", "log"], log.mapping != nil,
    let warnings = scene.facts["cloud_init", "warnings"], warnings.sequence != nil,
    let stages = scene.facts["cloud_init", "stages"]
  else { return unsaid("what is in cloud-init's log") }
  var lines = warnings.texts
  var deprecated = 0
  for name in cloudInitStages {
    for entry in stages[name]?["recoverable_errors"]?.mapping ?? [] {
      // A deprecation is for who maintains the user-data; it works.
      if entry.key == "DEPRECATED" {
        deprecated += entry.value.texts.count
      } else {
        lines += entry.value.texts.filter { text in !lines.contains { $0.hasSuffix(text) } }
          .map { "\(entry.key.printable): \(name): \($0)" }
      }
    }
  }
  let own = lines.filter { !scene.isKnown($0) }
  guard let first = own.first else {
    let left = lines.count == own.count ? "" : "; \(lines.count - own.count) known of the image left out"
    return .passed("no warning\(left)\(deprecated == 0 ? "" : "; \(deprecated.counted("deprecation"))")")
  }
  return .failed("expected no warning, found \(own.count): \(first)")
}

private func bootstrapComplete(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  guard let bootstrap = scene.facts["bootstrap"], bootstrap.mapping != nil,
    let active = bootstrap["active"]?.string
  else { return unsaid("how the bootstrap ended") }
  let stages = bootstrap["stages"]?.sequence ?? []
  if let failed = stages.last(where: { $0["ok"]?.bool == false }) {
    return .failed("\(failed["name"]?.string ?? "a stage"): \(failed["line"]?.string ?? "failed")")
  }
  let promised = scene.promises.stages.map(\.name)
  let done = stages.compactMap { $0["name"]?.string }
  let next = promised.first { !done.contains($0) }
  guard let complete = bootstrap["complete"]?.string else {
    let result = bootstrap["result"]?.string ?? "unknown"
    return .failed(
      "/var/lib/k3seed/complete is not there; the unit is \(active) with the result \(result)"
        + (next.map { ", and the stage \($0) has not ended" } ?? ""))
  }
  guard active != "failed", active != "activating" else {
    return .failed("the unit is \(active) with the result \(bootstrap["result"]?.string ?? "unknown")")
  }
  if let version = scene.promises.plan?.version, version != complete {
    return .failed("expected K3s \(version), found /var/lib/k3seed/complete of \(complete)")
  }
  // After a restart there is nothing left to do, and nothing in the journal.
  guard !done.isEmpty else {
    return scene.earlier != nil || scene.hadCuts
      ? .passed("complete with K3s \(complete), nothing left to do")
      : unsaid("which stages the bootstrap ran")
  }
  // What was done and kept before the power was cut is in the journal of another boot.
  let expected = scene.hadCuts ? promised.filter { done.contains($0) || $0 == promised.last } : promised
  guard done == expected else {
    return .failed(
      "expected the stages \(promised.joined(separator: ", ")), found \(done.joined(separator: ", "))")
  }
  let times = stages.map { "\($0["name"]?.string ?? "") \($0["seconds"]?.integer ?? 0) s" }
  return .passed("\(done.count) stages: \(times.joined(separator: ", "))")
}

private func noFailedUnit(_ scene: Check.Scene) -> Check.Outcome {
  guard let failed = scene.facts["systemd", "failed"]?.sequence else { return unsaid("which units failed") }
  let shown = failed.map { unit in
    let exit = unit["exit"]?.integer.map { ", exit \($0)" } ?? ""
    return "\(unit["unit"]?.string ?? "?") (\(unit["result"]?.string ?? "unknown")\(exit))"
  }
  return failed.isEmpty
    ? .passed("none of \((scene.facts["systemd", "units"]?.integer ?? 0).counted("unit"))")
    : .failed("expected no failed unit, found \(shown.joined(separator: ", "))")
}

private func noStuckJob(_ scene: Check.Scene) -> Check.Outcome {
  guard let jobs = scene.facts["systemd", "jobs"]?.sequence else { return unsaid("which jobs wait") }
  let shown = jobs.map { job in
    "\(job["unit"]?.string ?? "?") (\(job["type"]?.string ?? "?") \(job["state"]?.string ?? "?"))"
  }
  return jobs.isEmpty
    ? .passed("no job waits; systemd is \(scene.facts["systemd", "state"]?.string ?? "unknown")")
    : .failed("expected no job, found \(shown.joined(separator: ", "))")
}

private func noRestartingUnit(_ scene: Check.Scene) -> Check.Outcome {
  guard let units = scene.facts["systemd", "restarting"]?.sequence else {
    return unsaid("which services were restarted")
  }
  let shown = units.map { unit in
    "\(unit["unit"]?.string ?? "?") (\((unit["restarts"]?.integer ?? 0).counted("restart")))"
  }
  return units.isEmpty
    ? .passed("none was restarted")
    : .failed("expected no restarted service, found \(shown.joined(separator: ", "))")
}

/// Less than this and the next log line may be the last.
private let leastRoom = (bytes: 64.0 * 1_048_576, inodes: 256)

private func diskRoom(_ scene: Check.Scene) -> Check.Outcome {
  let disks = ["/", "/var", "/tmp"].compactMap { path in
    scene.facts["disk", path].map {
      (
        path: path, free: $0["free"]?.double,
        inodes: ($0["inodes"]?.integer ?? 0) > 0 ? $0["inodes_free"]?.integer : nil
      )
    }
  }
  guard disks.contains(where: { $0.path == "/" && $0.free != nil }) else {
    return unsaid("how full its disk is")
  }
  let full = disks.filter {
    ($0.free ?? .infinity) < leastRoom.bytes || ($0.inodes ?? .max) < leastRoom.inodes
  }
  let shown = (full.isEmpty ? Array(disks.prefix(1)) : full).map { disk in
    "\(disk.path) has \((disk.free ?? 0).mebibytes) and \(disk.inodes ?? 0) inodes free"
  }
  return full.isEmpty
    ? .passed(shown.joined(separator: ", "))
    : .failed("expected at least \(leastRoom.bytes.mebibytes), \(shown.joined(separator: ", "))")
}

// MARK: K3s and Kubernetes

private func binary(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  guard let expected = scene.promises.plan?.sha256[scene.architecture] else {
    return .failed("the payload pins no SHA-256 for \(scene.architecture)")
  }
  guard let entry = scene.facts["binary"], entry.mapping != nil else { return unsaid("which K3s it has") }
  guard let found = entry["sha256"]?.string else {
    return .failed("expected /usr/local/bin/k3s with sha256 \(expected), found no such file")
  }
  return found == expected
    ? .passed("sha256 \(found)") : .failed("expected sha256 \(expected), found \(found)")
}

/// Why a question to Kubernetes does not arise; nil where it does.
private func withoutAPI(_ scene: Check.Scene) -> Check.Outcome? {
  guard scene.promises.isOwn else { return foreign }
  let role = scene.promises.plan?.role ?? "node"
  return role == "server" ? nil : .skipped("\(role) nodes have no API server")
}

func withoutSeed(_ scene: Check.Scene) -> Check.Outcome? {
  withoutAPI(scene)
    ?? (scene.promises.kubernetes == nil ? .skipped("only the first server seeds the cluster") : nil)
}

private func apiReady(_ scene: Check.Scene) -> Check.Outcome {
  if let skipped = withoutAPI(scene) { return skipped }
  guard let status = scene.facts["kubernetes", "readyz", "status"]?.integer else {
    return unsaid("whether the API server is ready")
  }
  return status == 200
    ? .passed("Kubernetes \(scene.facts["kubernetes", "version"]?.string ?? "of unknown version")")
    : .failed(
      "expected 200 from /readyz, found \(status): \(scene.facts["kubernetes", "readyz", "body"]?.string ?? "")"
    )
}

private func nodeReady(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  guard let name = scene.promises.plan?.node else {
    return .skipped("the payload names no node, so the guest's own name counts")
  }
  guard let node = scene.facts["kubernetes", "node"], let isThere = node["found"]?.bool else {
    return unsaid("whether the Node \(name) is Ready")
  }
  guard isThere else { return .failed("expected the Node \(name), found none of that name") }
  let ready = node["ready"]?.string ?? "unknown"
  return ready == "True"
    ? .passed("\(name), kubelet \(node["kubelet"]?.string ?? "of unknown version")")
    : .failed(
      "expected the Node \(name) to be Ready, found \(ready): \(node["message"]?.string ?? "no message")")
}

private func forwarded(_ scene: Check.Scene) -> Check.Outcome {
  guard let gateway = scene.gateway else { return .skipped("there is no other node that is the ingress") }
  guard let found = scene.facts["gateway"], found.mapping != nil else {
    return unsaid("whether it gets out by \(gateway.address)")
  }
  let answer = found["answer"]?.string?.printable ?? found["problem"]?.string?.printable ?? "nothing"
  return answer == gateway.instance
    ? .passed("\(answer) answers by way of \(gateway.address)")
    : .failed("expected \(gateway.instance) to answer by way of \(gateway.address), found \(answer)")
}

private func controllersReady(_ scene: Check.Scene) -> Check.Outcome {
  if let skipped = withoutAPI(scene) { return skipped }
  guard let found = scene.facts["kubernetes", "controllers"]?.mapping, !found.isEmpty else {
    return unsaid("what the controllers have made")
  }
  var missing: [String] = []
  for name in ["default"] + (scene.promises.kubernetes?.namespaces ?? []).filter({ $0 != "default" }) {
    let made = found.first { $0.key == name }?.value
    if made?["service_account"]?.bool != true { missing.append("ServiceAccount \(name)/default") }
    if made?["root_ca"]?.bool != true { missing.append("ConfigMap \(name)/kube-root-ca.crt") }
  }
  return missing.isEmpty
    ? .passed("at work in \(found.count.counted("Namespace"))")
    : .failed("the controllers have not made \(missing.joined(separator: ", "))")
}

private func namespaces(_ scene: Check.Scene) -> Check.Outcome {
  if let skipped = withoutSeed(scene) { return skipped }
  let promised = scene.promises.kubernetes?.namespaces ?? []
  guard let found = scene.facts["kubernetes", "namespaces"] else {
    return unsaid("which Namespaces there are")
  }
  let missing = promised.filter { found[$0]?["status"]?.integer != 200 }
  return missing.isEmpty
    ? .passed(promised.joined(separator: ", "))
    : .failed("expected \(promised.joined(separator: ", ")), found no \(missing.joined(separator: ", "))")
}

private enum SecretKind {
  case cloudflare, repository, other

  init(_ secret: Promises.KubernetesSecret) {
    if secret.labels["argocd.argoproj.io/secret-type"] != nil {
      self = .repository
    } else if ["cert-manager/", "external-dns/"].contains(where: secret.name.hasPrefix) {
      self = .cloudflare
    } else {
      self = .other
    }
  }
}

private func secrets(_ scene: Check.Scene, _ kind: SecretKind) -> Check.Outcome {
  if let skipped = withoutSeed(scene) { return skipped }
  let promised = (scene.promises.kubernetes?.secrets ?? []).filter { SecretKind($0) == kind }
  guard !promised.isEmpty else { return .skipped("the payload promises none") }
  guard let key = scene.hashKey, let found = scene.facts["kubernetes", "secrets"] else {
    return unsaid("which Secrets there are")
  }
  let known = scene.promises.vault.map(\.value)
  var problems: [String] = []
  for secret in promised {
    guard let status = found[secret.name]?["status"]?.integer else {
      problems.append("the guest did not say whether \(secret.name) is there")
      continue
    }
    guard status == 200, let object = found[secret.name] else {
      problems.append("\(secret.name): the API server answers \(status)")
      continue
    }
    for (field, value) in secret.data {
      guard let hash = object["data"]?[field]?.string else {
        problems.append("\(secret.name) has no key \(field)")
        continue
      }
      if let value, hash != value.hash(key: key) {
        problems.append(
          "\(secret.name): \(field) is not the \(known.contains(value) ? "Vault" : "payload")'s value")
      }
    }
    for (label, value) in secret.labels.sorted(by: { $0.key < $1.key }) {
      let there = object["labels"]?[label]?.string
      if there != value {
        problems.append("\(secret.name): expected the label \(label)=\(value), found \(there ?? "none")")
      }
    }
  }
  guard problems.isEmpty else { return .failed(problems.joined(separator: "; ")) }
  let shown = promised.map { secret in
    let keys = secret.data.map { "\($0.key)\($0.value == nil ? ", its value not known" : "")" }
    return "\(secret.name) (\(keys.joined(separator: ", ")))"
  }
  return .passed("\(shown.joined(separator: ", ")): as promised")
}

/// What the manifest does not say: the defaults in the HelmChart's CRD (K3s v1.36.4+k3s1, helm-controller), and the
/// policy with which the bootstrap leaves a chart that is installed (`templates/guest/bootstrap.sh`, stage gitops).
private let helmChartDefaults = ["driver": ["secret"], "failurePolicy": ["reinstall", "abort"]]

private func object(
  _ scene: Check.Scene, _ fact: String, _ kind: String, _ promised: Promises.Object?,
  defaults: [String: [String]] = [:]
) -> Check.Outcome {
  if let skipped = withoutSeed(scene) { return skipped }
  guard let promised else { return .skipped("the payload promises none") }
  guard let found = scene.facts["kubernetes", fact], let status = found["status"]?.integer else {
    return unsaid("whether the \(kind) \(promised.name) is there")
  }
  guard status == 200 else {
    return .failed("expected the \(kind) \(promised.name), the API server answers \(status)")
  }
  guard var spec = found["spec"] else { return unsaid("the spec of \(promised.name)") }
  spec.value = .mapping(
    (spec.mapping ?? []).filter { entry in
      promised.spec[entry.key] != nil
        || !(entry.value.string.map { defaults[entry.key]?.contains($0) ?? false } ?? false)
    })
  let differences = promised.spec.differences(from: spec, at: "spec")
  return differences.isEmpty
    ? .passed("\(promised.name), every field of its spec as planned")
    : .failed("\(promised.name): \(differences.prefix(3).joined(separator: "; "))")
}

// MARK: Files and secrets

private func files(_ scene: Check.Scene) -> Check.Outcome {
  let promised = scene.promises.files.filter { !$0.isSecret }
  guard !promised.isEmpty else { return .skipped("the user-data writes no file") }
  guard let found = scene.facts["files"], found.mapping != nil else { return unsaid("which files there are") }
  var problems: [String] = []
  for file in promised {
    guard let entry = found[file.path] else {
      problems.append("the guest did not say whether \(file.path) is there")
      continue
    }
    guard entry.mapping != nil else {
      problems.append("\(file.path) is not there")
      continue
    }
    func compare(_ what: String, _ key: String, _ expected: String?) {
      guard let expected else { return }
      let there = entry[key]?.string ?? "nothing"
      if there != expected { problems.append("\(file.path): expected \(what) \(expected), found \(there)") }
    }
    compare("mode", "mode", file.mode)
    compare("owner", "owner", file.owner)
    compare("group", "group", file.group)
    compare("sha256", "sha256", file.sha256)
  }
  guard !problems.isEmpty else { return .passed("\(promised.count.counted("file")) as written") }
  // What a command of the user did to a file is the user's business.
  if !scene.promises.isOwn, scene.promises.runsCommands {
    return .skipped(
      "\(problems.count.counted("difference")), which commands of the user-data may have made: \(problems[0])"
    )
  }
  return .failed(problems.joined(separator: "; "))
}

private func noSecretExposed(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else {
    return .skipped("k3seed did not make this user-data, so what is a secret in it is not known")
  }
  guard !scene.promises.secrets.isEmpty else {
    return .skipped(
      scene.promises.hasUnknownSecrets
        ? "the payload holds no secret, and what OCI Vault holds is not known" : "the payload holds no secret"
    )
  }
  guard let exposure = scene.facts["exposure"], let found = exposure["found"]?.sequence,
    scene.facts["journal", "bytes"]?.integer != nil
  else { return unsaid("where it looked for secrets") }
  if !found.isEmpty {
    let shown = found.map { "\($0["secret"]?.string ?? "a secret") in \($0["place"]?.string ?? "?")" }
    return .failed("expected no secret, found \(shown.prefix(5).joined(separator: "; "))")
  }
  let short = exposure["short"]?.sequence?.count ?? 0
  let searched = exposure["secrets"]?.integer ?? 0
  guard searched + short >= scene.promises.secrets.count else {
    return .failed(
      "expected a search for \(scene.promises.secrets.count.counted("secret")), found one for \(searched)")
  }
  guard exposure["complete"]?.bool == true else {
    return .failed("the search did not come to its end in time")
  }
  let left = short == 0 ? "" : "; \(short.counted("secret")) too short to be searched for"
  return .passed(
    "\(searched.counted("secret")) in none of \((exposure["files"]?.integer ?? 0).counted("file")), the journal and \((exposure["processes"]?.integer ?? 0)) processes\(left)"
  )
}

private func secretsGone(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  let promised = scene.promises.gone
  guard let found = scene.facts["gone"], found.mapping != nil else {
    return unsaid("whether its secrets are gone")
  }
  let left = promised.filter { found[$0]?.bool != true }
  return left.isEmpty
    ? .passed("\(promised.count.counted("path")) gone")
    : .failed("still there: \(left.joined(separator: ", "))")
}

// MARK: Once more

/// What names an object and its state.
private func objects(_ facts: Facts, _ member: String) -> [String: String] {
  var objects: [String: String] = [:]
  for kind in ["secrets", "namespaces"] {
    for entry in facts["kubernetes", kind]?.mapping ?? [] {
      objects["\(kind) \(entry.key)"] = entry.value[member]?.string
    }
  }
  for kind in ["application", "helmchart"] {
    guard let object = facts["kubernetes", kind] else { continue }
    // Whatever runs writes their status, again and again; what they are to be is theirs.
    let state = [object["spec"], object["labels"]].map { $0.map(JSON.emit) ?? [] }
    objects[kind] =
      member == "resourceVersion"
      ? String(decoding: Array(state.joined(separator: [0x0A])), as: UTF8.self) : object[member]?.string
  }
  return objects
}

private func compare(_ scene: Check.Scene, _ member: String, _ word: String) -> Check.Outcome? {
  guard let earlier = scene.earlier else { return unsaid("what there was before") }
  guard scene.promises.kubernetes != nil else { return nil }
  let before = objects(earlier, member)
  guard !before.isEmpty else { return unsaid("what there was before") }
  let after = objects(scene.facts, member)
  let changed = before.keys.sorted().filter { before[$0] != after[$0] }
  return changed.isEmpty ? nil : .failed("\(word) of \(changed.joined(separator: ", "))")
}

private func nothingChanged(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  guard scene.facts["ended"]?.bool == true else {
    return .failed("the bootstrap that was started once more did not come to its end")
  }
  if let changed = compare(scene, "resourceVersion", "another state") { return changed }
  return .passed("\(objects(scene.facts, "resourceVersion").count.counted("object")) as before")
}

private func rebooted(_ scene: Check.Scene) -> Check.Outcome {
  guard let earlier = scene.earlier else { return unsaid("what there was before") }
  guard scene.facts.boot != earlier.boot else {
    return .failed("expected a new boot id, found \(scene.facts.boot) again")
  }
  if let changed = compare(scene, "uid", "another uid, or none,") { return changed }
  return .passed("boot \(scene.facts.boot)")
}

// MARK: Words

extension Node {
  /// The places at which another node holds something else; the order of keys and how numbers are written do not count.
  func differences(from other: Node, at path: String) -> [String] {
    switch (value, other.value) {
    case (.mapping(let own), .mapping(let others)):
      return own.flatMap { entry -> [String] in
        guard let there = other[entry.key] else { return ["\(path).\(entry.key) is missing"] }
        return entry.value.differences(from: there, at: "\(path).\(entry.key)")
      }
        + others.filter { entry in !own.contains { $0.key == entry.key } }
        .map { "\(path).\($0.key.printable) was not planned" }
    case (.sequence(let own), .sequence(let others)):
      guard own.count == others.count else {
        return ["\(path): expected \(own.count.counted("item")), found \(others.count)"]
      }
      return zip(own, others).enumerated().flatMap { index, pair in
        pair.0.differences(from: pair.1, at: "\(path)[\(index)]")
      }
    case (.number(let own), .number(let there)) where own == there || Double(own) == Double(there): return []
    default:
      if value == other.value { return [] }
      return ["\(path): expected \(shown), found \(other.shown)"]
    }
  }

  private var shown: String {
    let text = String(decoding: JSON.emit(self), as: UTF8.self)
    return text.utf8.count <= 80 ? text : kind
  }
}
