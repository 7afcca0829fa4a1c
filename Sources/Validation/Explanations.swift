public import Diagnostics

/// What the codes of findings about inputs, plans, templates and YAML mean: those that no table of rules makes.
public enum Explanations {
  /// All of them, in the order in which the work is done.
  public static let all: [Report.Rule] =
    (host + files + yaml + inputs + plan + gitOps + cluster + templates + images + verification).map {
      Report.Rule($0.code, what: $0.what, why: $0.why, fix: $0.fix)
    }

  private typealias Explanation = (code: String, what: String, why: String, fix: String)

  private static let host: [Explanation] = [
    (
      "bug", "an error that nobody expected",
      "what was asked for may be done in part", "report it, with the command and the finding"
    ),
    (
      "tool-missing", "a program that is needed and not on this machine",
      "the work is that program's", "install it by the package that is named"
    ),
    (
      "tool-failed", "a program of this machine that cannot be run",
      "the work is that program's", "look at the file that `PATH` leads to, and at the machine's limits"
    ),
    (
      "terminal-output", "compressed user-data on its way to a terminal",
      "a terminal takes bytes that are no text for commands", "write it to a file with `-o`"
    ),
    (
      "kubectl-failed", "a `kubectl` that did not do what it was asked for",
      "nothing is known of the cluster, or nothing was changed in it",
      "read its own words, and try the same command by hand"
    ),
    (
      "no-space", "a file for a program's output that cannot be made",
      "the program is not run without",
      "make room in the folder for temporary files, or name another one in `TMPDIR`"
    ),
    (
      "no-cache", "no folder for images and snapshots",
      "there is nowhere to look for them", "set `K3SEED_CACHE`, or `HOME`"
    ),
    (
      "cache", "a folder for images and snapshots that cannot be used",
      "no image can be kept there",
      "correct its permissions, make room, or name another one in `K3SEED_CACHE`"
    ),
  ]

  private static let files: [Explanation] = [
    (
      "memory-lock", "secrets that could not be locked in memory",
      "the system may write them to its swap space, where they stay",
      "allow more locked memory, with `ulimit -l`"
    ),
    (
      "link-outside", "a link in a folder that leads out of it",
      "the folder may be from a repository, and the link would have other files of yours read",
      "put the file itself there, or take the link out"
    ),
    (
      "link-circle", "a link to a folder that it is in", "reading the folder would never end",
      "take the link out"
    ),
    (
      "not-a-name", "an Application with a name that Kubernetes does not allow",
      "no API server gives it: something else answers", "find out what answers in place of the cluster"
    ),
    (
      "file-place",
      "a place where writing could be turned against you: a link, or what another user can replace",
      "what is written would be somewhere else, or be read by somebody else",
      "write to a folder of your own, by a path without links"
    ),
    (
      "file", "a file that cannot be read or written", "the work needs it, or would be lost",
      "correct its name or its permissions"
    ),
    (
      "file-size", "a file that is larger than any input of k3seed", "it is the wrong one, or has no end",
      "look at what is given"
    ),
    (
      "no-input", "nothing on standard input", "there is nothing to render from",
      "pipe `terraform output -json` in, or name a file with `--input`"
    ),
    (
      "unknown-encoding", "a word that is no encoding", "nothing says how to hand over",
      "use one that is named"
    ),
    (
      "unknown-code", "a code that no finding has", "there is nothing to explain",
      "copy it from the end of the finding"
    ),
    (
      "tool-timeout", "a program of this machine that was not done in its time",
      "what it would have found is not in the report",
      "give it more with `--timeout`, or do without with `--no-tools`"
    ),
    (
      "vault-values", "values for `verify --vault` that are no object of texts",
      "no secret can be compared with them", "write `{\"cloudflare_api_token\": \"…\"}`"
    ),
    (
      "cluster-network", "addresses of nodes that make no network for `verify --cluster`",
      "the machines could not reach each other", "give every node a `private_ip` of one network"
    ),
  ]

  private static let yaml: [Explanation] = [
    (
      "yaml-syntax", "a text that is no YAML", "no reader gets anything out of it",
      "mend it where the finding points; the cause may stand a line above"
    ),
    (
      "yaml-ambiguous", "a value that readers of YAML 1.1 and 1.2 take for different things",
      "`yes`, `0777` or `1e3` become a boolean or another number on the node", "put it in quotes"
    ),
    (
      "duplicate-key", "a key that a mapping has twice", "cloud-init silently takes the last one",
      "keep one of them"
    ),
    ("yaml-documents", "a second document in one file", "only one is read", "take one of them out"),
    (
      "yaml-empty", "a text without a document", "there is nothing to read",
      "write one, or leave the file out"
    ),
    (
      "yaml-alias", "an alias whose anchor is not there", "there is nothing to copy",
      "correct the name, or put text that begins with * in quotes"
    ),
    (
      "yaml-key", "a key that is no plain text", "no reader of cloud-init's kind takes it",
      "write a text as the key"
    ),
    (
      "yaml-tag", "a value that is not what its tag says", "readers refuse it, or change it",
      "correct the value or take the tag out"
    ),
    (
      "yaml-depth", "more than 100 levels of nesting", "no configuration is so deep",
      "look for what nests itself"
    ),
    (
      "yaml-size", "more than 100,000 values, or aliases that add more than 1 MiB of text",
      "aliases may make a small text endless", "take aliases out"
    ),
    (
      "json-syntax", "a text that is no JSON", "Terraform's outputs are JSON", "give `terraform output -json`"
    ),
  ]

  private static let inputs: [Explanation] = [
    (
      "input-shape", "a document that is none of Terraform's outputs",
      "its values cannot be told from what describes them", "give `terraform output -json`"
    ),
    (
      "input-type", "an input of another kind than it must be", "it cannot be used",
      "give the kind that is named"
    ),
    ("input-value", "an input whose value breaks its rule", "it would fail on the node", "correct the value"),
    (
      "unknown-input", "a name that is no input", "what it says is not heard",
      "correct the name; `k3seed schema` lists them"
    ),
    (
      "missing-key", "a mapping without a key that it needs", "it cannot be used without", "write the key"
    ),
    ("missing-input", "an input that is needed and not given", "the node cannot be made without", "give it"),
    (
      "missing-output", "an output that `output_names` names and Terraform does not have",
      "the input has no value", "correct `output_names`"
    ),
    (
      "not-sensitive", "a secret in an output that is not marked sensitive", "Terraform prints it",
      "add `sensitive = true`"
    ),
    (
      "reference-alone", "an OCID of OCI Vault where the value itself is needed",
      "the value is needed when rendering, before any node runs", "output the value as well: it is no secret"
    ),
    (
      "reference-wins", "a secret that is given as a value and as a reference",
      "the value lies in Terraform's outputs for nothing", "drop the output that holds the value"
    ),
    (
      "secret-in-argument", "a secret on the command line",
      "every user of the machine can read a program's arguments",
      "give it with `--secrets`, or as a Terraform output"
    ),
    (
      "secret-in-config", "a secret in `k3seed.yaml`", "the file is meant to be committed",
      "give it with `--secrets`, or as a Terraform output"
    ),
    (
      "secrets-file", "a file of secrets that holds something else",
      "it is read for secret inputs by name, and for nothing else",
      "write `name: value`, decrypted, with names of secret inputs only"
    ),
    (
      "secrets-mode", "a file of secrets that other users can read", "so can they the secrets",
      "take their rights away, with `chmod 600`"
    ),
    (
      "no-known-output", "outputs of which none has the name of an input",
      "the project calls them otherwise, and k3seed gets nothing from them",
      "let `k3seed init` write a `k3seed.yaml` with `output_names`"
    ),
    (
      "payload-shape", "a value of `payloads` that says nothing to render",
      "each name of the result stands for one node or role", "give `{node = NAME}` or `{role = ROLE}`"
    ),
    (
      "old-version", "a k3seed that is older than the query needs",
      "it would not know what it is asked for", "install a newer one where Terraform runs"
    ),
    ("set-syntax", "an argument of `--set` without `=`", "there is no value", "write `--set name=value`"),
    ("config-shape", "a `k3seed.yaml` that is no mapping", "it gives no inputs", "write `name: value`"),
    ("config-tag", "a tag in `k3seed.yaml`", "tags belong to templates", "write the value itself"),
  ]

  private static let plan: [Explanation] = [
    (
      "cluster", "a cluster that cannot be planned", "nodes cannot be chosen from it",
      "read the other findings"
    ),
    (
      "etcd-quorum", "two servers", "etcd needs more than half of its members, so either one lost stops both",
      "use one server or three"
    ),
    (
      "all-tainted", "no node without a taint that keeps pods away",
      "Argo CD's pods, and K3s' job that installs it, tolerate none, so the bootstrap waits for them in vain",
      "leave a node without one, or add one"
    ),
    (
      "missing-hash", "a K3s version whose files have no known SHA-256",
      "nothing says that what is downloaded is what was meant",
      "lock it with `k3seed lock --k3s VERSION`, or give `k3s_sha256`"
    ),
    (
      "airgap-differs", "an archive of K3s' images that is not the one in `k3seed.lock`",
      "the node refuses whichever archive has another hash than `k3s_airgap_sha256`",
      "take the hash from the lock, unless the archive is one of your own"
    ),
    (
      "lock-form", "a file that is no `k3seed.lock`", "it says no versions", "write one with `k3seed lock`"
    ),
    (
      "lock-altered", "a line of `k3seed.lock` that k3seed did not write",
      "a hand or a merge put it there, and nobody resolved it", "run `k3seed lock`, and review what it writes"
    ),
    (
      "lock-unresolved", "a version, or the digest of a file, that `k3seed lock` could not find out",
      "a lock is written whole or not at all", "do what the finding says, and run it again"
    ),
    (
      "lock-changed", "a file that its publisher has exchanged without another version",
      "what is installed would be another thing than was reviewed",
      "ask the publisher why; `k3seed lock --force` takes the new one"
    ),
    (
      "lock-clear-text", "an address without encryption that `k3seed lock` asks",
      "whoever is on the way to it can say what a file must be", "use https, or compare with the publisher"
    ),
    (
      "lock-option", "an option of `k3seed lock` that says nothing it can look for",
      "nothing is asked before all options hold", "correct it"
    ),
    (
      "lock-conflict", "a merge of `k3seed.lock` that was not finished", "it says two things at once",
      "keep one side, and run `k3seed lock`"
    ),
    (
      "token-rotation", "a join token of a cluster that lives",
      "K3s' datastore is encrypted with the servers' token, and each server admits agents by the agents' token",
      "change it in K3s, as the message says"
    ),
    (
      "first-server", "no server is named as the first",
      "by the alphabet, a server that is added later would become the first one and found a second cluster",
      "give `first_server`"
    ),
    (
      "no-peer", "an existing cluster without a server to join",
      "with `cluster_state = existing` a first server never founds, and nothing says where it could join",
      "give the other servers' `private_ip`, or `server_url`"
    ),
    ("same-address", "two nodes with one address", "one of them is not reached", "give each its own"),
    (
      "network-overlap", "pods, services or nodes with addresses in common",
      "a packet for one of them goes to another: nodes or Services are not reached",
      "give `cluster_cidr`, `service_cidr` and `node_cidrs` networks that do not overlap"
    ),
    (
      "network-family", "networks or addresses of IPv4 where others have IPv6",
      "K3s does not start: pods, services and nodes have the same families",
      "give each network, and `private_ip`, the same families"
    ),
    (
      "outside-node-cidrs", "a `private_ip` that is in none of `node_cidrs`",
      "the other nodes' packet filters turn the node away", "add its network to `node_cidrs`"
    ),
    (
      "server-address", "a `server_private_ip` that no server has", "other nodes join in vain",
      "give a server's `private_ip`, or the load balancer as `server_url` or `load_balancer_ip`"
    ),
    (
      "no-server", "nodes without a server and without `server_url`", "there is no cluster to join",
      "add a server, or give `server_url`"
    ),
    (
      "git-credentials",
      "credentials that do not go with the repository's URL, or none where some are needed",
      "Argo CD cannot fetch the repository", "give a token for https, a key for ssh"
    ),
    ("git-clear-text", "a token for an http URL", "it travels unencrypted", "use https"),
    (
      "git-suffix", "a URL of GitLab without `.git`", "Argo CD does not follow GitLab's redirect",
      "add `.git`"
    ),
    ("hash-wins", "a password and its hash", "only one of them counts: the hash", "give one of them"),
    (
      "no-bcrypt", "a password that cannot be hashed here", "the system's libcrypt knows no bcrypt",
      "give `argocd_admin_password_hash`"
    ),
    (
      "password-salt", "a password in the clear in a project without a strong `k3s_token`",
      "the salt of its hash stands in user-data for all to read, and what it is derived from must not be guessed",
      "give `argocd_admin_password_hash`, or a `k3s_token` from `k3seed token`"
    ),
    (
      "weak-token", "a join token that can be guessed", "whoever has it can join nodes and read all Secrets",
      "use a token from `k3seed token`"
    ),
    (
      "vault-platform", "a secret in OCI Vault for a node elsewhere",
      "the vault is read as the OCI instance that the node is", "give its value, or use the platform oci"
    ),
    ("node-role", "a node and a role that are not one", "they choose different nodes", "give one of them"),
    ("unknown-node", "a name that no node has", "there is nothing to render", "correct the name"),
    ("unknown-role", "a word that is no role", "there is nothing to render", "use server, agent or ingress"),
    (
      "which-node", "several nodes, and none chosen", "one is rendered at a time",
      "choose with `--node`, or `--all`"
    ),
    (
      "token-form", "a join token of the long form for a first server",
      "its hash is of a cluster that is there already", "give the part after the last `::server:`"
    ),
    (
      "literal-secrets", "secrets whose values travel in user-data",
      "every process on the node can read user-data from the platform's metadata service",
      "keep them in OCI Vault and give `secret_ocids`"
    ),
  ]

  private static let gitOps: [Explanation] = [
    (
      "ingress-nodes", "labels for the Gateway's nodes that no node has", "the Gateway would run nowhere",
      "correct `ingress_node_selector`, or give a node the labels"
    ),
    (
      "edited", "a file of the GitOps tree that was changed by hand", "the change would be lost",
      "keep the file with `--keep`, overwrite it with `--force`, or make the change in the inputs"
    ),
    ("same-host", "one name for two sites", "a name leads to one place only", "give each its own"),
    (
      "http01-gateway", "the challenge http01 without the Gateway",
      "nothing answers Let's Encrypt, so there is no certificate", "use dns01, or keep the Gateway"
    ),
    (
      "outside-domain", "a host outside `domain_name`", "external-dns makes no record for it",
      "give a name below `domain_name`"
    ),
    (
      "registry-vault", "a private registry without a vault",
      "only OCI Vault brings its credentials into the cluster", "give `vault_ocid`"
    ),
    (
      "no-vault", "secrets in OCI Vault without `vault_ocid`", "External Secrets is left out",
      "give `vault_ocid`"
    ),
    (
      "registry-password", "a registry's password as a value",
      "the GitOps tree is public, and cannot hold it",
      "give its OCID in `secret_ocids`"
    ),
    (
      "vault-version", "a secret that is bound to one version",
      "External Secrets knows versions by their stage only", "use `?stage=PREVIOUS` or no version"
    ),
  ]

  private static let cluster: [Explanation] = [
    (
      "not-a-list", "an answer of kubectl that is no list of Applications",
      "nothing can be said of the cluster", "look at what `kubectl get applications -A -o json` gives"
    ),
    (
      "unknown-application", "an Application that the cluster does not have", "there is nothing to refresh",
      "correct its name; `k3seed gitops status` lists them"
    ),
    (
      "unknown-phase", "a phase that no Application has", "there is nothing to refresh",
      "use one that `k3seed gitops status` shows"
    ),
    (
      "no-operation", "an Application whose operation is to be ended and that has none",
      "there is nothing to end", "leave out `--terminate`"
    ),
    (
      "operation-in-progress", "an Application that is being synced already",
      "Argo CD does one operation at a time, and drops the other", "wait for its end, or terminate it"
    ),
    (
      "unknown-secret", "a Secret that the first server does not seed", "nothing is there to rotate",
      "use one that is named"
    ),
    (
      "secret-option", "a `--secret` that is not namespace/name:key", "it names no key of a Secret",
      "write it as `cert-manager/my-token:api-token`"
    ),
    (
      "no-applications", "a folder without an Application", "Argo CD would follow it and find nothing",
      "name the folder that `argocd-root` follows"
    ),
    (
      "tree-record", "a record of rendered files that k3seed did not write",
      "files that were changed by hand cannot be told from the others", "restore it from git"
    ),
  ]

  private static let images: [Explanation] = [
    (
      "unknown-image", "a name that no image has",
      "there is nothing to boot",
      "correct the name; `k3seed image list` has them all; a path has a slash in it"
    ),
    (
      "image-missing", "an image that is not on this machine",
      "there is nothing to boot", "get it with `k3seed image pull` or `build`, or correct the path"
    ),
    (
      "image-kind", "a file that is no disk to boot",
      "QEMU would find nothing to start on it", "give a cloud image as qcow2 or raw, unpacked"
    ),
    (
      "image-refers", "a disk that refers to another file: a backing file, or an external data file",
      "QEMU would open that file of this host, and the guest could read it",
      "get the image from its publisher; `qemu-img convert -O qcow2` makes one's own whole"
    ),
    (
      "image-unreadable", "an image that cannot be read",
      "there is nothing to boot", "correct its permissions"
    ),
    (
      "image-damaged", "an image in the cache that is not as it was put there",
      "what is booted would be another thing than was checked", "run `k3seed image remove`, and get it again"
    ),
    (
      "image-checksum",
      "a download whose digest is not its publisher's, or that the publisher's list does not have",
      "it is damaged, of another release, or was exchanged",
      "run `k3seed image pull` again; if it stays, ask the publisher"
    ),
    (
      "image-download", "an image that cannot be downloaded",
      "there is nothing to boot",
      "look at the network, and run the command again: it goes on where it stopped"
    ),
    (
      "image-pull", "an address that no image can be downloaded from",
      "it is no folder on a web server", "begin `--from` with `https://`"
    ),
    (
      "image-build", "an image that cannot be built here",
      "its packages cannot be had, or not be run", "read why, or get the publisher's with `k3seed image pull`"
    ),
  ]

  private static let verification: [Explanation] = [
    (
      "host", "a machine that cannot be prepared",
      "nothing was booted", "read why: mostly it is the folder for temporary files, which `TMPDIR` names"
    ),
    (
      "qemu-missing", "no QEMU for the guest's architecture",
      "nothing can be booted without", "install it by the package that is named"
    ),
    (
      "qemu-failed", "a QEMU that ended by itself",
      "what it was to show is not known",
      "read QEMU's own words in the evidence; `--memory` and `--accel` are what it fails at most"
    ),
    (
      "accelerator-unusable", "a guest that does not run with an accelerator that opens",
      "nothing can be said with it", "use `--accel tcg`"
    ),
    (
      "no-kernel", "a guest whose kernel says nothing in its time",
      "nothing is known of what follows", "see that the image boots, and has a serial console"
    ),
    (
      "machine-stopped", "a machine that QEMU stopped because of an error of its own",
      "nothing more comes of it", "read QEMU's own words in the evidence, or use `--accel tcg`"
    ),
    (
      "host-disk-full", "no room on this machine for what the guest writes",
      "the guest's disk breaks",
      "make room in the folder for temporary files, or name another one in `TMPDIR`"
    ),
    (
      "overlay", "a disk for the machine that cannot be made",
      "it has nothing to write to", "make room in the folder of `--keep`, or give another one"
    ),
    (
      "snapshot", "a machine's state that could not be saved",
      "there is nothing for a warm start to go on from",
      "make room below `K3SEED_CACHE`, or do without `--warm`"
    ),
    (
      "image-unbootable", "an image that nothing can be booted from",
      "no user-data is read by it", "use another image, with a boot loader or with its kernel beside it"
    ),
    (
      "seed-not-asked", "a guest that never asked for its user-data",
      "nothing is known of the user-data",
      "use an image with cloud-init, whose datasource NoCloud is not disabled"
    ),
    (
      "vendor-data-disabled", "user-data that disables vendor-data",
      "the probe travels in vendor-data, so nothing can be said",
      "leave `vendor_data: {enabled: false}` out while verifying"
    ),
    (
      "probe-missing", "a guest that came up without a word of the probe",
      "nothing can be said of it", "look on the console for what became of cloud-init's boothook"
    ),
    (
      "probe-blind", "a probe that cannot tell the payload's secrets from other text",
      "it might say one, so it says nothing", "boot what k3seed rendered, unchanged"
    ),
    (
      "stage-hung", "a stage in which nothing at all has happened for long",
      "the node would wait for ever, too",
      "give the command that is named a time limit of its own; `--patience` waits longer"
    ),
    (
      "stage-slow", "a stage that is at work, and not done in its time",
      "a node that is never ready is no node", "look at what it does; `--timeout` is for the whole"
    ),
    (
      "probe-flooded", "more on the probe's channel than any probe says",
      "something in the guest writes there, so that what it says means nothing",
      "look for what writes to the virtio-serial port in the user-data"
    ),
    (
      "timeout", "a verification that took longer than `--timeout`",
      "what had not come by then is not known", "give it more, or look at what it was doing"
    ),
    (
      "reboot-loop", "a guest that restarts itself again and again",
      "it never comes to the end",
      "look for `power_state` and `reboot` in the user-data, and at the console before each restart"
    ),
    (
      "guest-panic", "a guest whose kernel panicked",
      "it does nothing more", "read the lines before the panic on the console"
    ),
    (
      "guest-emergency", "a guest in systemd's emergency mode",
      "nothing after it runs", "look for the failed mount or unit on the console"
    ),
    (
      "guest-out-of-memory", "a guest whose kernel killed a process for want of memory",
      "what it killed is missing, and the node may be too small", "give `--memory` what the node will have"
    ),
    (
      "guest-powered-off", "a guest that powered itself off before everything was checked",
      "the node would be gone", "look for `poweroff`, `shutdown` and `power_state` in the user-data"
    ),
    (
      "power-not-cut", "a power cut whose stage was never seen",
      "what was to be proven is not", "look on the console for how far the bootstrap came"
    ),
    (
      "server-failed", "a server that did not come up, and that this node was to join",
      "nothing can be said of a node without its cluster", "look at the server's own report"
    ),
    (
      "interrupted", "a verification that its user ended",
      "what had not come by then is not known", "run it again"
    ),
  ]

  private static let templates: [Explanation] = [
    ("template-tag", "a tag that k3seed does not have", "nothing says what it stands for", "correct the tag"),
    ("template-path", "a path that leads to no value", "there is nothing to put there", "correct the path"),
    (
      "template-type", "a value of another kind than the tag takes", "it cannot take that place",
      "use another tag or path"
    ),
    (
      "template-format", "a `${` without its end", "it is not clear which value is meant",
      "write `$${` for a literal `${`"
    ),
    (
      "template-env", "a variable that a shell would not take", "the file could not be read",
      "correct its name or value"
    ),
    (
      "template-file", "a file that is not among the templates, or is no text",
      "there is nothing to put there", "correct the name"
    ),
    ("template-cycle", "a template that includes itself", "it has no end", "take one of the includes out"),
    (
      "template-empty", "a template that expands to nothing", "there is no user-data",
      "look at its outermost `!when`"
    ),
    (
      "template-secret", "a secret taken with `!value`", "it would be shown where it must not be",
      "take it with `!secret`"
    ),
  ]
}
