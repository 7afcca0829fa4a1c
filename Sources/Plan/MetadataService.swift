package import Inputs

/// The addresses at which platforms answer instances about themselves: user-data with its secrets, and tokens of the
/// instance's identity. The node needs them, its pods do not.
package enum MetadataService {
  /// What is closed to pods, on every platform alike.
  ///
  /// All platforms' addresses are closed everywhere, and not only the node's own: none of them is anything else
  /// elsewhere, a payload may be booted on another platform than it was rendered for (the verifier does), and rules
  /// that do not depend on the platform are read and tested once. Port 53 stays open, as OCI's and Azure's DNS have
  /// these addresses and CoreDNS is a pod.
  package static let networks = [
    // All that is link-local (RFC 3927). 169.254.169.254 is the metadata service of every platform here, 169.254.0.2
    // and 169.254.2.0/24 have the volumes of OCI ("Essential Firewall Rules" of Oracle's images), and AWS has
    // credentials of containers at 169.254.170.2 and 169.254.170.23.
    "169.254.0.0/16",
    // OCI: docs.oracle.com, "Getting Instance Metadata".
    "fd00:c1::a9fe:a9fe",
    // AWS: docs.aws.amazon.com, EC2, "Access instance metadata for an EC2 instance".
    "fd00:ec2::254",
    // GCP: docs.cloud.google.com, Compute Engine, "Query VM metadata", for instances that have IPv6 alone.
    "fd20:ce::254",
    // Linode: techdocs.akamai.com, "Metadata Service API", and cloud-init's datasource Akamai.
    "fd00:a9fe:a9fe::1",
    // Azure: learn.microsoft.com, "What is IP address 168.63.129.16?": the agent's settings and certificates. Its
    // load balancer probes pods from here, which is answered.
    "168.63.129.16",
  ].compactMap(Network.init)

  /// What stays closed where pods may reach the metadata service: the volumes of OCI, from which a node boots.
  package static let volumes = ["169.254.0.0/21"].compactMap(Network.init)

  // fe80::a9fe:a9fe (OpenStack, Linode) is not here: the kernel forwards no packet to fe80::/10 (RFC 4291).
}
