import Diagnostics
import Plan

extension Defect {
  private static let head = "#cloud-config\n"

  /// A cloud-config that has a defect, and one without.
  private static func config(
    _ code: String, _ severity: Diagnostic.Severity = .error, at line: Int, _ column: Int,
    _ faulty: String, _ clean: String, says words: String = ""
  ) -> Defect {
    Defect(code, severity, at: line, column, faulty: head + faulty, clean: head + clean, says: words)
  }

  private static func manifest(
    _ text: String, path: String = "/var/lib/rancher/k3s/server/manifests/a.yaml"
  ) -> String {
    let lines = text.split(separator: "\n").map { "    \($0)\n" }.joined()
    return "write_files:\n- path: \(path)\n  permissions: '0600'\n  content: |\n\(lines)"
  }

  static let all: [Defect] =
    structure + schema + placeholders + commands + secrets + delivery + kubernetes

  private static let structure = [
    Defect(
      "user-data-type", at: 1, 1, faulty: "# cloud-config\nhostname: a\n",
      clean: "#cloud-config\nhostname: a\n"),
    Defect("user-data-type", at: 1, 1, faulty: "hostname: a\n", clean: "#!/bin/sh\necho a\n"),
    Defect(
      "user-data-type", at: 1, 1, faulty: "\u{FEFF}#cloud-config\nhostname: a\n",
      clean: " \n#Cloud-Config\nhostname: a\n", says: "byte order mark"),
    Defect(
      "user-data-type", at: 1, 1, faulty: "# ours\n#cloud-config\nhostname: a\n",
      clean: "\n\n#cloud-config\nhostname: a\n", says: "before #cloud-config in line 2"),
    Defect(
      "user-data-type", at: 2, 2, faulty: "\n #!/bin/sh\nid\n", clean: "#!/bin/sh\n\nid\n",
      says: "not at the very beginning"),
    Defect(
      "user-data-mime", .warning, at: 6, 1,
      faulty: "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n--b\n#!/bin/sh\nid\n--b\n",
      clean: "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n--b\n#!/bin/sh\nid\n--b--\n",
      says: "reads its last part as far as it goes"),
    config("cloud-config-shape", at: 2, 1, "- a\n", "hostname: a\n"),
    config("unknown-key", at: 3, 1, "hostname: a\nruncmds: [a]\n", "hostname: a\nruncmd: [a]\n"),
    config("unknown-key", .warning, at: 2, 1, "our_own_settings: 1\n", "hostname: a\n"),
    config(
      "duplicate-key", at: 4, 1, "runcmd: [a]\nhostname: a\nruncmd: [b]\n", "runcmd: [a]\nhostname: a\n"),
    config("tab-indentation", at: 3, 1, "users:\n\t- name: a\n", "users:\n  - name: a\n"),
    Defect(
      "tab-indentation", at: 2, 17, faulty: "#cloud-config\npackages: [curl]\t\nhostname: a\n",
      clean: "#cloud-config\npackages: [curl] #\t\nhostname: \"a\tb\"\n", says: "none at the end of a line"),
    Defect(
      "yaml-syntax", at: 4, 1,
      faulty: "#cloud-config\nruncmd:\n- id\n{{if .IsServer}}\n- [sh, -c, a]\n{{end}}\n",
      clean: "#cloud-config\nruncmd:\n- set -e\n- id {{if .IsServer}}\n",
      says: "a template that nothing has rendered"
    ),
    Defect(
      "yaml-syntax", at: 3, 1, faulty: "#cloud-config\nhostname: a\n${keys}\n\npackages: [a]\n",
      clean: "#cloud-config\nhostname: a\npackages: [a]\n", says: "render the template"),
    Defect(
      "yaml-key", at: 2, 11, faulty: "#cloud-config\nhostname: {{ name }}\n",
      clean: "#cloud-config\nhostname: a\n",
      says: "a template that nothing has rendered"),
    Defect(
      "yaml-syntax", at: 5, 1, faulty: "#cloud-config\nruncmd:\n  - a\nb\n: c\n",
      clean: "#cloud-config\nruncmd:\n  - a\n", says: "write it as a key with a value"),
    config("yaml-syntax", at: 3, 1, "users:\n\t- name: a\n", "users:\n  - name: a\n"),
    config(
      "control-character", at: 3, 12, "hostname: a\ntimezone: U\u{7}TC\n", "hostname: a\ntimezone: UTC\n"),
    config("control-character", at: 2, 12, "hostname: a\u{90}\n", "hostname: a\n"),
  ]

  private static let schema = [
    config("key-type", at: 2, 9, "runcmd: apt-get update\n", "runcmd: [apt-get update]\n"),
    config("key-type", at: 3, 3, "runcmd:\n- {a: b}\n", "runcmd:\n- a\n"),
    config("module-key", at: 2, 12, "ca_certs: {trust: [a]}\n", "ca_certs: {trusted: [a]}\n"),
    config(
      "module-key", at: 5, 3, "users:\n- default\n- name: a\n  home: /srv/a\n",
      "users:\n- default\n- name: a\n  homedir: /srv/a\n",
      says: "did you mean \"homedir\"?"),
    config(
      "module-key", at: 2, 19, "users: [{name: a, ssh_pwauth: true}]\n",
      "users: [{name: a}]\nssh_pwauth: true\n",
      says: "at the top level"),
    config(
      "unknown-key", .warning, at: 2, 1, "network: {version: 2}\n", "hostname: a\n", says: "network-config"),
    config("key-type", at: 2, 17, "package_update: 1\n", "package_update: true\n"),
    config("write-files", at: 3, 9, "write_files:\n- path: a/b\n", "write_files:\n- path: /a/b\n"),
    config(
      "write-files", at: 4, 3, "write_files:\n- path: /a\n  mode: '0600'\n", "write_files:\n- path: /a\n"),
    config(
      "write-files", at: 4, 16, "write_files:\n- path: /a\n  permissions: 644\n",
      "write_files:\n- path: /a\n  permissions: '0644'\n"),
    config(
      "write-files", at: 4, 13, "write_files:\n- path: /a\n  encoding: base46\n  content: YQ==\n",
      "write_files:\n- path: /a\n  encoding: base64\n  content: YQ==\n"),
    config(
      "write-files", at: 4, 16, "write_files:\n- path: /a\n  permissions: 0o648\n",
      "write_files:\n- path: /a\n  permissions: 0o640\n- {path: /b, permissions: 0o0755}\n"),
    config(
      "write-files", at: 5, 12, "x: &x\n  permissions: '0600'\nwrite_files:\n- {<<: *x, mode: 1, path: /a}\n",
      "ntp: &x {}\nwrite_files:\n- {path: /a, <<: *x}\n- {path: /b, <<: [{owner: root}, *x]}\n"),
    config(
      "write-files", at: 4, 10,
      "write_files:\n- path: /a\n  owner: web:web\nusers:\n- default\n- name: web\n",
      "write_files:\n- {path: /a, owner: 'web:web', defer: true}\n- {path: /b, owner: 'root:root'}\n- {path: /c, owner: www-data}\nusers:\n- name: web\n- name: root\n",
      says: "the user web after write_files"),
    config(
      "write-files", .warning, at: 4, 10, "write_files:\n- path: /a\n  owner: ubuntu\n",
      "users: [{name: web}]\nwrite_files:\n- path: /a\n  owner: ubuntu\n", says: "give it defer: true"),
    config(
      "write-files", at: 3, 3, "write_files:\n- content: a\n", "write_files:\n- {path: /a, content: a}\n"),
    config(
      "command-form", at: 3, 11, "runcmd:\n- [dmesg, '|', tee, /tmp/a]\n", "runcmd:\n- dmesg | tee /tmp/a\n"),
    config(
      "ssh-key", at: 3, 3, "ssh_authorized_keys:\n- ~/.ssh/id.pub\n",
      "ssh_authorized_keys:\n- ssh-ed25519 AAAA a@b\n"),
    config(
      "ssh-key", at: 5, 5, "users:\n- name: a\n  ssh_authorized_keys:\n  - key-ssh\n",
      "users:\n- default\n- name: a\n  ssh_authorized_keys:\n  - ssh-ed25519 AAAA a@b\n- {name: b}\n"
    ),
    config(
      "ssh-key", at: 2, 40, "users: [{name: a, ssh-authorized-keys: /root/.ssh/id.pub}]\n",
      "users: [{name: a, ssh-authorized-keys: [ssh-rsa AAAA]}]\n"),
  ]

  private static let placeholders = [
    config(
      "placeholder", at: 3, 11, "package_update: true\nhostname: ${node_name}\n",
      "package_update: true\nhostname: node\n"),
    config("placeholder", at: 2, 12, "hostname: \"{{ inventory_hostname }}\"\n", "hostname: \"node\"\n"),
    config("placeholder", at: 2, 11, "timezone: <YOUR_ZONE>\n", "timezone: UTC\n"),
    config("placeholder", at: 2, 11, "hostname: CHANGEME\n", "hostname: node\n"),
    config(
      "placeholder", at: 5, 5,
      "write_files:\n- path: /a\n  content: |\n    %{ if nat }\n    a\n    %{ endif }\n",
      "write_files:\n- path: /a\n  content: |\n    ${a} {{ b }}\n    curl -w '%{http_code}'\n"),
    Defect(
      "jinja-header", at: 5, 24,
      faulty:
        "## template: jinja\n#cloud-config\nhostname: a-{{ v1.region }}\nruncmd:\n- docker ps --format {{.Names}}\n",
      clean:
        "## template: jinja\n#cloud-config\nhostname: a-{{ v1.region }}\nruncmd:\n- docker ps --format {% raw %}{{.Names}}{% endraw %}\n"
    ),
  ]

  private static let commands = [
    config(
      "curl-pipe-shell", at: 3, 3,
      "runcmd:\n- curl -sfL https://get.k3s.io | INSTALL_K3S_EXEC='server --x' sh -\n",
      "runcmd:\n- curl -sfLo /tmp/i https://get.k3s.io || sh -c 'exit 1'\n"),
    config(
      "curl-pipe-shell", at: 3, 13,
      "runcmd:\n- [sh, -c, \"wget -qO- https://a.example.net/x?a=1&b=2 | sudo -E bash -s -- x\"]\n",
      "runcmd:\n- [sh, -c, \"wget -qO- https://a.example.net/x | sha256sum -c a\"]\n"),
    config(
      "curl-pipe-shell", at: 5, 3, "bootcmd:\n- |\n  # first\n  bash <(curl -s https://a.example.net)\n",
      "bootcmd:\n- |\n  # curl a | sh\n  curl -s https://a.example.net | jq .a\n"),
    config(
      "curl-pipe-shell", at: 7, 5,
      "write_files:\n- path: /a\n  content: |\n    #!/bin/sh\n    set -e\n    curl -fsSL https://a.example.net \\\n      | sh\n",
      "write_files:\n- path: /a\n  content: |\n    #!/bin/sh\n    set -e\n    curl -fsSL https://a.example.net \\\n      | sh256\n"
    ),
    Defect(
      "curl-pipe-shell", at: 3, 1, faulty: "#!/bin/bash\nset -e\neval \"$(curl -s https://a.example.net)\"\n",
      clean: "#!/bin/bash\nset -e\na=$(curl -s https://a.example.net)\n"),
    config(
      "runcmd-unchecked", .warning, at: 3, 1, "runcmd:\n- apt-get update\n- apt-get install -y nginx\n",
      "runcmd:\n- set -e\n- apt-get update\n- apt-get install -y nginx\n"),
    config(
      "runcmd-unchecked", .warning, at: 2, 9, "runcmd: [a, [b, c]]\n", "runcmd: ['set -eu', a, [b, c]]\n"),
    config(
      "runcmd-unchecked", .warning, at: 3, 1, "runcmd:\n- |\n  a\n  b\n", "runcmd:\n- |\n  a && \\\n  b\n"),
  ]

  private static let secrets = [
    config(
      "plain-secret", .warning, at: 2, 11, "password: correct-horse\n",
      "password: $6$ab$cdefghijklmnopqrstuvwxyz\n"),
    config(
      "plain-secret", .warning, at: 3, 32, "users:\n- {name: a, plain_text_passwd: 'horse battery'}\n",
      "users:\n- {name: a, hashed_passwd: $6$ab$cdefghijklmnopqrstuvwxyz}\n"),
    config(
      "plain-secret", .warning, at: 6, 17,
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    DB_PASSWORD=horse-battery\n",
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    DB_PASSWORD=$SECRET\n    db_token=$(fetch)\n"
    ),
    config(
      "plain-secret", at: 6, 22,
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUorRFl2aDZTRXFWVG01MERGdE1\n",
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUorRFl2aDZTRXFWVG01MERGdE1\n",
      says: "a private key in base64"),
    Defect(
      "plain-secret", .warning, at: 5, 30,
      faulty:
        "#cloud-config\nwrite_files:\n- path: /a\n  permissions: '0600'\n  content: 'aws_secret_key = changeme'\n",
      clean:
        "#cloud-config\nwrite_files:\n- path: /a\n  permissions: '0600'\n  content: 'aws_secret_key = $SECRET_KEY'\n"
    ),
    Defect(
      "plain-secret", .warning, at: 2, 25,
      faulty:
        "#!/bin/sh\ncurl -H 'Authorization: Bearer oracle-9xK2' http://169.254.169.254/opc/v2/instance/\n",
      clean:
        "#!/bin/sh\ncurl -H 'Authorization: Bearer Oracle' http://169.254.169.254/opc/v2/instance/\n"
    ),
    Defect(
      "plain-secret", .warning, at: 2, 28,
      faulty: "#!/bin/sh\ncurl -H \"X-metadata-token: 21600-abc\" http://169.254.169.254/\n",
      clean:
        "#!/bin/sh\ncurl -X PUT -H \"X-aws-ec2-metadata-token-ttl-seconds: 21600\" http://169.254.169.254/\n"),
    Defect(
      "plain-secret", .warning, at: 2, 19,
      faulty: "#!/bin/sh\ngit clone https://me:horse@git.example.net/a\n",
      clean: "#!/bin/sh\ngit clone https://git.example.net/a\n", says: "the password of a URL"),
    Defect(
      "plain-secret", .warning, at: 6, 18,
      faulty:
        "## template: jinja\n#cloud-config\nchpasswd:\n  users:\n    {% for a in b %}\n    - {password: horse, name: a}\n    {% endfor %}\n",
      clean:
        "## template: jinja\n#cloud-config\nchpasswd:\n  users:\n    {% for a in b %}\n    - {name: a, type: RANDOM}\n    {% endfor %}\n"
    ),
    config(
      "plain-secret", at: 3, 22,
      "runcmd:\n- [login, --with, x, ghp_\(String(repeating: "a1B2c3", count: 7))]\n",
      "runcmd:\n- [login, --with, x, ghp]\n"),
    config(
      "plain-secret", at: 6, 5,
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    -----BEGIN PRIVATE KEY-----\n    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n    -----END PRIVATE KEY-----\n",
      "write_files:\n- path: /a\n  permissions: '0600'\n  content: |\n    -----BEGIN CERTIFICATE-----\n    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n    -----END CERTIFICATE-----\n"
    ),
    config(
      "readable-secret", .warning, at: 3, 9,
      "write_files:\n- path: /etc/app/token\n  content: abcdefgh12345\n",
      "write_files:\n- path: /etc/app/token\n  permissions: '0400'\n  content: abcdefgh12345\n"),
    Defect(
      "readable-secret", .warning, at: 4, 16,
      faulty:
        "#cloud-config\nwrite_files:\n- path: /etc/app.env\n  permissions: '0644'\n  content: |\n    API_TOKEN=abcdefgh12345\n",
      clean:
        "#cloud-config\nwrite_files:\n- path: /etc/app.env\n  permissions: '0644'\n  content: |\n    API_URL=abcdefgh12345\n"
    ),
  ]

  private static let delivery = [
    config(
      "mime-version", at: 6, 7,
      "write_files:\n- path: /a\n  content: |\n    a: Mime-Version: 1\n    gr\u{FC}n\n",
      "write_files:\n- path: /a\n  content: |\n    a: Mime-Version: 1\n    gruen\n"),
    Defect(
      "user-data-part", at: 8, 2, faulty: Ordinary.mime(["#cloud-config\n#\u{FC}\nhostname: a\n"]),
      clean: Ordinary.mime(["#cloud-config\n#ue\nhostname: a\n"])),
    Defect(
      "user-data-part", at: 2, 1, faulty: "#cloud-config-archive\ntype: text/cloud-config\n",
      clean: "#cloud-config-archive\n- type: text/cloud-config\n  content: 'hostname: a'\n"),
    Defect(
      "replaced-key", .warning, at: 14, 1,
      faulty: Ordinary.mime(["#cloud-config\nruncmd: [a]\n", "#cloud-config\nruncmd: [b]\n"]),
      clean: Ordinary.mime([
        "#cloud-config\nruncmd: [a]\n",
        "#cloud-config\nmerge_how: 'list(append)+dict(recurse_list)+str()'\nruncmd: [b]\n",
      ])),
    Defect("over-limit", at: nil, on: .aws, faulty: filled(17_000), clean: filled(10_000)),
    Defect("over-limit", .warning, at: nil, on: .aws, faulty: filled(16_000), clean: filled(10_000)),
    Defect("over-limit", .note, at: nil, faulty: filled(17_000), clean: filled(10_000)),
    Defect(
      "platform-encoding", at: nil, on: .digitalocean, faulty: "I2Nsb3VkLWNvbmZpZwpob3N0bmFtZTogYQo=",
      clean: "#cloud-config\nhostname: a\n"),
  ]

  private static func filled(_ count: Int) -> String {
    head + String(repeating: "# \(String(repeating: "x", count: 97))\n", count: count / 100)
      + "hostname: a\n"
  }

  private static let kubernetes = [
    config(
      "kubernetes-object", at: 6, 5, manifest("apiVersion: v1\nmetadata: {name: a}"),
      manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}")),
    config(
      "kubernetes-object", at: 8, 22, manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: My_App}"),
      manifest("apiVersion: v1\nkind: Namespace\nmetadata: {name: my-app}")),
    config(
      "kubernetes-object", at: 6, 5, manifest("apiVersion: v1\nkind: Namespace"),
      manifest("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:a'}")),
    config(
      "kubernetes-secret", .warning, at: 9, 17,
      manifest("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {color: blue}"),
      manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {color: blue}")),
  ]
}
