public import Inputs
public import Secrets

/// Where user-data is delivered.
public enum Platform: String, CaseIterable, Sendable {
  /// Oracle Cloud Infrastructure.
  case oci
  /// Amazon EC2.
  case aws
  /// Google Compute Engine.
  case gcp
  /// Microsoft Azure.
  case azure
  /// Hetzner Cloud.
  case hetzner
  /// DigitalOcean Droplets.
  case digitalocean
  /// OpenStack Nova.
  case openstack
  /// Linode (Akamai).
  case linode
  /// VMware vSphere, through guestinfo.
  case vsphere
  /// cloud-init's NoCloud: a seed disk, such as the verifier's.
  case nocloud
}

/// What a node is.
public enum Role: String, CaseIterable, Sendable {
  /// Runs the control plane; the first of them seeds the cluster.
  case server
  /// Runs workloads.
  case agent
  /// An agent at the edge that forwards and NATs for the private nodes.
  case ingress
}

/// One machine of the cluster.
public struct ClusterNode: Sendable {
  /// The Node's name; nil for machines that share one user-data, which are named after their host.
  public var name: Sourced<String>?
  /// What the node is.
  public var role: Sourced<Role>
  /// Whether this server starts the cluster and seeds it.
  public var isFirstServer: Bool
  /// Labels in the order of their keys.
  public var labels: [(key: String, value: Sourced<String>)]
  /// Taints as K3s takes them.
  public var taints: [Sourced<String>]
  /// The address within the cluster.
  public var privateIP: Sourced<String>?

  /// What files and messages call the node.
  public var title: String { name?.value ?? role.value.rawValue }
}

/// How Argo CD gets into a private repository.
public enum GitCredentials: Sendable {
  /// A user name and an access token, at an https URL.
  case token(username: Sourced<String>)
  /// A deploy key, at an ssh URL.
  case deployKey
}

/// The validated description of one cluster and its nodes. Pure data.
public struct ClusterPlan: Sendable {
  /// The cluster's name.
  public var name: Sourced<String>
  /// Where user-data is delivered.
  public var platform: Sourced<Platform>
  /// The nodes in the order of their names.
  public var nodes: [ClusterNode]
  /// The URL at which nodes join; nil in a cluster of one node that says none.
  public var joinURL: Sourced<String>?
  /// Where the first server asks whether the cluster lives already: other servers, and the load balancer before them.
  public var firstServerPeers: [Sourced<String>]
  /// Whether the cluster lives already, so that no server may found it.
  public var clusterExists: Bool
  /// The SHA-256 of the cluster's own CA, with which joining nodes make sure of the server.
  public var serverCAHash: Sourced<String>?
  /// Whether the first server starts an etcd for others to join, rather than its SQLite.
  public var hasEmbeddedEtcd: Bool
  /// The versions that hold where no input says otherwise.
  public var lock: Lock
  /// The release of K3s.
  public var k3s: Sourced<K3sRelease>
  /// Folders with the binaries, in the order in which they are asked.
  public var binaryURLs: [Sourced<String>]
  /// The install script's URLs, in the order in which they are asked.
  public var installScriptURLs: [Sourced<String>]
  /// SHA-256 of K3s' archive of images for each architecture, where nodes load them from a file.
  public var airgapImages: [(architecture: String, sha256: Sourced<String>)]
  /// Certificates that nodes trust, in PEM.
  public var caCertificates: [Sourced<String>]
  /// Whether K3s' CIS hardening guide is followed.
  public var isHardened: Sourced<Bool>
  /// Names and addresses for the API's certificate, without repetition.
  public var tlsSANs: [Sourced<String>]
  /// The network of the pods, where it is not K3s' own default.
  public var clusterCIDR: Sourced<String>?
  /// The network of the services, where it is not K3s' own default.
  public var serviceCIDR: Sourced<String>?
  /// The networks of the nodes.
  public var nodeCIDRs: [Sourced<String>]
  /// Whether pods may reach the platform's metadata address.
  public var podsReachMetadata: Sourced<Bool>
  /// Packaged components that are left out.
  public var disabled: [Sourced<String>]
  /// Registries with the endpoints to pull from.
  public var registryMirrors: [(registry: String, endpoints: [Sourced<String>])]
  /// Manifests for K3s' deploy controller.
  public var extraManifests: [(name: String, text: Sourced<String>)]
  /// The Secrets of the Cloudflare token: their name.
  public var cloudflareSecretName: Sourced<String>
  /// The Secrets of the Cloudflare token: the key within.
  public var cloudflareSecretKey: Sourced<String>
  /// The repository that `argocd-root` follows; absent only where no first server is rendered.
  public var gitURL: Sourced<String>?
  /// The revision that it follows.
  public var gitRevision: Sourced<String>
  /// The folder that it follows.
  public var gitPath: Sourced<String>
  /// How Argo CD gets into the repository; nil where it is public.
  public var gitCredentials: GitCredentials?
  /// Public keys for the image's default user.
  public var sshKeys: [Sourced<String>]
  /// The region of the OCI Vault, where it is not the instance's own.
  public var ociRegion: Sourced<String>?
  /// The hash of a password given in the clear.
  let adminPasswordHash: Sourced<SecretSource>?
  let inputs: Inputs
}

extension ClusterPlan {
  /// What names the project, the same in every run: the context of fingerprints.
  public var project: [String] { [name.value, gitURL?.value ?? ""] }

  /// The secrets that a node needs, in the order of their names. A node carries no others.
  public func secretNames(of node: ClusterNode) -> [String] {
    let git: [String] =
      switch gitCredentials {
      case .token: ["git_pat"]
      case .deployKey: ["git_ssh_private_key"]
      case nil: []
      }
    let seeds =
      node.isFirstServer
      ? ["argocd_admin_password_hash", "cloudflare_api_token", "github_webhook_secret"] + git : []
    let tokens = node.role.value == .server ? ["k3s_agent_token", "k3s_token"] : [joinToken]
    return (seeds + tokens).filter { source(ofSecret: $0) != nil }
  }

  /// The token with which an agent joins: one that cannot join servers, where there is one.
  public var joinToken: String { inputs.secret("k3s_agent_token") == nil ? "k3s_token" : "k3s_agent_token" }

  /// Whether the first server makes `argocd-secret`, which the chart would make otherwise.
  public var seedsArgoCDSecret: Bool { seededSecrets.contains { $0.name.value == "argocd-secret" } }

  /// How a secret reaches a node; nil where it was not given. A clear Argo CD password counts as its hash.
  public func source(ofSecret name: String) -> Sourced<SecretSource>? {
    if let given = inputs.secret(name) { return Sourced(given.source, from: given.location) }
    return name == "argocd_admin_password_hash" ? adminPasswordHash : nil
  }

  /// What fingerprints are made with; nil where the join token is not given as a value, or could be guessed.
  public var key: ProjectKey? { ProjectKey(project: project, secret: inputs.literal("k3s_token")) }
}
