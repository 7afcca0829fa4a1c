import Diagnostics
import YAML

extension Repository {
  /// What an Application brings into the cluster, as far as the repository says.
  struct Contents: Sendable {
    /// The Application, by its number.
    let application: Int
    /// The objects, each with the namespace it gets.
    var objects: [Object] = []
    /// The Helm charts.
    var charts: [ChartUse] = []
    /// What is taken from other repositories.
    var remotes: [Remote] = []
    /// What is named and is not there.
    var missing: [Missing] = []
    /// Names of Secrets and ConfigMaps that kustomize generates.
    var generated: [Object] = []
    /// The kustomizations it is built with.
    var kustomizations: [Place] = []
    /// Whether some of it is made by a plugin, or taken from a path that only a cluster fills in.
    var isOpen = false
  }

  /// A Helm chart that an Application, a kustomization or another chart takes.
  struct ChartUse: Sendable {
    /// Where it is said.
    let place: Place
    /// Its name.
    let name: String
    /// Where it comes from.
    let repository: String
    /// Its version; nil where none is given.
    let version: Place?
    /// Its values, those that win last.
    let values: [Place]
    /// The namespace of the release.
    let namespace: String?
    /// Whether the CRDs in its folder `crds` are left out.
    let skipsCRDs: Bool
    /// Whether a lock file says which version a range means.
    var isLocked = false
    /// The Application that takes it, by its number; nil where none does.
    let application: Int?
    /// Whether a job of K3s' Helm controller installs it, some time after the HelmChart was applied.
    var isDeferred = false

    /// A value by its keys; that of the last file that has one.
    func value(_ keys: [String]) -> Place? { values.reversed().lazy.compactMap { $0.at(keys) }.first }
    /// A value by its keys.
    func value(_ keys: String...) -> Place? { value(keys) }

    /// The version, where it is a whole one.
    var exactVersion: Version? { version?.text.flatMap { Version($0) } }
  }

  /// What is taken from another repository.
  struct Remote: Sendable {
    /// Where it is said.
    let place: Place
    /// The URL, without a revision.
    let url: String
    /// The folder in it.
    let path: String
    /// The revision; nil where none is given.
    let revision: String?
  }

  /// What is named and is not there.
  struct Missing: Sendable {
    enum Kind: String, Sendable {
      case folder, resource, values, reference
    }
    let kind: Kind
    let place: Place
    let path: String
  }

  /// A version as Helm writes them.
  struct Version: Comparable, Sendable {
    let numbers: [Int]

    /// A whole version: three numbers, with or without a `v` before and more behind.
    init?(_ text: String) {
      let bare = text.hasPrefix("v") ? text.dropFirst() : text[...]
      let parts = bare.prefix { $0 != "-" && $0 != "+" }.split(
        separator: ".", omittingEmptySubsequences: false)
      numbers = parts.compactMap { part in part.utf8.allSatisfy { (0x30...0x39) ~= $0 } ? Int(part) : nil }
      guard numbers.count == 3, parts.count == 3 else { return nil }
    }

    init(_ numbers: Int...) { self.numbers = numbers }

    static func < (left: Version, right: Version) -> Bool {
      left.numbers.lexicographicallyPrecedes(right.numbers)
    }
  }
}

extension Repository.Object {
  /// A Secret or ConfigMap that kustomize makes.
  init(generated place: Repository.Place, kind: String, namespace: String?) {
    self.place = place
    self.kind = kind
    group = ""
    name = place["name"]?.text ?? ""
    self.namespace = place["namespace"]?.text ?? namespace
  }
}

extension Repository.Remote {
  /// A resource of a kustomization that is a URL: the revision is in its query, or in the path of a file's URL.
  init(resource text: String, at place: Repository.Place) {
    let parts = text.parts(between: "?")
    let query = parts.dropFirst().joined(separator: "?").parts(between: "&")
    var revision = query.first { $0.hasPrefix("ref=") || $0.hasPrefix("version=") }.map {
      String($0.drop { $0 != "=" }.dropFirst())
    }
    let path = parts[0].parts(between: "/")
    // raw.githubusercontent.com/OWNER/NAME/REVISION/…, perhaps with refs/heads or refs/tags before the revision
    if let host = path.firstIndex(of: "raw.githubusercontent.com"), path.count > host + 3 {
      let isLong = path[host + 3] == "refs" && path.count > host + 5
      revision = path[host + (isLong ? 5 : 3)]
    }
    // github.com/OWNER/NAME/releases/download/REVISION/… and …/releases/latest/download/…
    if let releases = path.firstIndex(of: "releases"), path.count > releases + 2 {
      revision = path[releases + 1] == "download" ? path[releases + 2] : path[releases + 1]
    }
    self.init(place: place, url: parts[0], path: "", revision: revision)
  }
}

extension String {
  /// Whether a resource of a kustomization is fetched from elsewhere.
  var isRemote: Bool {
    contains("://") || hasPrefix("git@") || contains("?ref=")
      || ["github.com/", "gitlab.com/", "bitbucket.org/"].contains(where: hasPrefix)
  }

  /// Whether a file lies in a folder or below it.
  func isInside(_ folder: String) -> Bool { folder.isEmpty || hasPrefix(folder + "/") }
}
