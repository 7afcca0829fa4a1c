import YAML

/// The top-level keys of a cloud-config and what their values are made of (cloud-init's JSON schema
/// `schema-cloud-config-v1.json` of 22.4 and its documentation up to 25.1; keys of its own configuration that user-data
/// may set, without a kind).
enum TopLevel {
  /// What a value may be.
  struct Kinds: OptionSet, Sendable {
    let rawValue: Int

    static let text = Kinds(rawValue: 1)
    static let number = Kinds(rawValue: 2)
    static let flag = Kinds(rawValue: 4)
    static let list = Kinds(rawValue: 8)
    static let mapping = Kinds(rawValue: 16)
    static let any: Kinds = [.text, .number, .flag, .list, .mapping]

    /// As an error message calls them: `a list or a mapping`.
    var words: String {
      let names: [(Kinds, String)] = [
        (.text, "a string"), (.number, "a number"), (.flag, "true or false"), (.list, "a list"),
        (.mapping, "a mapping"),
      ]
      return names.filter { contains($0.0) }.map(\.1).joined(separator: " or ")
    }
  }

  private static let table: [(Kinds, [String])] = [
    (
      .mapping,
      [
        "ansible", "apk_repos", "apt", "autoinstall", "ca-certs", "ca_certs", "chef", "chpasswd",
        "device_aliases", "disk_setup", "drivers", "fan", "growpart", "grub-dpkg", "grub_dpkg", "keyboard",
        "landscape", "lxd", "mcollective", "phone_home", "power_state", "puppet", "random_seed", "reporting",
        "resolv_conf", "rh_subscription", "rpi", "rsyslog", "salt_minion", "snap", "spacewalk", "ssh",
        "ssh_keys", "ssh_publish_hostkeys", "swap", "ubuntu_advantage", "ubuntu_pro", "updates",
        "vendor_data", "wireguard", "yum_repos", "zypper", "ntp",
      ]
    ),
    (
      .list,
      [
        "bootcmd", "cloud_config_modules", "cloud_final_modules", "cloud_init_modules", "fs_setup",
        "mount_default_fields", "mounts", "packages", "runcmd", "ssh_authorized_keys",
        "ssh_fp_console_blacklist", "ssh_genkeytypes", "ssh_import_id", "ssh_key_console_blacklist",
        "write_files",
      ]
    ),
    (
      .flag,
      [
        "allow_public_ssh_keys", "apt_reboot_if_required", "apt_update", "apt_upgrade",
        "create_hostname_file", "disable_ec2_metadata", "disable_root", "manage_resolv_conf", "migrate",
        "no_ssh_fingerprints", "package_reboot_if_required", "package_update", "package_upgrade",
        "prefer_fqdn_over_hostname", "preserve_hostname", "ssh_deletekeys", "ssh_quiet_keygen",
      ]
    ),
    (
      .text,
      [
        "authkey_hash", "byobu_by_default", "disable_root_opts", "final_message", "fqdn", "hostname",
        "locale_configfile", "password", "timezone", "yum_repo_dir",
      ]
    ),
    ([.text, .flag], ["locale", "manage_etc_hosts", "resize_rootfs", "ssh_pwauth"]),
    ([.text, .flag, .number], ["apt_pipelining"]),
    ([.text, .mapping], ["user"]),
    ([.text, .list, .mapping], ["groups", "users"]),
    (
      .any,
      [
        "allow_userdata", "apt_proxy", "apt_ftp_proxy", "apt_http_proxy", "apt_https_proxy", "apt_mirror",
        "apt_mirror_search", "apt_mirror_search_dns", "apt_preserve_sources_list", "apt_sources",
        "apt_custom_sources_list", "add_apt_repo_match", "cloud_type", "datasource",
        "datasource_list", "debconf_selections", "debug", "def_log_file", "disable_network_activation",
        "emit_keys_to_console", "launch-index", "log_cfgs", "manual_cache_clean", "merge_how", "merge_type",
        "network", "output", "resize_rootfs_tmp", "seed_random", "ssh_svcname", "stages",
        "syslog_fix_perms", "system_info", "unverified_modules", "vendor_data2", "version", "warnings",
      ]
    ),
  ]

  /// The kinds of each key's value.
  static let kinds = Dictionary(
    uniqueKeysWithValues: table.flatMap { kinds, names in names.map { ($0, kinds) } })

  /// The keys, sorted.
  static let names = kinds.keys.sorted()
}

extension Node {
  /// The kind of a value; nil for null, which cloud-init takes for nothing given.
  var kinds: TopLevel.Kinds? {
    switch value {
    case .null: nil
    case .bool: .flag
    case .number: .number
    case .string: .text
    case .sequence: .list
    case .mapping: .mapping
    }
  }
}
