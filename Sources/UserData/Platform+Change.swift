public import Plan

/// What Terraform does with an instance whose user-data has other bytes.
public struct UserDataChange: Hashable, Sendable {
  /// Whether the instance is destroyed and made anew.
  public let replaces: Bool
  /// What happens, in words.
  public let text: String
}

extension Platform {
  /// What other bytes of user-data do to an instance that is there, by the documentation of the platform's Terraform
  /// provider of 2026. Whatever the platform, cloud-init runs first-boot modules once for an instance.
  public var change: UserDataChange {
    switch self {
    case .oci: replacing("metadata.user_data")
    case .azure: replacing("custom_data")
    case .hetzner, .digitalocean, .openstack: replacing("user_data")
    case .linode: replacing("metadata.user_data")
    case .aws:
      UserDataChange(
        replaces: false,
        text: "Terraform stops and starts the instance, or replaces it with user_data_replace_on_change")
    case .gcp: UserDataChange(replaces: false, text: "Terraform changes the metadata of the running instance")
    case .vsphere: UserDataChange(replaces: false, text: "Terraform changes guestinfo of the same machine")
    case .nocloud: UserDataChange(replaces: false, text: "the seed is for the next machine")
    }
  }

  private func replacing(_ argument: String) -> UserDataChange {
    UserDataChange(
      replaces: true, text: "Terraform replaces the instance, unless ignore_changes names \(argument)")
  }
}
