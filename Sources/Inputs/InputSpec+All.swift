import Diagnostics
import YAML

extension InputSpec {
  /// Every input, in the order of the documentation.
  public static let all: [InputSpec] = [
    InputSpec(
      "cluster_name", .text(.label), default: "k3s", "Names the cluster."),
    InputSpec(
      "platform", .text(.platform), default: "oci",
      "Where user-data is delivered; each platform has its own limit and arithmetic."),
    InputSpec(
      "nodes", .map(keys: .nodeName, .object(nodeFields)), default: "one server, named `server`",
      "The nodes by name; several servers mean high availability with embedded etcd."),
    InputSpec(
      "server_private_ip", .text(.address),
      "The address at which other nodes join the first server: its private_ip."),
    InputSpec(
      "server_url", .text(.serverURL), default: "`https://<server_private_ip>:6443`",
      "The URL at which other nodes join, where it is not the first server's address (a load balancer)."),
    InputSpec(
      "first_server", .text(.nodeName), default: "the server with the address `server_private_ip`",
      "The node that founds the cluster and seeds it; needed where there are several servers and `server_private_ip` is the address of none."
    ),
    InputSpec(
      "cluster_state", .text(.clusterState), default: "`new`",
      "`existing` where the cluster lives already: a first server whose machine is replaced then joins one of the other servers, and never founds a second cluster because none of them answers."
    ),
    InputSpec(
      "server_ca_sha256", .text(.sha256), default: "none",
      "The hash of the cluster's own CA, known once it runs: the 64 digits after `K10` in `/var/lib/rancher/k3s/server/token`. With it a node that joins makes sure of the server before it sends the token; without it, whatever host answers at the address gets the token."
    ),
    InputSpec(
      "ingress_public_ip", .text(.address),
      "Public address of the ingress node; the API's certificate names it."),
    InputSpec(
      "load_balancer_ip", .text(.address), "Address of the load balancer; the API's certificate names it."),
    InputSpec(
      "tls_sans", .list(.text(.addressOrName)), default: "none",
      "More names and addresses for the API's certificate."),
    InputSpec(
      "cluster_cidr", .text(.dualStackCIDR), default: "10.42.0.0/16, or fd00:42::/56 on IPv6 servers (K3s)",
      "The network of the pods, apart from services and nodes; for IPv4 and IPv6 one of each, with a comma between."
    ),
    InputSpec(
      "service_cidr", .text(.dualStackCIDR), default: "10.43.0.0/16, or fd00:43::/112 on IPv6 servers (K3s)",
      "The network of the services, apart from pods and nodes; for IPv4 and IPv6 one of each, with a comma between."
    ),
    InputSpec(
      "node_cidrs", .list(.text(.cidr)), default: "the private ranges",
      "The networks of the nodes, of which each private_ip is: the firewall lets only these to the kubelet, the overlay network and etcd, and the ingress node NATs for them."
    ),
    InputSpec(
      "pod_metadata_access", .text(.access), default: "`denied`",
      "Whether pods may reach the platform's metadata address, and with it user-data and the node's identity: `denied` or `allowed`."
    ),
    InputSpec(
      "node_labels", .map(keys: .labelKey, .text(.labelValue)), default: "none", "Labels of every node."),
    InputSpec(
      "disable", .list(.text(.component)), default: "`traefik` (the GitOps tree brings Envoy Gateway)",
      "Packaged components that K3s leaves out."),
    InputSpec(
      "registry_mirrors", .map(keys: .registry, .list(.text(.webURL))), default: "none",
      "Where containerd pulls images of a registry from, in order."),
    InputSpec(
      "extra_manifests", .map(keys: .manifestName, .text(.manifest)), default: "none",
      "Kubernetes manifests that K3s applies by itself, by name; no Secrets."),
    InputSpec(
      "k3s_version", .text(.k3sVersion), default: "that of `k3seed.lock`, else `v1.36.4+k3s1`",
      "The exact version of K3s."),
    InputSpec(
      "k3s_sha256", .object(hashFields), default: "those of the locked version",
      "SHA-256 of the K3s binary for each architecture and of its install script; needed for another version."
    ),
    InputSpec(
      "k3s_airgap_sha256", .object(airgapFields), default: "none",
      "SHA-256 of `k3s-airgap-images-<architecture>.tar.zst`: with it the node loads K3s' own images from that file, found on it already or fetched where the binary is, and needs no registry for them."
    ),
    InputSpec(
      "ca_certificates", .list(.text(.certificate)), default: "none",
      "Certificates of authorities, in PEM, that the nodes trust beside the public ones: for mirrors and registries of one's own."
    ),
    InputSpec(
      "hardening", .text(.hardening), default: "`none`",
      "`cis` follows K3s' CIS hardening guide: kernel settings, audit log, Pod Security admission."),
    InputSpec(
      "k3s_mirrors", .list(.text(.webURL)), default: "none",
      "Folders that hold `<version>/{k3s,k3s-arm64,install.sh}`, asked in order before the official source."),
    InputSpec(
      "k3s_token", .text(.joinToken), secret: true,
      "The token with which servers, and agents without a token of their own, join; needed by more than one node."
    ),
    InputSpec(
      "k3s_agent_token", .text(.joinToken), secret: true, default: "`k3s_token`",
      "A token with which only agents can join."),
    InputSpec(
      "cloudflare_api_token", .text(.cloudflareToken), secret: true,
      "The token for cert-manager and external-dns; needed by the first server."),
    InputSpec(
      "cloudflare_secret_name", .text(.subdomain), default: "`cloudflare-api-token`",
      "The name of the Secrets that hold the token."),
    InputSpec(
      "cloudflare_secret_key", .text(.secretKey), default: "`api-token`", "The key within those Secrets."),
    InputSpec(
      "cloudflare_zone_id", .text(.zoneID), "The zone, for the GitOps tree."),
    InputSpec("domain_name", .text(.domain), "The cluster's domain, for the GitOps tree."),
    InputSpec("acme_email", .text(.email), "The address of the Let's Encrypt account, for the GitOps tree."),
    InputSpec(
      "acme_issuer", .text(.acmeIssuer), default: "`production`",
      "The Let's Encrypt that signs the Gateway's certificates: `production`, or `staging`, which browsers do not trust and which has room for trials."
    ),
    InputSpec(
      "acme_challenge", .text(.acmeChallenge), default: "`dns01`",
      "How Let's Encrypt is shown that the names are ours: `dns01` through Cloudflare, or `http01` through the Gateway."
    ),
    InputSpec(
      "ingress_node_selector", .map(keys: .labelKey, .text(.labelValue)),
      default: "`{role: ingress}` where a node has the role `ingress`, else all nodes",
      "The labels of the nodes whose ports 80 and 443 the Gateway takes."),
    InputSpec(
      "argocd_host", .text(.domain), default: "`argocd.<domain_name>`", "The name of Argo CD's page."),
    InputSpec("docs_host", .text(.domain), default: "`<domain_name>`", "The name of the documentation site."),
    InputSpec(
      "docs_image", .text(.image),
      "The documentation site: an image that serves it over HTTP and does not run as root, pinned by tag or digest."
    ),
    InputSpec("docs_port", .text(.port), default: "`8080`", "The port that the image listens on."),
    InputSpec(
      "gitops_disable", .list(.text(.gitOpsPart)), default: "none",
      "Parts that the GitOps tree does without: `vault`, `gateway`, `docs`."),
    InputSpec(
      "git_repo_url", .text(.gitURL), "The repository that `argocd-root` follows; needed by the first server."
    ),
    InputSpec(
      "git_revision", .text(.gitRevision), default: "`HEAD`", "The branch, tag or commit that it follows."),
    InputSpec("git_path", .text(.gitPath), default: "`argocd`", "The folder that it follows."),
    InputSpec(
      "git_username", aliases: ["github_username"], .text(.gitUser), default: "`git`",
      "The user name that goes with `git_pat`."),
    InputSpec(
      "git_pat", aliases: ["github_pat"], .text(.gitToken), secret: true,
      "The access token of a private repository at an https URL."),
    InputSpec(
      "git_ssh_private_key", .text(.sshPrivateKey), secret: true,
      "The deploy key of a private repository at an ssh URL."),
    InputSpec(
      "github_webhook_secret", .text(.webhookSecret), secret: true,
      "The secret of the repository's webhook on GitHub: with it a push is seen at once, and Argo CD asks the repository once an hour in place of every three minutes."
    ),
    InputSpec(
      "argocd_admin_password_hash", .text(.bcryptHash), secret: true,
      "The bcrypt hash of Argo CD's admin password."),
    InputSpec(
      "argocd_admin_password", .text(.password), secret: true,
      "That password itself: its hash alone reaches user-data, while Terraform keeps the password in its state."
    ),
    InputSpec("vault_ocid", .text(.vaultOCID), "The OCI Vault that holds the secrets."),
    InputSpec(
      "oci_region", .text(.region), default: "the instance's own", "The region of the vault."),
    InputSpec(
      "secret_ocids", .map(keys: .outputName, .text(.secretOCID)), default: "none",
      "Secrets that stay in OCI Vault: name of the input, OCID of the secret; `?stage=PREVIOUS`, `?versionNumber=3` or `?secretVersionName=name` after it mean another than the current version."
    ),
    InputSpec(
      "vault_secret_names", .map(keys: .outputName, .text(.vaultSecretName)),
      default: "the name in `secret_ocids` with `-` for `_`",
      "What the vault calls the secrets, by the name of the input: External Secrets asks for them by name."),
    InputSpec(
      "registry_server", .text(.registryServer), default: "none",
      "The registry of a private `docs_image`, such as `ghcr.io`; External Secrets brings its credentials from the vault."
    ),
    InputSpec(
      "registry_username", .text(.gitUser), default: "`git_username`", "The user name at that registry."),
    InputSpec(
      "registry_password", .text(.gitToken), secret: true, default: "`git_pat`",
      "The password or access token at that registry; only as a reference to OCI Vault."),
    InputSpec(
      "ssh_authorized_keys", .list(.text(.sshPublicKey)), default: "none",
      "Public keys for the default user; counted in the size budget where the platform counts them."),
  ]

  private static let nodeFields: [Shape.Field] = [
    Shape.Field(
      name: "role", shape: .text(.role), isRequired: true,
      summary: "`server`, `agent`, or `ingress` (an agent at the edge, which forwards and NATs)"),
    Shape.Field(
      name: "labels", shape: .map(keys: .labelKey, .text(.labelValue)), isRequired: false,
      summary: "labels of this node, over `node_labels`"),
    Shape.Field(
      name: "taints", shape: .list(.text(.taint)), isRequired: false,
      summary: "taints such as `key=value:NoSchedule`"),
    Shape.Field(
      name: "private_ip", shape: .text(.address), isRequired: false,
      summary: "the node's address within the cluster"),
  ]

  private static let airgapFields: [Shape.Field] = ["amd64", "arm64"].map { architecture in
    Shape.Field(
      name: architecture, shape: .text(.sha256), isRequired: false,
      summary: "the SHA-256 of `k3s-airgap-images-\(architecture).tar.zst`")
  }

  private static let hashFields: [Shape.Field] = [
    Shape.Field(
      name: "amd64", shape: .text(.sha256), isRequired: true, summary: "the SHA-256 of the binary `k3s`"),
    Shape.Field(
      name: "arm64", shape: .text(.sha256), isRequired: true, summary: "the SHA-256 of the binary `k3s-arm64`"
    ),
    Shape.Field(
      name: "install_script", shape: .text(.sha256), isRequired: true,
      summary: "the SHA-256 of `install.sh` at that tag"),
  ]
}

extension Rule {
  /// The name of a Terraform output.
  static let outputName = matching(
    "the name of an output", pattern: "^[A-Za-z_][A-Za-z0-9_-]*$"
  ) { text in OutputPath(text)?.steps.isEmpty == true }

  /// The name of a Terraform output, or what leads to a value within one.
  static let outputPath = matching(
    "the name of an output, or a path into one",
    pattern: #"^[A-Za-z_][A-Za-z0-9_-]*([.][A-Za-z_][A-Za-z0-9_-]*|\[[0-9]+\]|\["[^"\\]*"\])*$"#
  ) { text in OutputPath(text) != nil }

  /// YAML that the deploy controller can apply: each document a Kubernetes object, none a Secret, since
  /// K3s re-applies the folder at every start and would bring an old value back.
  static let manifest = Rule("a Kubernetes manifest", pattern: #"\S"#) { text in
    let documents: [Node]
    do throws(Report) {
      documents = try YAML.parse(Array(text.utf8), source: "manifest", ambiguity: .accepted)
    } catch {
      let first = error.diagnostics.first
      let place = first?.location.flatMap { place in place.line.map { " at its line \($0)" } } ?? ""
      return Problem("is not a Kubernetes manifest\(place): \(first?.message ?? "unreadable")")
    }
    // A list, such as List or SecretList, brings its items, and lists may lie in lists.
    var objects = documents.filter { $0.value != .null }
    var next = 0
    while next < objects.count {
      if objects[next]["kind"]?.string?.hasSuffix("List") == true {
        objects += objects[next]["items"]?.sequence ?? []
      }
      next += 1
    }
    guard !objects.isEmpty,
      objects.allSatisfy({ $0["apiVersion"]?.string != nil && $0["kind"]?.string != nil })
    else {
      return Problem("is not a Kubernetes manifest: each document needs apiVersion and kind")
    }
    if objects.contains(where: { $0["kind"]?.string == "Secret" }) {
      return Problem(
        "holds a Secret, which K3s would keep on disk and put back at every start",
        help: "bring Secrets through inputs, or through External Secrets")
    }
    return nil
  }
}
