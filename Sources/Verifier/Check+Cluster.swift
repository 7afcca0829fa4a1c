import Diagnostics
import YAML

// What Kubernetes says of the network between nodes and of Argo CD.

/// Source: flannel's `pkg/subnet/kube` names the annotation, and other nodes send to what it says.
func flannelAddress(_ scene: Check.Scene) -> Check.Outcome {
  guard scene.promises.isOwn else { return foreign }
  guard scene.promises.plan?.node != nil else {
    return .skipped("the payload names no node, so the guest's own name counts")
  }
  guard let node = scene.facts["kubernetes", "node"], let isThere = node["found"]?.bool else {
    return unsaid("what its Node is like")
  }
  guard isThere else { return .skipped("there is no such Node: see node-ready") }
  guard let found = node["flannel"]?.string?.printable else {
    return .skipped("the Node has no annotation of flannel, so another network plugin is at work, or none")
  }
  let internals = node["addresses"]?.texts ?? []
  let promised = (scene.address ?? scene.promises.plan?.address)?.split(separator: ",").map(String.init)
  guard let expected = (promised ?? internals).first(where: { !$0.contains(":") }) else {
    return unsaid("which address its Node has")
  }
  guard internals.contains(expected) else {
    return .failed(
      "expected the Node to have the address \(expected), found \(internals.joined(separator: ", "))")
  }
  return found == expected
    ? .passed(found) : .failed("expected flannel to be at \(expected), found \(found)")
}

/// What Kubernetes calls it when an image is not there (kubelet's `pkg/kubelet/images/types.go`).
private let imageReasons: Set = [
  "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "ErrImageNeverPull", "InvalidImageName",
  "RegistryUnavailable",
]

func argocdPods(_ scene: Check.Scene) -> Check.Outcome {
  if let skipped = withoutSeed(scene) { return skipped }
  guard scene.promises.kubernetes?.application != nil else { return .skipped("the payload promises none") }
  guard scene.facts["bootstrap", "complete"]?.string != nil else {
    return .skipped("not judged: the bootstrap is not complete")
  }
  guard let found = scene.facts["kubernetes", "argocd"], let workloads = found["workloads"]?.sequence else {
    return unsaid("whether Argo CD runs")
  }
  guard !workloads.isEmpty else {
    return .skipped(
      "not judged: Argo CD has no Deployment yet; that is Helm's job, which `complete` does not wait for")
  }
  let waiting = workloads.filter { ($0["ready"]?.integer ?? 0) < ($0["wanted"]?.integer ?? 1) }
  let waited = "after \(found["waited"]?.integer ?? 0) s"
  guard !waiting.isEmpty else {
    return .passed("\(workloads.count) of \(workloads.count) are ready \(waited)")
  }
  let pods = (found["pods"]?.sequence ?? []).filter { $0["reason"]?.string != nil }
  func said(_ pod: Node) -> String {
    ["name", "reason", "message"].compactMap { pod[$0]?.string?.printable }.joined(separator: ": ")
  }
  if let pod = pods.first(where: { !imageReasons.contains($0["reason"]?.string ?? "") }) {
    return .failed("\(waiting.count) of \(workloads.count) are not ready \(waited): \(said(pod))")
  }
  if let pod = pods.first {
    let way =
      scene.network == .seed ? "; the guest reaches its seed only, and --network opens the internet" : ""
    return .skipped("not judged: an image cannot be pulled: \(said(pod))\(way)")
  }
  let names = waiting.compactMap { $0["name"]?.string?.printable }
  return .skipped(
    "not judged: \(waiting.count) of \(workloads.count) still start \(waited): \(names.joined(separator: ", "))"
  )
}
