import Diagnostics
import Foundation
import Inputs
import Testing
import YAML

/// Texts that one input refuses for one reason.
struct Refusal: CustomTestStringConvertible {
  var input: String
  var texts: [String]
  /// The message, with `%` for the text in quotes.
  var message: String
  var help: String?

  init(_ input: String, _ texts: [String], _ message: String, help: String? = nil) {
    self.input = input
    self.texts = texts
    self.message = message
    self.help = help
  }

  var testDescription: String { "\(input): \(message)" }
}

@Suite("The rules of every input") struct RuleTests {
  @Test("good values are taken, each input having some", arguments: InputSpec.all.map(\.name))
  func accepted(input: String) throws {
    let values = try #require(Corpus.accepted.first { $0.key == input }?.value)
    #expect(!values.isEmpty)
    for value in values {
      let reading = try Reading("{\"\(input)\": \(value)}")
      #expect(reading.lines == [])
      #expect(reading.values[input] != nil)
    }
  }

  @Test(
    "bad texts are refused where they stand, with what was found, the rule and the cure", arguments: refusals)
  func refused(refusal: Refusal) throws {
    for text in refusal.texts {
      // The second line proves that columns are not bytes.
      let reading = try Reading("{ \"é\": 1,\n \"😀\": 2, \"\(refusal.input)\": \(JSON.quote(text)) }")
      let place = Location(
        source: "in.json", line: 2, column: 14 + refusal.input.count, path: "$.\(refusal.input)")
      let message =
        "\(refusal.input)\(["%", "\""].contains(refusal.message.prefix(1)) ? ":" : "") \(refusal.message)"
        .replacingOccurrences(of: "%", with: "\"\(text)\"")
      #expect(
        reading.report.diagnostics == [
          .error("input-value", at: place, message, help: refusal.help)
        ])
      #expect(reading.inputs.isRefused(refusal.input) && reading.inputs.isGiven(refusal.input))
      #expect(reading.values == [:])
    }
  }

  private static let label =
    "% is not a name of lower-case letters, digits and \"-\" (at most 63, beginning and ending with a letter or digit)"
  private static let platforms =
    "use one of oci, aws, gcp, azure, hetzner, digitalocean, openstack, linode, vsphere, nocloud"
  private static let git = "% is not the URL of a git repository"
  private static let gitHelp = "write https://host/path.git, ssh://git@host/path.git or git@host:path.git"
  private static let channel =
    "% is a channel: what it installs changes from day to day, so nothing can be verified"
  private static let dash =
    "% is not a K3s version: releases are tagged with \"+k3s\", and \"-k3s\" is only how container images spell it"
  private static let vault = "it has the form ocid1.vault.oc1.<region>.<unique id>"
  private static let server = "% is not the URL of a K3s server"
  private static let serverHelp = "write https://, the host and the port (6443), and nothing after them"
  private static let passphrase = "is protected by a passphrase, which Argo CD cannot ask for"
  private static let noEnd =
    "does not end with its -----END line and one line break, without which OpenSSH refuses to read it"
  private static let lineSecrets: KeyValuePairs<String, String> = [
    "k3s_token": "join token", "k3s_agent_token": "join token",
    "cloudflare_api_token": "Cloudflare API token",
    "git_pat": "access token", "registry_password": "access token",
    "github_webhook_secret": "webhook secret", "argocd_admin_password": "password",
  ]

  static let refusals: [Refusal] = texts + lines + references

  private static let texts: [Refusal] =
    [
      Refusal(
        "cluster_name", ["", "K3s", "a_b", "-a", "a-", "a.b", "é", String(repeating: "a", count: 64)], label),
      Refusal("platform", ["ocl", "OCI"], "% is not a platform", help: "did you mean \"oci\"? \(platforms)"),
      Refusal("platform", ["", "vmware"], "% is not a platform", help: platforms),
      Refusal(
        "server_private_ip",
        [
          "", "10.0.0", "10.0.0.256", "010.0.0.1", "fd00::1%eth0", "10.0.0.1\u{0}", "host", " 10.0.0.1",
          "fd00::g",
        ],
        "% is not an IPv4 or IPv6 address"),
      Refusal(
        "ingress_public_ip", ["10.0.0.1/24", "fd00::1/64"], "% is a network, not an address",
        help: "leave out the \"/\" and what follows"),
      Refusal(
        "server_url",
        [
          "10.0.0.1:6443", "http://10.0.0.1:6443", "https://10.0.0.1:6443/path", "https://10.0.0.300:6443",
          "https://a:0", "https://a:70000", "https://a:", "https://[fd00::g]:6443", "https://fd00::1:6443",
          "HTTPS://a", "https://", "https://a b",
        ], server, help: serverHelp),
      Refusal("server_url", ["https://a?token=x"], server.with("https://a?…"), help: serverHelp),
      Refusal(
        "server_url", ["https://ops:hunter2@10.0.0.1:6443", "https://ops@a"],
        "holds a user name or password before the \"@\" of its URL",
        help: "leave it out: credentials are inputs of their own, and a URL is shown in many places"),
      Refusal(
        "cluster_cidr",
        [
          "10.42.0.0", "10.42.0.0/33", "10.42.0.0/016", "10.42.0.0/", "10.42.0.0/-1", "10.42.0.0/+8",
          "fd00::/129", "a/1", "10.0.0.0/8/8",
        ], "% is not a network in CIDR notation such as 10.42.0.0/16"),
      Refusal("k3s_version", ["v1.36.4-k3s1", "1.36.4-k3s1"], dash, help: "write v1.36.4+k3s1"),
      Refusal("k3s_version", ["1.36.4+k3s1"], "% lacks the leading \"v\"", help: "write v1.36.4+k3s1"),
      Refusal(
        "k3s_version", ["stable", "latest", "testing", "v1.36", "1.36"], channel,
        help:
          "name a release such as v1.36.4+k3s1; \"k3seed lock --k3s CHANNEL\" locks the one that it leads to now"
      ),
      Refusal(
        "k3s_version",
        [
          "", "v1.36.4", "v01.36.4+k3s1", "v1.36.4+k3s", "v1.36.4+k3s1 ", "v1.36.4+rke2r1",
          "v1.36.4+k3s1-rc1",
          "v1.36.4.1+k3s1",
        ], "% is not a K3s version", help: "write it like v1.36.4+k3s1"),
      Refusal(
        "cloudflare_api_token", ["cfk_0123456789", "0123456789abcdef0123456789abcdef01234"],
        "holds a Global API Key, which can do everything with the whole account",
        help:
          "create an API token instead, with the rights Zone / DNS / Edit and Zone / Zone / Read for this zone only"
      ),
      Refusal(
        "argocd_admin_password", [String(repeating: "p", count: 73)],
        "has 73 bytes; bcrypt, which Argo CD uses, reads only the first 72", help: "choose a shorter password"
      ),
      Refusal(
        "argocd_admin_password", [String(repeating: "é", count: 37)],
        "has 74 bytes; bcrypt, which Argo CD uses, reads only the first 72", help: "choose a shorter password"
      ),
      Refusal(
        "argocd_admin_password", ["$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"],
        "is a bcrypt hash, which would be hashed again", help: "give it as argocd_admin_password_hash"),
      Refusal(
        "argocd_admin_password_hash",
        [
          "", "hunter2", "$2a$10$short", "$2a$03$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
          "$2a$99$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
          "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n",
          "$2c$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
          "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lh_y", "$6$salt$hash", "{SHA}x",
        ], "is not a bcrypt hash ($2a$10$ and 53 characters more)",
        help:
          "give the password itself as argocd_admin_password to have it hashed, or hash it with htpasswd -nbBC 10"
      ),
      Refusal(
        "git_ssh_private_key",
        [
          "", "ssh-ed25519 AAAA", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
          "-----BEGIN PUBLIC KEY-----\nMII\n",
          " -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n",
          "-----BEGIN RSA PRIVATE KEY-----",
          "PuTTY-User-Key-File-3: ssh-ed25519\n",
        ], "is not a private key in PEM or OpenSSH form",
        help: "give the whole file, from -----BEGIN to -----END and its line break"),
      Refusal(
        "git_ssh_private_key",
        ["-----BEGIN RSA PRIVATE KEY-----\r\nMII\r\n-----END RSA PRIVATE KEY-----\r\n"],
        "has Windows line endings", help: "save the key with line feeds alone"),
      Refusal(
        "git_ssh_private_key",
        [
          "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
          "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n\n",
          "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\n",
          "-----BEGIN RSA PRIVATE KEY-----\nMII\n", "-----BEGIN PRIVATE KEY-----\n",
        ], noEnd, help: "do not trim the key: use file(), or add \"\\n\""),
      Refusal(
        "git_ssh_private_key",
        [
          "-----BEGIN RSA PRIVATE KEY-----\nMÜI\n-----END RSA PRIVATE KEY-----\n",
          "-----BEGIN RSA PRIVATE KEY-----\nM\u{0}I\n-----END RSA PRIVATE KEY-----\n",
        ], "holds characters that no private key holds", help: "save the key as plain ASCII with line feeds"),
      Refusal(
        "git_ssh_private_key",
        ["-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"],
        "holds no OpenSSH key between its first and last line", help: "give the whole file"),
      Refusal(
        "cloudflare_secret_name", ["", "A", "a..b", ".a", "a.-b", "a_b"],
        "% is not a Kubernetes name: lower-case letters, digits, \"-\" and \".\", at most 253, each part beginning and ending with a letter or digit"
      ),
      Refusal(
        "cloudflare_secret_key", ["", "a b", ".", "..", "..a", "a/b", "é"],
        "% is not a key of a Secret: letters, digits, \"-\", \"_\" and \".\", at most 253"),
      Refusal(
        "cloudflare_zone_id",
        ["", "0123", String(repeating: "g", count: 32), String(repeating: "0", count: 33)],
        "% is not a Cloudflare zone id: 32 hexadecimal digits", help: "copy it from the zone's overview page"),
      Refusal(
        "domain_name",
        [
          "", "example", "example.org.", "https://example.org", "Example.org", "*.example.org", "10.0.0.1",
          "10.0.0", "a..b", "a b.c", "-a.b", "a.b_c", "é.org",
        ], "% is not a DNS name such as example.org",
        help: "give the name alone in lower case, without a scheme, path or final dot"),
      Refusal(
        "acme_email", ["", "ops", "ops@", "@example.org", "a@b@c.d", "o ps@example.org", "ops@exa mple.org"],
        "% is not an e-mail address"),
      Refusal(
        "git_repo_url",
        [
          "", "github.com/example/gitops", "https://github.com", "https://github.com/", "ftp://a/b",
          "git@host",
          "git@host:", "git@:a", "@host:a", "-oProxyCommand=x@host:y", "https://github.com/a b", "git://a/b",
          "file:///a", "/srv/git", "https:///a", "https://ho_st/a", "ssh://-oProxyCommand=x/a", "a@b c:d",
        ], git, help: gitHelp),
      Refusal("git_repo_url", ["https://a/b?token=x"], git.with("https://a/b?…"), help: gitHelp),
      Refusal("git_repo_url", ["https://a/b#x"], git.with("https://a/b#…"), help: gitHelp),
      Refusal("git_repo_url", ["ops:hunter2@github.com/a/b"], git.with("…@github.com/a/b"), help: gitHelp),
      Refusal(
        "git_repo_url", ["https://ops:hunt@er2@git hub/a"], git.with("https://…@git hub/a"), help: gitHelp),
      Refusal(
        "git_repo_url",
        ["https://ops:hunter2@github.com/a/b", "https://hunter2@github.com/a/b", "ssh://git:hunter2@host/a"],
        "holds credentials before the \"@\" of its URL",
        help: "leave them out of the URL and give git_username and git_pat"),
      Refusal(
        "git_revision",
        [
          "", "a b", "a..b", "-a", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "@", "a@{1}", "a.",
          "a~1",
          "^1.2", "a:b", "a?", "*", "[a", "a\\b", "é", "a\n",
        ], "% is not a branch, tag or commit of git"),
      Refusal(
        "acme_issuer", ["Production", "productoin"],
        "% is not an issuer of Let's Encrypt",
        help: "did you mean \"production\"? use one of production, staging"),
      Refusal(
        "acme_challenge", ["dns-01"], "% is not a challenge of ACME",
        help: "did you mean \"dns01\"? use one of dns01, http01"),
      Refusal(
        "docs_image", ["ghcr.io/a/docs", "docs:latest", "10.0.0.5:5000/docs"],
        "% says no version, so what runs would change unseen", help: "add its tag, or @sha256: and its digest"
      ),
      Refusal(
        "docs_image",
        ["", "https://ghcr.io/a/b:1", "a b:1", "Docs:1", "a/:1", "a:1:2", "a:", "a@sha256:12", "a//b:1"],
        "% is not the name of an image",
        help: "write registry/path:tag, or registry/path@sha256:… for exactly one"),
      Refusal(
        "docs_port", ["", "0", "65536", "080", "http", "-1"], "% is not a port: a number from 1 to 65535"),
      Refusal(
        "registry_server", ["", "*", "https://ghcr.io", "ghcr.io/a"],
        "% is not a registry's host name, with a port where it has one",
        help: "write it as images do, such as ghcr.io, without https://"),
      Refusal(
        "git_path", ["", "/argocd", "../x", "a/../b", "..", "a b", "a'b", "-a", "a\\b", "a\n"],
        "% is not a folder within the repository",
        help: "write it relative to the repository's root, without \"..\"; the root itself is \".\""),
      Refusal(
        "git_username", ["", "a:b", "a b", "a/b", "-a", "a\n"], "% is not a user name for git",
        help: "hosts that take a token alone want any name here, such as \"git\" or \"x-access-token\""),
      Refusal(
        "vault_ocid",
        [
          "", "ocid1.vault.oc1", "ocid1.vault..iad.x", "ocid1.vault.oc1.iad.", "ocid1.vault.oc1.IAD.x",
          "ocid2.vault.oc1.iad.x", "ocid1..oc1.iad.x", "ocid1.vault.oc1.iad.x y", "hunter2",
        ], "is not an OCID", help: vault),
      Refusal(
        "vault_ocid", ["ocid1.vaultsecret.oc1.iad.x"],
        "is the OCID of a resource of type \"vaultsecret\", not of an OCI vault",
        help: "give one that begins with ocid1.vault."),
      Refusal(
        "vault_ocid", ["ocid1.compartment.oc19..x"],
        "is the OCID of a resource of type \"compartment\", not of an OCI vault",
        help: "give one that begins with ocid1.vault."),
      Refusal(
        "oci_region",
        ["", "us", "iad", "us-ashburn", "US-ASHBURN-1", "us-ashburn-", "eu-frankfurt-1a", "-a-1", "a--b-1"],
        "% is not an OCI region such as us-ashburn-1",
        help: "give the region's name, not its three-letter code"),
    ]

  /// What every secret of one line refuses.
  private static let lines: [Refusal] = lineSecrets.flatMap { (name: String, meaning: String) -> [Refusal] in
    let ends = [
      Refusal(name, [""], "is empty"),
      Refusal(
        name, ["tok\n", "tok\r\n", "\r"], "ends with a line break, which would become part of the secret",
        help: "use trimspace() or chomp() in Terraform"),
      Refusal(
        name, [" tok", "tok\t", "\u{A0}tok", "\ntok"],
        "begins or ends with white space, which would become part of the secret",
        help: "use trimspace() in Terraform"),
    ]
    let controls = [
      ("t\u{0}k", "U+0000"), ("t\u{1B}k", "U+001B"), ("t\u{85}k", "U+0085"), ("t\nk", "U+000A"),
    ]
    return ends
      + controls.map { text, code in
        Refusal(
          name, [text], "holds the control character \(code) as character 2, which no \(meaning) holds",
          help: "look for a line break or a binary value")
      }
  }

  /// What every secret refuses as a reference.
  private static let references: [Refusal] = InputSpec.all.filter(\.isSecret).flatMap { spec in
    [
      Refusal(
        spec.name, ["ocid1.vaultsecret.oc1", "ocid1.", "ocid1.vaultsecret.oc1.iad.a b"], "is not an OCID",
        help: "it has the form ocid1.vaultsecret.oc1.<region>.<unique id>"),
      Refusal(
        spec.name, ["ocid1.vault.oc1.iad.x.y"],
        "is the OCID of a resource of type \"vault\", not of a secret in an OCI vault",
        help: "give one that begins with ocid1.vaultsecret."),
    ]
  }

  @Test("within lists and maps the place is that of the item", arguments: nestedRefusals)
  func nested(json: String, lines: [String]) {
    #expect(Reading.lines(json) == lines)
  }

  static let nestedRefusals: [(String, [String])] = [
    (
      #"{"nodes": {"A": {"role": "server"}}}"#,
      [
        #"in.json:1:12: error: nodes: "A" is not a node's name: lower-case letters, digits, "-" and ".", at most 63, each part beginning and ending with a letter or digit (at $.nodes.A) [input-value]"#
      ]
    ),
    (
      #"{"nodes": {"\#(String(repeating: "n", count: 64))": {"role": "server"}}}"#,
      [
        #"in.json:1:12: error: nodes: "\#(String(repeating: "n", count: 64))" is not a node's name: lower-case letters, digits, "-" and ".", at most 63, each part beginning and ending with a letter or digit (at $.nodes.\#(String(repeating: "n", count: 64))) [input-value]"#
      ]
    ),
    (
      #"{"nodes": {"a": {"role": null}}}"#,
      [
        "in.json:1:17: error: nodes.a lacks the key \"role\" (at $.nodes.a); it is `server`, `agent`, or `ingress` (an agent at the edge, which forwards and NATs) [missing-key]"
      ]
    ),
    (
      #"{"nodes": {"a": {"role": "agent", "lables": null}, "B": null}, "node_labels": {"c d": null, "e": null}}"#,
      [
        #"in.json:1:35: error: nodes.a has no key "lables" (at $.nodes.a.lables); did you mean "labels"? [unknown-key]"#,
        #"in.json:1:52: error: nodes: "B" is not a node's name: lower-case letters, digits, "-" and ".", at most 63, each part beginning and ending with a letter or digit (at $.nodes.B) [input-value]"#,
        #"in.json:1:80: error: node_labels: "c d" is not a label key (at $.node_labels["c d"]); use [prefix/]name: letters, digits, "-", "_" and ".", at most 63 in the name [input-value]"#,
      ]
    ),
    (
      #"{"nodes": {"a": {"rol": "agent"}}}"#,
      [
        #"in.json:1:18: error: nodes.a has no key "rol" (at $.nodes.a.rol); did you mean "role"? [unknown-key]"#,
        "in.json:1:17: error: nodes.a lacks the key \"role\" (at $.nodes.a); it is `server`, `agent`, or `ingress` (an agent at the edge, which forwards and NATs) [missing-key]",
      ]
    ),
    (
      #"{"nodes": {"a": {"role": "sever", "colour": "red"}, "b": "agent"}}"#,
      [
        #"in.json:1:26: error: nodes.a.role: "sever" is not a role (at $.nodes.a.role); did you mean "server"? use one of server, agent, ingress [input-value]"#,
        #"in.json:1:35: error: nodes.a has no key "colour" (at $.nodes.a.colour); use role, labels, taints, private_ip [unknown-key]"#,
        "in.json:1:58: error: nodes.b is a string; expected a map (at $.nodes.b); write a map, or JSON of one with jsonencode() [input-type]",
      ]
    ),
    (
      """
      {"nodes": {
        "a": {"role": "agent",
          "labels": {"x y": "1", "node-role.kubernetes.io/worker": "true", "c": "d e", "f": true},
          "taints": ["k=v:NoExecute", "k=v:Never"]},
        "b": {"role": "agent", "private_ip": "10.0.0.4/24", "taints": "k:NoExecute"}}}
      """,
      [
        #"in.json:3:16: error: nodes.a.labels: "x y" is not a label key (at $.nodes.a.labels["x y"]); use [prefix/]name: letters, digits, "-", "_" and ".", at most 63 in the name [input-value]"#,
        #"in.json:3:28: error: nodes.a.labels: "node-role.kubernetes.io/worker" is a label that the kubelet refuses to give its own Node (at $.nodes.a.labels["node-role.kubernetes.io/worker"]); use a key without kubernetes.io or k8s.io, such as role=worker [input-value]"#,
        #"in.json:3:75: error: nodes.a.labels.c: "d e" is not a label value: at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit (at $.nodes.a.labels.c) [input-value]"#,
        "in.json:3:87: error: nodes.a.labels.f is a boolean; expected a string (at $.nodes.a.labels.f); write it in quotes, or use tostring() in Terraform [input-type]",
        #"in.json:4:33: error: nodes.a.taints[1]: "k=v:Never" is not a taint (at $.nodes.a.taints[1]); write key=value:Effect or key:Effect; effects are NoSchedule, PreferNoSchedule and NoExecute [input-value]"#,
        #"in.json:5:40: error: nodes.b.private_ip: "10.0.0.4/24" is a network, not an address (at $.nodes.b.private_ip); leave out the "/" and what follows [input-value]"#,
        "in.json:5:65: error: nodes.b.taints is a string; expected a list (at $.nodes.b.taints); write a list, or JSON of one with jsonencode() [input-type]",
      ]
    ),
    (
      #"{"tls_sans": ["10.0.0", "a b", "*.*.a", "*", 7, null]}"#,
      [
        #"in.json:1:15: error: tls_sans[0]: "10.0.0" is not an IP address or a DNS name (at $.tls_sans[0]) [input-value]"#,
        #"in.json:1:25: error: tls_sans[1]: "a b" is not an IP address or a DNS name (at $.tls_sans[1]) [input-value]"#,
        #"in.json:1:32: error: tls_sans[2]: "*.*.a" is not an IP address or a DNS name (at $.tls_sans[2]) [input-value]"#,
        #"in.json:1:41: error: tls_sans[3]: "*" is not an IP address or a DNS name (at $.tls_sans[3]) [input-value]"#,
        "in.json:1:46: error: tls_sans[4] is a number; expected a string (at $.tls_sans[4]); write it in quotes, or use tostring() in Terraform [input-type]",
        "in.json:1:49: error: tls_sans[5] is null; expected a string (at $.tls_sans[5]) [input-type]",
      ]
    ),
    (
      #"{"disable": ["traefic", "ccm"], "tls_sans": "k3s.example.org", "node_labels": [], "cluster_name": ["k3s"], "git_path": 7}"#,
      [
        "in.json:1:99: error: cluster_name is a list; expected a string (at $.cluster_name) [input-type]",
        "in.json:1:45: error: tls_sans is a string; expected a list (at $.tls_sans); write a list, or JSON of one with jsonencode() [input-type]",
        "in.json:1:79: error: node_labels is a list; expected a map (at $.node_labels) [input-type]",
        #"in.json:1:14: error: disable[0]: "traefic" is not a packaged component of K3s (at $.disable[0]); did you mean "traefik"? use one of coredns, servicelb, traefik, local-storage, metrics-server, runtimes [input-value]"#,
        #"in.json:1:25: error: disable[1]: "ccm" is not a packaged component of K3s (at $.disable[1]); use one of coredns, servicelb, traefik, local-storage, metrics-server, runtimes [input-value]"#,
        "in.json:1:120: error: git_path is a number; expected a string (at $.git_path); write it in quotes, or use tostring() in Terraform [input-type]",
      ]
    ),
    (
      #"{"registry_mirrors": {"https://docker.io": [], "docker.io": ["mirror.example.org", "https://u:hunter2@m"], "a:0": [], "a": "https://m"}}"#,
      [
        #"in.json:1:23: error: registry_mirrors: "https://docker.io" is not a registry's host name, with a port where it has one, or * (at $.registry_mirrors["https://docker.io"]) [input-value]"#,
        #"in.json:1:62: error: registry_mirrors.docker.io[0]: "mirror.example.org" is not an http or https URL (at $.registry_mirrors["docker.io"][0]); write https://, the host, and the path where there is one, without a query [input-value]"#,
        #"in.json:1:84: error: registry_mirrors.docker.io[1] holds a user name or password before the "@" of its URL (at $.registry_mirrors["docker.io"][1]); leave it out: credentials are inputs of their own, and a URL is shown in many places [input-value]"#,
        #"in.json:1:108: error: registry_mirrors: "a:0" is not a registry's host name, with a port where it has one, or * (at $.registry_mirrors["a:0"]) [input-value]"#,
        "in.json:1:124: error: registry_mirrors.a is a string; expected a list (at $.registry_mirrors.a); write a list, or JSON of one with jsonencode() [input-type]",
      ]
    ),
    (
      #"{"k3s_mirrors": ["ftp://a", "https://a/x?y=z", "//a"], "k3s_sha256": {"amd64": "gg", "arm64": "\#(String(repeating: "a", count: 64))"}}"#,
      [
        #"in.json:1:80: error: k3s_sha256.amd64: "gg" is not a SHA-256: 64 hexadecimal digits (at $.k3s_sha256.amd64) [input-value]"#,
        #"in.json:1:70: error: k3s_sha256 lacks the key "install_script" (at $.k3s_sha256); it is the SHA-256 of `install.sh` at that tag [missing-key]"#,
        #"in.json:1:18: error: k3s_mirrors[0]: "ftp://a" is not an http or https URL (at $.k3s_mirrors[0]); write https://, the host, and the path where there is one, without a query [input-value]"#,
        #"in.json:1:29: error: k3s_mirrors[1]: "https://a/x?…" is not an http or https URL (at $.k3s_mirrors[1]); write https://, the host, and the path where there is one, without a query [input-value]"#,
        #"in.json:1:48: error: k3s_mirrors[2]: "//a" is not an http or https URL (at $.k3s_mirrors[2]); write https://, the host, and the path where there is one, without a query [input-value]"#,
      ]
    ),
    (
      #"{"secret_ocids": {"k3s_token": "hunter2", "git_pat": "ocid1.vault.oc1.iad.x.y", "a b": "ocid1.vaultsecret.oc1.iad.x", "c": 7, "d": "ocid1.vaultsecret.oc1.iad.x?stage=OLD"}}"#,
      [
        "in.json:1:32: error: secret_ocids.k3s_token is not an OCID (at $.secret_ocids.k3s_token); it has the form ocid1.vaultsecret.oc1.<region>.<unique id> [input-value]",
        #"in.json:1:54: error: secret_ocids.git_pat is the OCID of a resource of type "vault", not of a secret in an OCI vault (at $.secret_ocids.git_pat); give one that begins with ocid1.vaultsecret. [input-value]"#,
        #"in.json:1:81: error: secret_ocids: "a b" is not the name of an output (at $.secret_ocids["a b"]) [input-value]"#,
        "in.json:1:124: error: secret_ocids.c is a number; expected a string (at $.secret_ocids.c); write it in quotes, or use tostring() in Terraform [input-type]",
        "in.json:1:132: error: secret_ocids.d has a query that names no version (at $.secret_ocids.d); write ?stage=PREVIOUS, ?versionNumber=3 or ?secretVersionName=name, or nothing for the current one [input-value]",
      ]
    ),
    (
      #"{"ssh_authorized_keys": ["ssh-ed25519", "ssh-ed25519 AAAAB3NzaC1yc2EAAAA x", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 x\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3"]}"#,
      [
        #"in.json:1:26: error: ssh_authorized_keys[0]: "ssh-ed25519" is not an SSH public key (at $.ssh_authorized_keys[0]); give one line such as "ssh-ed25519 AAAA… name" [input-value]"#,
        #"in.json:1:41: error: ssh_authorized_keys[1]: "ssh-ed25519 AAAAB3NzaC1yc2EAAAA x" is not an SSH public key (at $.ssh_authorized_keys[1]); give one line such as "ssh-ed25519 AAAA… name" [input-value]"#,
        "in.json:1:78: error: ssh_authorized_keys[2] holds a line break; a public key is one line (at $.ssh_authorized_keys[2]); use trimspace(), and one item of the list a key [input-value]",
        "in.json:1:118: error: ssh_authorized_keys[3] is a private key, which must never be in user-data (at $.ssh_authorized_keys[3]); give the public key (.pub) [input-value]",
      ]
    ),
  ]

  @Test(
    "label keys that are not the user's to give are refused",
    arguments: [
      "kubernetes.io/x", "k8s.io/x", "node-role.kubernetes.io/worker", "node-restriction.kubernetes.io/x",
      "a.k8s.io/role", "beta.kubernetes.io/x",
    ])
  func kubeletLabels(key: String) throws {
    #expect(
      try Reading(#"{"node_labels": {"\#(key)": "1"}}"#).report.diagnostics.map(\.message) == [
        "node_labels: \"\(key)\" is a label that the kubelet refuses to give its own Node"
      ])
  }

  @Test(
    "manifests that cannot be applied, or that hold a Secret, are refused",
    arguments: [
      ("", "is not a Kubernetes manifest: each document needs apiVersion and kind"),
      ("# nothing\n---\n", "is not a Kubernetes manifest: each document needs apiVersion and kind"),
      ("kind: Namespace\n", "is not a Kubernetes manifest: each document needs apiVersion and kind"),
      ("- x\n", "is not a Kubernetes manifest: each document needs apiVersion and kind"),
      (
        "apiVersion: v1\nkind: Namespace\n---\napiVersion: v1\n",
        "is not a Kubernetes manifest: each document needs apiVersion and kind"
      ),
      (
        "apiVersion: v1\nkind: a: b\n",
        "is not a Kubernetes manifest at its line 2: not YAML: mapping values are not allowed in this context"
      ),
      (
        "apiVersion: v1\nkind: A\nkind: B\n",
        "is not a Kubernetes manifest at its line 3: the key is given twice; it stands first at line 2, column 1"
      ),
      (
        "apiVersion: v1\nkind: Secret\nstringData: {a: hunter2}\n",
        "holds a Secret, which K3s would keep on disk and put back at every start"
      ),
      (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Secret}\n",
        "holds a Secret, which K3s would keep on disk and put back at every start"
      ),
      (
        "apiVersion: v1\nkind: SecretList\nitems:\n- {apiVersion: v1, kind: Secret}\n",
        "holds a Secret, which K3s would keep on disk and put back at every start"
      ),
      (
        "apiVersion: v1\nkind: SecretList\nitems:\n- {metadata: {name: a}, stringData: {a: hunter2}}\n",
        "is not a Kubernetes manifest: each document needs apiVersion and kind"
      ),
      (
        "apiVersion: v1\nkind: List\nitems:\n- x\n",
        "is not a Kubernetes manifest: each document needs apiVersion and kind"
      ),
    ])
  func manifests(text: String, message: String) throws {
    let report = try Reading(#"{"extra_manifests": {"a": \#(JSON.quote(text))}}"#).report
    #expect(report.diagnostics.map(\.message) == ["extra_manifests.a \(message)"])
    #expect(report.diagnostics.first?.location?.path == "$.extra_manifests.a")
  }

  @Test("one document with ten errors gives ten findings")
  func allAtOnce() throws {
    let lines = Reading.lines(
      """
      {"cluster_name": "K3s", "platform": "ocl", "nodes": {"a": {"role": "boss", "private_ip": "x"}},
       "tls_sans": ["a b", "c d"], "k3s_version": "latest", "k3s_token": "", "git_path": "/x", "disable": 1}
      """)
    #expect(lines.count == 10)
    #expect(lines.allSatisfy { $0.contains(": error: ") })
  }

  @Test("long values are cut where they are shown")
  func long() throws {
    let text = String(repeating: "x", count: 256)
    #expect(
      try Reading(#"{"git_revision": "\#(text)"}"#).report.diagnostics.map(\.message) == [
        "git_revision: \"\(text.prefix(77))...\" is not a branch, tag or commit of git"
      ])
  }
}

extension String {
  /// A message's template with the text as it is shown.
  fileprivate func with(_ shown: String) -> String { replacingOccurrences(of: "%", with: "\"\(shown)\"") }
}
