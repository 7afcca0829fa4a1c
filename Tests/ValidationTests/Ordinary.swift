import Testing

/// User-data of the kinds that people publish, with nothing wrong in it; each written for this test.
struct Ordinary: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let text: String
  /// The codes of what is said all the same, which are no errors.
  let warnings: [String]

  init(_ name: String, _ text: String, warnings: [String] = []) {
    testDescription = name
    self.text = text
    self.warnings = warnings
  }

  /// A multipart message; its first part starts at line 7.
  static func mime(_ parts: [String]) -> String {
    let header = "Content-Type: multipart/mixed; boundary=\"==b==\"\nMIME-Version: 1.0\n\n"
    let bodies = parts.map { part in
      "--==b==\nContent-Type: text/plain; charset=\"utf-8\"\n\n\(part)\n"
    }
    return header + bodies.joined() + "--==b==--\n"
  }

  static let all: [Ordinary] = [
    Ordinary(
      "users and groups",
      """
      #cloud-config
      groups:
        - admins: [root, sys]
        - cloud-users
      users:
        - default
        - name: deploy
          gecos: Deploy User
          primary_group: deploy
          groups: [admins, sudo]
          sudo: ALL=(ALL) NOPASSWD:ALL
          shell: /bin/bash
          lock_passwd: true
          ssh_import_id: [gh:example]
          ssh_authorized_keys:
            - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv/Qe79iJdNL0cjFnqkDhBn0F2+ deploy@example.org
        - name: app
          system: true
          passwd: $6$rounds=4096$saltsalt$Qv9YdRzC1qD7mE5hB3nN0aVfJkLxWgTsUiPo2Ry4Xw6
      chpasswd:
        expire: false
        users:
          - {name: app, password: $6$saltsalt$Qv9YdRzC1qD7mE5hB3nN0aVfJkLxWgTsUiPo2Ry4Xw6}
          - {name: other, type: RANDOM}
      ssh_pwauth: no
      disable_root: true
      ssh_deletekeys: true

      """),
    Ordinary(
      "packages and apt sources",
      """
      #cloud-config
      package_update: true
      package_upgrade: true
      package_reboot_if_required: false
      apt:
        preserve_sources_list: true
        conf: |
          APT { Get { Assume-Yes "true"; }; };
        sources:
          docker.list:
            source: deb [arch=amd64 signed-by=$KEY_FILE] https://download.docker.com/linux/ubuntu $RELEASE stable
            keyid: 9DC858229FC7DD38854AE2D88D81803C0EBFCD88
          ppa:
            source: "ppa:example/tools"
      packages:
        - docker-ce
        - [nginx, 1.24.0-1]
        - apt: [jq]
        - python3-pip
      """),
    Ordinary(
      "disks, file systems, mounts and swap",
      """
      #cloud-config
      disk_setup:
        /dev/vdb:
          table_type: gpt
          layout: [50, [50, 82]]
          overwrite: true
      fs_setup:
        - label: data
          filesystem: ext4
          device: /dev/vdb1
          extra_opts: ["-m", "0"]
      mounts:
        - [/dev/vdb1, /srv, auto, "defaults,nofail,x-systemd.device-timeout=10s", "0", "2"]
        - [LABEL=data, /data]
      mount_default_fields: [None, None, auto, "defaults,nofail", "0", "2"]
      swap: {filename: /swapfile, size: auto, maxsize: 2G}
      growpart: {mode: auto, devices: ["/"]}
      resize_rootfs: noblock

      """),
    Ordinary(
      "time, names and locale",
      """
      #cloud-config
      hostname: node-1
      fqdn: node-1.example.org
      prefer_fqdn_over_hostname: true
      manage_etc_hosts: localhost
      timezone: Europe/Berlin
      locale: de_DE.UTF-8
      keyboard: {layout: de}
      ntp:
        enabled: true
        ntp_client: chrony
        servers: [ntp.example.org]
        config:
          template: |
            ## template:jinja
            {% for server in servers %}server {{server}} iburst
            {% endfor %}
      final_message: "up after $UPTIME seconds, {{version}}"
      power_state: {mode: reboot, delay: now, condition: test -f /var/run/reboot-required}

      """),
    Ordinary(
      "files with other languages in them",
      """
      #cloud-config
      write_files:
        - path: /etc/nginx/conf.d/site.conf
          content: |
            server {
              server_name ${hostname};
              location / { proxy_set_header Host $host; }
            }
        - path: /etc/systemd/system/app.service
          content: |
            [Service]
            EnvironmentFile=/etc/app.env
            ExecStart=/usr/bin/app --port ${PORT}
        - path: /opt/template.html
          permissions: "0644"
          owner: www-data:www-data
          defer: true
          content: "<h1>{{ .Title }}</h1> <insert><!-- todo --></insert>"
        - path: /etc/motd
          append: true
          content: "Welcome\\tback\\n"
        - encoding: gzip+base64
          path: /usr/bin/hello
          permissions: "0755"
          content: !!binary |
            H4sIAIDb/U8C/1NW1E/KzNMvzuBKTc7IV8hIzcnJVyjPL8pJ4QIA6N+MVxsAAAA=
        - path: /etc/rsyslog.d/50.conf
          content: |
            $template raw,"%msg%\\n"
            if $programname == 'app' then /var/log/app.log;raw
        - path: /etc/kubernetes/kubelet.yaml
          content: |
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            maxPods: 50

      """),
    Ordinary(
      "commands",
      """
      #cloud-config
      bootcmd:
        - [cloud-init-per, once, mymkfs, mkfs, /dev/vdb]
        - echo 192.0.2.10 mirror.example.org >> /etc/hosts
      runcmd:
        - set -eux
        - [systemctl, daemon-reload]
        - curl -fsSL --retry 5 -o /tmp/tool.tar.gz "https://dl.example.org/tool-$(uname -m).tar.gz"
        - echo "0123abcd  /tmp/tool.tar.gz" | sha256sum -c -
        - tar -C /usr/local/bin -xzf /tmp/tool.tar.gz
        - 'curl -s http://169.254.169.254/latest/meta-data/ | grep -q ami || sh -c "exit 0"'
        - |
          for unit in app worker; do
            systemctl enable --now "$unit"
          done

      """),
    Ordinary(
      "commands without failure handling, of which one warning tells",
      """
      #cloud-config
      runcmd:
        - ls -l /root
        - [wget, "http://example.org", -O, /run/index.html]

      """, warnings: ["runcmd-unchecked"]),
    Ordinary(
      "ansible, puppet, snap, lxd, wireguard and the like",
      """
      #cloud-config
      ansible:
        install_method: pip
        pull:
          url: https://git.example.org/infra.git
          playbook_name: site.yml
          vault_password_file: /root/.vault # the name of a file, made up: no secret
      puppet: {install: true, version: "7.7.0", conf: {agent: {server: puppet.example.org, certname: "%i.%f"}}}
      snap: {commands: {00: [snap, install, microk8s]}}
      lxd: {init: {storage_backend: dir}}
      ca_certs:
        remove_defaults: false
        trusted:
          - |
            -----BEGIN CERTIFICATE-----
            MIIDazCCAlOgAwIBAgIUB1
            -----END CERTIFICATE-----
      phone_home: {url: "http://example.org/$INSTANCE_ID/", post: [pub_key_rsa, instance_id], tries: 10}
      random_seed: {file: /dev/urandom, command: [sh, -c, dd if=/dev/urandom of=/dev/null], command_required: true}
      resolv_conf: {nameservers: [192.0.2.53], searchdomains: [example.org], options: {rotate: true}}
      manage_resolv_conf: true
      yum_repos: {epel: {baseurl: "https://mirror.example.org/$releasever/$basearch", enabled: true, gpgcheck: true}}
      rsyslog: {remotes: {main: "192.0.2.1:514"}}
      output: {all: "| tee -a /var/log/cloud-init-output.log"}
      """),
    Ordinary(
      "a MIME message of a cloud-config, a script and a boothook",
      mime([
        "#cloud-config\npackages: [jq]\n",
        "#cloud-config\nhostname: a\nmerge_how: [{name: list, settings: [append]}]\n",
        "#!/bin/bash\nset -euo pipefail\necho \"${HOSTNAME}\" > /etc/who\n",
        "#cloud-boothook\n#!/bin/sh\necho early\n",
      ])),
    Ordinary(
      "includes",
      "#include\nhttps://example.org/user-data/base.yaml\nhttps://example.org/user-data/app.yaml\n"),
    Ordinary(
      "a script",
      "#!/usr/bin/env bash\nset -e\nTOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token)\ncurl -H \"X-aws-ec2-metadata-token: $TOKEN\" http://169.254.169.254/latest/meta-data/ | tee /run/meta\n"
    ),
    Ordinary(
      "a template of cloud-init's",
      "## template: jinja\n#cloud-config\nhostname: web-{{ v1.instance_id }}\nruncmd:\n  - echo {{ ds.meta_data.local_ipv4 }}\n{% if v1.region == 'x' %}\n  - echo x\n{% endif %}\n",
      warnings: ["runcmd-unchecked"]),
    Ordinary(
      "a part handler", "#part-handler\ndef list_types():\n    return ['text/x-own']\n"),
  ]
}
