/// The top-level keys of a cloud-config.
enum TopLevel {
  /// Keys that cloud-init reads and its schema does not have: those of its own configuration that user-data may set, and
  /// old names that its modules still take (its source, 22.4 to 26.2).
  private static let others = [
    "allow_userdata", "apt_proxy", "apt_ftp_proxy", "apt_http_proxy", "apt_https_proxy", "apt_mirror",
    "apt_mirror_search", "apt_mirror_search_dns", "apt_preserve_sources_list", "apt_sources",
    "apt_custom_sources_list", "add_apt_repo_match", "cloud_type", "debconf_selections", "debug",
    "def_log_file",
    "disable_network_activation", "emit_keys_to_console", "log_cfgs", "manual_cache_clean",
    "resize_rootfs_tmp",
    "seed_random", "ssh_svcname", "stages", "syslog_fix_perms", "unverified_modules", "vendor_data2",
    "warnings",
  ]

  /// Keys that count in the configuration of the image alone, as they are needed before there is user-data.
  static let ofImage: [String: String] = [
    "network": "put it into the datasource's network-config, or into /etc/cloud/cloud.cfg.d of the image",
    "datasource": "put it into /etc/cloud/cloud.cfg.d of the image",
    "datasource_list": "put it into /etc/cloud/cloud.cfg.d of the image",
  ]

  /// The keys that count, sorted.
  static let names = (CloudConfigFacts.types.keys.filter { !$0.hasPrefix("@") } + others).sorted()

  /// Whether cloud-init reads a key.
  static func has(_ key: String) -> Bool { CloudConfigFacts.types[key] != nil || others.contains(key) }
}
