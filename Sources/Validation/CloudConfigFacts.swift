/// What cloud-init's JSON schema of cloud-config says: the type of each top-level key, and of what several keys have in
/// common. Written by scripts/cloud-init-facts; do not edit. ``ValueType`` explains the form.
enum CloudConfigFacts {
  /// The version of cloud-init whose schema it is.
  static let version = "26.2"

  static let types: [String: String] = [
    "allow_public_ssh_keys": #"bool"#,
    "ansible": #"""
    {install_method: "distro" | "pip", run_user: text, ansible_config: text, setup_controller:
    {repositories: [{path*: text, source*: text}], run_ansible: [{playbook_name: text, playbook_dir:
    text, become_password_file: text, connection_password_file: text, list_hosts: bool, syntax_check:
    bool, timeout: number>=0, vault_id: text, vault_password_file: text, background: number>=0, check:
    bool, diff: bool, module_path: text, poll: number>=0, args: text, extra_vars: text, forks:
    number>=0, inventory: text, scp_extra_args: text, sftp_extra_args: text, private_key: text,
    connection: text, module_name: text, sleep: text, tags: text, skip_tags: text, ...}]}, galaxy:
    {actions*: [[text]]}, package_name: text, pull: [@pull] | @pull}
    """#,
    "apk_repos": #"""
    {preserve_repositories: bool, alpine_repo: {base_url: text, community_enabled: bool,
    testing_enabled: bool, version*: text}1.. | null, local_repo_base_url: text}1..
    """#,
    "apt": #"""
    {preserve_sources_list: bool, disable_suites: [text]1..!, primary: @mirror, security: @mirror,
    add_apt_repo_match: text, debconf_selections: {_: text}1.., sources_list: text, conf: text,
    https_proxy: text, http_proxy: text, proxy: text, ftp_proxy: text, sources: {_: {source: text,
    keyid: text, key: text, keyserver: text, filename: text, append: bool}1..}}1..
    """#,
    "apt_pipelining": #"int | bool | "os" | "none" | "unchanged""#,
    "apt_reboot_if_required": #"bool"#,
    "apt_update": #"bool"#,
    "apt_upgrade": #"bool"#,
    "authkey_hash": #"text"#,
    "autoinstall": #"{version*: int, ...}"#,
    "bootcmd": #"[[text] | text]1.."#,
    "byobu_by_default": #"""
    "enable-system" | "enable-user" | "disable-system" | "disable-user" | "enable" | "disable" | "user"
    | "system"
    """#,
    "ca-certs": #"@certificates"#,
    "ca_certs": #"@certificates"#,
    "chef": #"""
    {directories: [text]1..!, config_path: text, validation_cert: text, validation_key: text,
    firstboot_path: text, exec: bool, client_key: text, encrypted_data_bag_secret: text, environment:
    text, file_backup_path: text, file_cache_path: text, json_attribs: text, log_level: text,
    log_location: text, node_name: text, omnibus_url: text, omnibus_url_retries: int, omnibus_version:
    text, pid_file: text, server_url: text, show_time: bool, ssl_verify_mode: text, validation_name:
    text, force_install: bool, initial_attributes: {...}, install_type: "packages" | "gems" | "omnibus",
    run_list: [text], chef_license: "accept" | "accept-silent" | "accept-no-persist"}1..
    """#,
    "chpasswd": #"""
    {expire: bool, users: [{name*: text, type*: "RANDOM"} | {name*: text, type: "hash" | "text",
    password*: text}], list: text | [`^.+:.+$`]1..}
    """#,
    "cloud_config_modules": #"@modules"#,
    "cloud_final_modules": #"@modules"#,
    "cloud_init_modules": #"@modules"#,
    "create_hostname_file": #"bool"#,
    "device_aliases": #"{_: text}"#,
    "disable_ec2_metadata": #"bool"#,
    "disable_root": #"bool"#,
    "disable_root_opts": #"text"#,
    "disk_setup": #"""
    {_: {table_type: "mbr" | "gpt", layout: "remove" | bool | [int | [int | text]2..2], overwrite:
    bool}}
    """#,
    "drivers": #"{nvidia: {license-accepted*: bool, version: text}}"#,
    "fan": #"{config*: text, config_path: text}"#,
    "final_message": #"text"#,
    "fqdn": #"text"#,
    "fs_setup": #"""
    [{label: text, filesystem: text, device: text, partition: "auto" | "any" | "none", overwrite: bool,
    replace_fs: text, extra_opts: [text] | text, cmd: [text] | text}]
    """#,
    "groups": #"text | {_: text | [text]1..} | [text | {_: text | [text]1..}]1.."#,
    "growpart": #"""
    {mode: "auto" | "growpart" | "gpart" | "off" | false, devices: [text], ignore_growroot_disabled:
    bool}
    """#,
    "grub-dpkg": #"{...}"#,
    "grub_dpkg": #"""
    {enabled: bool, grub-pc/install_devices: text, grub-pc/install_devices_empty: bool | text,
    grub-efi/install_devices: text}
    """#,
    "hostname": #"text"#,
    "keyboard": #"{layout*: text, model: text, variant: text, options: text}"#,
    "landscape": #"""
    {client*: {url: text, ping_url: text, data_path: text, log_level: "debug" | "info" | "warning" |
    "error" | "critical", computer_title*: text, account_name*: text, registration_key: text, tags:
    `^[-_0-9a-zA-Z]+(,[-_0-9a-zA-Z]+)*$`, http_proxy: text, https_proxy: text, ...}}
    """#,
    "launch-index": #"int"#,
    "locale": #"bool | text"#,
    "locale_configfile": #"text"#,
    "lxd": #"""
    {init: {network_address: text, network_port: int, storage_backend: "zfs" | "dir" | "lvm" | "btrfs",
    storage_create_device: text, storage_create_loop: int, storage_pool: text, trust_password: text},
    bridge: {mode*: "none" | "existing" | "new", name: text, mtu: int>=-1, ipv4_address: text,
    ipv4_netmask: int, ipv4_dhcp_first: text, ipv4_dhcp_last: text, ipv4_dhcp_leases: int, ipv4_nat:
    bool, ipv6_address: text, ipv6_netmask: int, ipv6_nat: bool, domain: text}, preseed: text}1..
    """#,
    "manage_etc_hosts": #"true | false | "localhost" | "template""#,
    "manage_resolv_conf": #"bool"#,
    "mcollective": #"{conf: {public-cert: text, private-cert: text, _: bool | int | text}}"#,
    "merge_how": #"@merge"#,
    "merge_type": #"@merge"#,
    "migrate": #"any"#,
    "mount_default_fields": #"[text | null]6..6"#,
    "mounts": #"[[text]1..6]1.."#,
    "no_ssh_fingerprints": #"bool"#,
    "ntp": #"""
    null | {pools: [text]!, servers: [text]!, peers: [text]!, allow: [text]!, ntp_client: text, enabled:
    bool, config: {confpath: text, check_exe: text, packages: [text]!, service_name: text, template:
    text}1..}
    """#,
    "output": #"{all: @log, init: @log, config: @log, final: @log}"#,
    "package_reboot_if_required": #"bool"#,
    "package_update": #"bool"#,
    "package_upgrade": #"bool"#,
    "packages": #"[{apt: [[text]2..2 | text], snap: [[text]2..2 | text]} | [text]2..2 | text]1.."#,
    "password": #"text"#,
    "phone_home": #"""
    {url*: text, post: "all" | ["pub_key_rsa" | "pub_key_ecdsa" | "pub_key_ed25519" | "instance_id" |
    "hostname" | "fqdn"], tries: int}
    """#,
    "power_state": #"""
    {delay: int>=0 | `^\+?[0-9]+$` | "now", mode*: "poweroff" | "reboot" | "halt", message: text,
    timeout: int, condition: text | bool | [any]}
    """#,
    "prefer_fqdn_over_hostname": #"bool"#,
    "preserve_hostname": #"bool"#,
    "puppet": #"""
    {install: bool, version: text, install_type: "packages" | "aio", collection: text, aio_install_url:
    text, cleanup: bool, conf_file: text, ssl_dir: text, csr_attributes_path: text, package_name: text,
    exec: bool, exec_args: [text], start_service: bool, conf: {main: {...}, server: {...}, agent: {...},
    user: {...}, ca_cert: text}, csr_attributes: {custom_attributes: {...}, extension_requests: {...}}}
    """#,
    "random_seed": #"""
    {file: text, data: text, encoding: "raw" | "base64" | "b64" | "gzip" | "gz", command: [text],
    command_required: bool}
    """#,
    "reporting": #"""
    {_: {type*: "log", level: "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL"} | {type*: "print"} |
    {type*: "webhook", endpoint*: text, consumer_key: text, token_key: text, token_secret: text,
    consumer_secret: text, timeout: number>=0, retries: int>=0} | {type*: "hyperv", kvp_file_path: text,
    event_types: [text]}}
    """#,
    "resize_rootfs": #"true | false | "noblock""#,
    "resolv_conf": #"""
    {nameservers: [any], searchdomains: [any], domain: text, sortlist: [any], options: {...}}
    """#,
    "rh_subscription": #"""
    {username: text, password: text, activation_key: text, activation-key: text, org: text | int,
    auto_attach: bool, auto-attach: bool, service_level: text, service-level: text, add_pool: [text],
    add-pool: [text], enable_repo: [text], enable-repo: [text], disable_repo: [text], disable-repo:
    [text], release_version: text, rhsm_baseurl: text, rhsm-baseurl: text, server_hostname: text,
    server-hostname: text, not(activation_key activation-key), not(auto_attach auto-attach),
    not(service_level service-level), not(add_pool add-pool), not(enable_repo enable-repo),
    not(disable_repo disable-repo), not(rhsm_baseurl rhsm-baseurl), not(server_hostname
    server-hostname)}
    """#,
    "rpi": #"""
    {interfaces: {spi: bool, i2c: bool, serial: bool | {console: bool, hardware: bool, ...}, onewire:
    bool, ...}, enable_usb_gadget: bool, ...}
    """#,
    "rsyslog": #"""
    {config_dir: text, config_filename: text, configs: [text | {filename: text, content*: text}],
    remotes: {...}, service_reload_command: "auto" | [text], install_rsyslog: bool, check_exe: text,
    packages: [text]!}
    """#,
    "runcmd": #"[[text] | text | null]1.."#,
    "salt_minion": #"""
    {pkg_name: text, service_name: text, config_dir: text, conf: {...}, grains: {...}, public_key: text,
    private_key: text, pki_dir: text}
    """#,
    "snap": #"""
    {assertions: {_: text}1.. | [text]1..!, commands: {_: text | [text]}1.. | [text | [text]]1..}1..
    """#,
    "spacewalk": #"{server: text, proxy: text, activation_key: text}"#,
    "ssh": #"{emit_keys_to_console*: bool}"#,
    "ssh_authorized_keys": #"[text]1.."#,
    "ssh_deletekeys": #"bool"#,
    "ssh_fp_console_blacklist": #"[text]!"#,
    "ssh_genkeytypes": #"["ecdsa" | "ed25519" | "rsa"]1.."#,
    "ssh_import_id": #"[text]"#,
    "ssh_key_console_blacklist": #"[text]!"#,
    "ssh_keys": #"{`^(ecdsa|ed25519|rsa)_(public|private|certificate)$`: text}"#,
    "ssh_publish_hostkeys": #"{enabled: bool, blacklist: [text]}"#,
    "ssh_pwauth": #"bool | text"#,
    "ssh_quiet_keygen": #"bool"#,
    "swap": #"""
    {filename: text, size: "auto" | int | `^([0-9]+)?\.?[0-9]+[BKMGT]$`, maxsize: int |
    `^([0-9]+)?\.?[0-9]+[BKMGT]$`}
    """#,
    "system_info": #"{...}"#,
    "timezone": #"text"#,
    "ubuntu_advantage": #"@pro"#,
    "ubuntu_pro": #"@pro"#,
    "updates": #"{network: {when*: ["boot-new-instance" | "boot-legacy" | "boot" | "hotplug"]}}"#,
    "user": #"text | @user"#,
    "users": #"text | [text | [text] | @user] | {...}"#,
    "vendor_data": #"{enabled: bool | text, prefix: [text | int] | text}"#,
    "version": #"any"#,
    "wireguard": #"""
    null | {interfaces*: [{name: text, config_path: text, content: text}]1.., readinessprobe:
    [text]!}1..
    """#,
    "write_files": #"""
    [{path*: text, content: text, source: {uri*: text, headers: {_: text}}, owner: text, permissions:
    text, encoding: "gz" | "gzip" | "gz+base64" | "gzip+base64" | "gz+b64" | "gzip+b64" | "b64" |
    "base64" | "text/plain", append: bool, defer: bool}]1..
    """#,
    "yum_repo_dir": #"text"#,
    "yum_repos": #"""
    {`^[0-9a-zA-Z -_]+$`: {baseurl: text, metalink: text, mirrorlist: text, name: text, enabled: bool,
    `^[0-9a-zA-Z_]+$`: int | bool | text, any(baseurl/metalink/mirrorlist)}}1..
    """#,
    "zypper": #"{repos: [{id*: text, baseurl*: text, ...}]1.., config: {...}, ...}1.."#,
    "@certificates": #"{remove-defaults: bool, remove_defaults: bool, trusted: [text]1..}1.."#,
    "@log": #"text | [text]2..2 | {output: text, error: text}"#,
    "@merge": #"""
    text | [{name*: "list" | "dict" | "str", settings*: ["allow_delete" | "no_replace" | "replace" |
    "append" | "prepend" | "recurse_dict" | "recurse_list" | "recurse_array" | "recurse_str"]}]1..
    """#,
    "@mirror": #"""
    [{arches*: [text]1.., uri: text, search: [text]1.., search_dns: bool, keyid: text, key: text,
    keyserver: text}]1..
    """#,
    "@modules": #"""
    ["ansible" | "apk-configure" | "apk_configure" | "apt-configure" | "apt_configure" |
    "apt-pipelining" | "apt_pipelining" | "bootcmd" | "byobu" | "ca-certs" | "ca_certs" | "chef" |
    "disable-ec2-metadata" | "disable_ec2_metadata" | "disk-setup" | "disk_setup" | "fan" |
    "final-message" | "final_message" | "growpart" | "grub-dpkg" | "grub_dpkg" | "install-hotplug" |
    "install_hotplug" | "keyboard" | "keys-to-console" | "keys_to_console" | "landscape" | "locale" |
    "lxd" | "mcollective" | "mounts" | "ntp" | "package-update-upgrade-install" |
    "package_update_upgrade_install" | "phone-home" | "phone_home" | "power-state-change" |
    "power_state_change" | "puppet" | "raspberry_pi" | "reset-rmc" | "reset_rmc" | "resizefs" |
    "resolv-conf" | "resolv_conf" | "rh-subscription" | "rh_subscription" | "rsyslog" | "runcmd" |
    "salt-minion" | "salt_minion" | "scripts-per-boot" | "scripts_per_boot" | "scripts-per-instance" |
    "scripts_per_instance" | "scripts-per-once" | "scripts_per_once" | "scripts-user" | "scripts_user" |
    "scripts-vendor" | "scripts_vendor" | "seed-random" | "seed_random" | "set-hostname" |
    "set_hostname" | "set-passwords" | "set_passwords" | "snap" | "spacewalk" | "ssh" |
    "ssh-authkey-fingerprints" | "ssh_authkey_fingerprints" | "ssh-import-id" | "ssh_import_id" |
    "timezone" | "ubuntu-advantage" | "ubuntu_advantage" | "ubuntu-autoinstall" | "ubuntu_autoinstall" |
    "ubuntu-drivers" | "ubuntu_drivers" | "ubuntu_pro" | "update-etc-hosts" | "update_etc_hosts" |
    "update-hostname" | "update_hostname" | "users-groups" | "users_groups" | "wireguard" |
    "write-files" | "write_files" | "write-files-deferred" | "write_files_deferred" | "yum-add-repo" |
    "yum_add_repo" | "zypper-add-repo" | "zypper_add_repo" | [any]]
    """#,
    "@pro": #"""
    {enable: [text], enable_beta: [text], token: text, features: {disable_auto_attach: bool}, config:
    {http_proxy: text | null, https_proxy: text | null, global_apt_http_proxy: text | null,
    global_apt_https_proxy: text | null, ua_apt_http_proxy: text | null, ua_apt_https_proxy: text |
    null, ...}}
    """#,
    "@pull": #"""
    {accept_host_key: bool, clean: bool, full: bool, diff: bool, ssh_common_args: text, scp_extra_args:
    text, sftp_extra_args: text, private_key: text, checkout: text, module_path: text, timeout: text,
    url: text, connection: text, vault_id: text, vault_password_file: text, verify_commit: bool,
    inventory: text, module_name: text, sleep: text, tags: text, skip_tags: text, playbook_name: text,
    playbook_names: [text], one(url playbook_name/url playbook_names)}
    """#,
    "@user": #"""
    {name: text, doas: [text]1.., expiredate: date, gecos: text, groups: text | [text]1.. | {_: null,
    ...}, homedir: text, inactive: text, lock-passwd: bool, lock_passwd: bool, no-create-home: bool,
    no_create_home: bool, no-log-init: bool, no_log_init: bool, no-user-group: bool, no_user_group:
    bool, passwd: text, hashed-passwd: text, hashed_passwd: text, plain-text-passwd: text,
    plain_text_passwd: text, create-groups: bool, create_groups: bool, primary-group: text,
    primary_group: text, selinux-user: text, selinux_user: text, shell: text, snapuser: text,
    ssh_authorized_keys: [text]1.., ssh-authorized-keys: [text]1.., ssh-import-id: [text]1..,
    ssh_import_id: [text]1.., ssh-redirect-user: bool, ssh_redirect_user: bool, system: bool, sudo: text
    | null | [text | null] | bool, uid: int | text, one(name/snapuser)}
    """#,
  ]

  /// The oldest version that is looked at.
  static let olderVersion = "22.4"

  /// What it says otherwise.
  static let olderTypes: [String: String] = [
    "ansible": #"""
    {install_method: "distro" | "pip", run_user: text, ansible_config: text, setup_controller:
    {repositories: [{path*: text, source*: text}], run_ansible: [{playbook_name: text, playbook_dir:
    text, become_password_file: text, connection_password_file: text, list_hosts: bool, syntax_check:
    bool, timeout: number>=0, vault_id: text, vault_password_file: text, background: number>=0, check:
    bool, diff: bool, module_path: text, poll: number>=0, args: text, extra_vars: text, forks:
    number>=0, inventory: text, scp_extra_args: text, sftp_extra_args: text, private_key: text,
    connection: text, module_name: text, sleep: text, tags: text, skip_tags: text, ...}]}, galaxy:
    {actions*: [[text]]}, package_name: text, pull: {accept_host_key: bool, clean: bool, full: bool,
    diff: bool, ssh_common_args: text, scp_extra_args: text, sftp_extra_args: text, private_key: text,
    checkout: text, module_path: text, timeout: text, url*: text, connection: text, vault_id: text,
    vault_password_file: text, module_name: text, sleep: text, tags: text, skip_tags: text,
    playbook_name*: text}}
    """#,
    "apt": #"""
    {preserve_sources_list: bool, generate_mirrorlists: bool, disable_suites: [text]1..!, primary:
    @mirror, security: @mirror, add_apt_repo_match: text, debconf_selections: {_: text}1..,
    sources_list: text, conf: text, https_proxy: text, http_proxy: text, proxy: text, ftp_proxy: text,
    sources: {_: {source: text, keyid: text, key: text, keyserver: text, filename: text, append:
    bool}1..}}1..
    """#,
    "apt_pipelining": #"int | bool | "none" | "unchanged" | "os""#,
    "chef": #"""
    {directories: [text]1..!, validation_cert: text, validation_key: text, firstboot_path: text, exec:
    bool, client_key: text, encrypted_data_bag_secret: text, environment: text, file_backup_path: text,
    file_cache_path: text, json_attribs: text, log_level: text, log_location: text, node_name: text,
    omnibus_url: text, omnibus_url_retries: int, omnibus_version: text, pid_file: text, server_url:
    text, show_time: bool, ssl_verify_mode: text, validation_name: text, force_install: bool,
    initial_attributes: {...}, install_type: "packages" | "gems" | "omnibus", run_list: [text],
    chef_license: text}1..
    """#,
    "disk_setup": #"""
    {_: {table_type: "mbr" | "gpt", layout: "remove" | bool | [int | [int]2..2], overwrite: bool}}
    """#,
    "grub_dpkg": #"""
    {enabled: bool, grub-pc/install_devices: text, grub-pc/install_devices_empty: bool | text}
    """#,
    "landscape": #"""
    {client*: {url: text, ping_url: text, data_path: text, log_level: "debug" | "info" | "warning" |
    "error" | "critical", computer_title: text, account_name: text, registration_key: text, tags:
    `^[-_0-9a-zA-Z]+(,[-_0-9a-zA-Z]+)*$`, http_proxy: text, https_proxy: text, ...}}
    """#,
    "locale": #"text"#,
    "migrate": #"bool"#,
    "ntp": #"""
    null | {pools: [text]!, servers: [text]!, ntp_client: text, enabled: bool, config: {confpath: text,
    check_exe: text, packages: [text]!, service_name: text, template: text}1..}
    """#,
    "packages": #"[[text]2..2 | text]1.."#,
    "phone_home": #"""
    {url*: text, post: "all" | ["pub_key_dsa" | "pub_key_rsa" | "pub_key_ecdsa" | "pub_key_ed25519" |
    "instance_id" | "hostname" | "fqdn"], tries: int}
    """#,
    "rh_subscription": #"""
    {username: text, password: text, activation-key: text, org: int, auto-attach: bool, service-level:
    text, add-pool: [text], enable-repo: [text], disable-repo: [text], rhsm-baseurl: text,
    server-hostname: text}
    """#,
    "rsyslog": #"""
    {config_dir: text, config_filename: text, configs: [text | {filename: text, content*: text}],
    remotes: {...}, service_reload_command: "auto" | [text]}
    """#,
    "ssh_genkeytypes": #"["dsa" | "ecdsa" | "ed25519" | "rsa"]1.."#,
    "ssh_keys": #"{`^(dsa|ecdsa|ed25519|rsa)_(public|private|certificate)$`: text}"#,
    "ubuntu_advantage": #"""
    {enable: [text], enable_beta: [text], token: text, features: {disable_auto_attach: bool}, config:
    {http_proxy: text | null, https_proxy: text | null, global_apt_http_proxy: text | null,
    global_apt_https_proxy: text | null, ua_apt_http_proxy: text | null, ua_apt_https_proxy: text |
    null, ...}}
    """#,
    "users": #"text | [text | [text] | @user]1.. | {...}"#,
    "write_files": #"""
    [{path*: text, content: text, owner: text, permissions: text, encoding: "gz" | "gzip" | "gz+base64"
    | "gzip+base64" | "gz+b64" | "gzip+b64" | "b64" | "base64" | "text/plain", append: bool, defer:
    bool}]1..
    """#,
    "yum_repos": #"""
    {`^[0-9a-zA-Z -_]+$`: {baseurl*: text, name: text, enabled: bool, `^[0-9a-zA-Z_]+$`: int | bool |
    text}}1..
    """#,
    "@modules": #"""
    ["ansible" | "apk-configure" | "apk_configure" | "apt-configure" | "apt_configure" |
    "apt-pipelining" | "apt_pipelining" | "bootcmd" | "byobu" | "ca-certs" | "ca_certs" | "chef" |
    "disable-ec2-metadata" | "disable_ec2_metadata" | "disk-setup" | "disk_setup" | "fan" |
    "final-message" | "final_message" | "growpart" | "grub-dpkg" | "grub_dpkg" | "install-hotplug" |
    "install_hotplug" | "keyboard" | "keys-to-console" | "keys_to_console" | "landscape" | "locale" |
    "lxd" | "mcollective" | "migrator" | "mounts" | "ntp" | "package-update-upgrade-install" |
    "package_update_upgrade_install" | "phone-home" | "phone_home" | "power-state-change" |
    "power_state_change" | "puppet" | "refresh-rmc-and-interface" | "refresh_rmc_and_interface" |
    "reset-rmc" | "reset_rmc" | "resizefs" | "resolv-conf" | "resolv_conf" | "rh-subscription" |
    "rh_subscription" | "rightscale-userdata" | "rightscale_userdata" | "rsyslog" | "runcmd" |
    "salt-minion" | "salt_minion" | "scripts-per-boot" | "scripts_per_boot" | "scripts-per-instance" |
    "scripts_per_instance" | "scripts-per-once" | "scripts_per_once" | "scripts-user" | "scripts_user" |
    "scripts-vendor" | "scripts_vendor" | "seed-random" | "seed_random" | "set-hostname" |
    "set_hostname" | "set-passwords" | "set_passwords" | "snap" | "spacewalk" | "ssh" |
    "ssh-authkey-fingerprints" | "ssh_authkey_fingerprints" | "ssh-import-id" | "ssh_import_id" |
    "timezone" | "ubuntu-advantage" | "ubuntu_advantage" | "ubuntu-autoinstall" | "ubuntu_autoinstall" |
    "ubuntu-drivers" | "ubuntu_drivers" | "update-etc-hosts" | "update_etc_hosts" | "update-hostname" |
    "update_hostname" | "users-groups" | "users_groups" | "wireguard" | "write-files" | "write_files" |
    "write-files-deferred" | "write_files_deferred" | "yum-add-repo" | "yum_add_repo" |
    "zypper-add-repo" | "zypper_add_repo" | [any]]
    """#,
    "@user": #"""
    {name: text, expiredate: date, gecos: text, groups: text | [text]1.. | {_: null, ...}, homedir:
    text, inactive: text, lock-passwd: bool, lock_passwd: bool, no_create_home: bool, no_log_init: bool,
    no_user_group: bool, passwd: text, hashed_passwd: text, plain_text_passwd: text, create_groups:
    bool, primary_group: text, selinux_user: text, shell: text, snapuser: text, ssh_authorized_keys:
    [text]1.., ssh_import_id: [text]1.., ssh_redirect_user: bool, system: bool, sudo: text | null |
    bool, uid: int | text, one(name/snapuser)}
    """#,
  ]
}
