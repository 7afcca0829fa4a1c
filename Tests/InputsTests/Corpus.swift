import Foundation
import YAML

/// Values of every input that must be taken, as JSON.
enum Corpus {
  static let secretOCID = "ocid1.vaultsecret.oc1.iad.amaaaaaa547c68474b70e8d100913176example"

  static let accepted: KeyValuePairs<String, [String]> = [
    "cluster_name": [#""k3s""#, #""0""#, #""a-1""#, #""\#(String(repeating: "a", count: 63))""#],
    "platform": [#""oci""#, #""nocloud""#, #""digitalocean""#],
    "nodes": [
      "{}", #"{"server": {"role": "server"}}"#,
      #"{"a.b-1": {"role": "agent", "labels": {"role": "worker", "example.org/x": ""}, "taints": ["k:NoExecute", "example.org/k=v:NoSchedule", "k=:PreferNoSchedule"], "private_ip": "10.0.0.4"}, "0": {"role": "ingress"}}"#,
      #"{"\#(String(repeating: "n", count: 63))": {"role": "server", "labels": null, "private_ip": "fd00::4"}}"#,
    ],
    "server_private_ip": [#""10.0.2.10""#, #""fd00:1::2""#, #""::ffff:10.0.0.1""#, #""::""#],
    "server_url": [
      #""https://10.0.2.10:6443""#, #""https://[fd00::1]:6443""#, #""https://k3s.example.org""#,
      #""https://k3s.example.org:443/""#,
    ],
    "ingress_public_ip": [#""203.0.113.10""#], "load_balancer_ip": [#""2001:db8::1""#],
    "tls_sans": ["[]", #"["k3s.example.org", "*.example.org", "10.0.0.1", "fd00::1", "localhost"]"#],
    "cluster_cidr": [#""10.42.0.0/16""#, #""fd00:42::/56""#, #""0.0.0.0/0""#],
    "service_cidr": [#""10.43.0.0/16""#, #""::/128""#],
    "node_cidrs": ["[]", #"["10.0.0.0/16", "fd00:1::/64"]"#],
    "first_server": [#""server""#, #""cp-1""#],
    "cluster_state": [#""new""#, #""existing""#],
    "server_ca_sha256": [#""\#(String(repeating: "a1", count: 32))""#],
    "pod_metadata_access": [#""denied""#, #""allowed""#],
    "node_labels": [
      "{}",
      #"{"role": "worker", "example.org/a_b.c": "A-1_b.c", "node.kubernetes.io/pool": "x", "a.node.kubernetes.io/x": "", "kubelet.kubernetes.io/x": "1", "topology.kubernetes.io/zone": "ad-1", "xkubernetes.io/a": "b"}"#,
    ],
    "disable": ["[]", #"["traefik", "servicelb", "metrics-server"]"#],
    "registry_mirrors": [
      #"{"docker.io": ["https://mirror.example.org", "http://10.0.0.5:5000/v2/docker"], "*": [], "registry.example.org:5000": ["https://[fd00::5]"], "10.0.0.9:5000": ["http://m"]}"#
    ],
    "extra_manifests": [
      "{}",
      #"{"namespace": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: yes}\n"}"#,
      #"{"a": "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}"}"#,
    ],
    "k3s_version": [#""v1.36.4+k3s1""#, #""v1.30.10+k3s12""#],
    "k3s_sha256": [
      #"{"amd64": "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f", "arm64": "C920706346D5AD4E5CD3C7BF1BB09CE71EBE07FEC829E513E40F1CAF98AED8BB", "install_script": "46177d4c99440b4c0311b67233823a8e8a2fc09693f6c89af1a7161e152fbfad"}"#
    ],
    "k3s_airgap_sha256": [
      "{}", #"{"amd64": "9024613e2d468c51ba0e5ba21898604c41339354449fb3338cc6a7931189eb6a"}"#,
    ],
    "ca_certificates": ["[]", #"["-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"]"#],
    "hardening": [#""none""#, #""cis""#],
    "k3s_mirrors": ["[]", #"["https://mirror.example.org/k3s", "http://10.0.0.5/a%20b/c@d/"]"#],
    "k3s_token": [
      #""abc""#, #""canary: 0777 #'\"$`\\ {{x}} %{y} é😀""#, "\"\(String(repeating: "x", count: 65_536))\"",
    ],
    "k3s_agent_token": [#""=agents=""#, "\"\(secretOCID)\""],
    "cloudflare_api_token": [
      #""cfut_0123456789abcdefghijklmnopqrstuvwxyzABCD""#, #""cfat_0123456789abcdef""#,
      #""0123456789abcdefghijABCDEFGHIJ0123456789""#, #""yes""#, "\"\(secretOCID)\"",
      // A 37-digit key has digits that are hexadecimal, in lower case.
      #""0123456789abcdef0123456789abcdef0123G""#,
    ],
    "cloudflare_secret_name": [
      #""cloudflare-api-token""#, #""a.b""#, "\"\(String(repeating: "a", count: 253))\"",
    ],
    "cloudflare_secret_key": [#""api-token""#, #""apiKey""#, #"".a""#, #""-_.""#],
    "cloudflare_zone_id": [#""0123456789abcdef0123456789ABCDEF""#],
    "domain_name": [#""example.org""#, #""a.b-c.xn--p1ai""#],
    "acme_email": [#""ops@example.org""#, #""o'p+s@mail.example.org""#],
    "acme_issuer": [#""production""#, #""staging""#], "acme_challenge": [#""dns01""#, #""http01""#],
    "ingress_node_selector": ["{}", #"{"role": "edge", "example.org/x": ""}"#],
    "argocd_host": [#""cd.example.org""#], "docs_host": [#""example.org""#],
    "docs_image": [
      #""nginxinc/nginx-unprivileged:1.29.3-alpine""#, #""ghcr.io/example/docs:v1""#,
      #""10.0.0.5:5000/docs:2026.11_a-1""#,
      #""docs@sha256:835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f""#,
      #""ghcr.io/a/b:latest@sha256:835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f""#,
    ],
    "docs_port": [#""80""#, #""65535""#],
    "gitops_disable": ["[]", #"["vault", "gateway", "docs"]"#],
    "git_repo_url": [
      #""https://github.com/example/gitops.git""#, #""http://10.0.0.5:3000/a/b""#,
      #""ssh://git@github.com:22/example/gitops.git""#, #""ssh://host/path""#,
      #""git@github.com:example/gitops.git""#, #""git@10.0.0.5:gitops""#, #""https://[fd00::1]/a""#,
      #""git@ssh.dev.azure.com:v3/org/project/repo""#, #""org-123@github.com:~/x""#,
    ],
    "git_revision": [
      #""HEAD""#, #""main""#, #""v1.0.0""#, #""refs/heads/feature/a_b-c""#,
      #""0123456789abcdef0123456789abcdef01234567""#, #""a@b""#, #""release-1.x+build#1""#,
    ],
    "git_path": [#"".""#, #""argocd""#, #""./clusters/prod-1/""#, #""a..b/...""#],
    "git_username": [#""git""#, #""x-access-token""#, #""ops@example.org""#],
    "git_pat": [#""github_pat_11ABCDEFG""#, #""glpat-abc def""#, "\"\(secretOCID)\""],
    "git_ssh_private_key": [
      // No key: only its frame is looked at. Real keys are made in JudgeTests.
      #""-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAA=\n-----END OPENSSH PRIVATE KEY-----\n""#,
      "\"\(secretOCID)\"",
    ],
    "github_webhook_secret": [#""a webhook's secret""#, "\"\(secretOCID)\""],
    "argocd_admin_password_hash": [
      #""$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy""#,
      #""$2y$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhW.""#,
      #""$2$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhW/""#, "\"\(secretOCID)\"",
    ],
    "argocd_admin_password": [
      #""hunter2""#,
      #""p""#, #""correct horse battery staple""#, "\"\(String(repeating: "é", count: 36))\"",
    ],
    "vault_ocid": [
      #""ocid1.vault.oc1.iad.ejuwhwvcaad5i.abuwcljsexample""#, #""ocid1.vault.oc2..abuwcljsexample""#,
      #""ocid1.vault.oc19.eu-frankfurt-2.a.b_c-d""#,
    ],
    "oci_region": [#""us-ashburn-1""#, #""eu-dcc-milan-1""#, #""us-gov-phoenix-1""#],
    "secret_ocids": [
      "{}",
      #"{"k3s_token": "\#(secretOCID)", "github_pat": "ocid1.vaultsecret.oc19..a?stage=PREVIOUS", "k3s_agent_token": "\#(secretOCID)?versionNumber=12", "cloudflare_api_token": "\#(secretOCID)?secretVersionName=v1.2_x-y", "ssh_public_key": "\#(secretOCID)"}"#,
    ],
    "vault_secret_names": ["{}", #"{"git_pat": "github-pat", "registry_password": "A.b_c"}"#],
    "registry_server": [#""ghcr.io""#, #""registry.example.org:5000""#, #""10.0.0.5""#],
    "registry_username": [#""example""#],
    "registry_password": [#""glpat-abc""#, "\"\(secretOCID)\""],
    "ssh_authorized_keys": [
      "[]",
      #"["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExa ops@example.com", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC= two words"]"#,
    ],
  ]
}
