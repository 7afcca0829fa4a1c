/// How services begin their secrets, by which these are found in any text.
///
/// Source: what each service's documentation says of its tokens; of hashes, crypt(5).
package struct TokenShape: Sendable {
  /// What a secret begins with.
  package let start: StaticString
  /// After so many more bytes a text is hidden: rather too much than too little.
  package let hidden: Int
  /// From so many more on it is one beyond doubt; nil where other texts begin so, too.
  package let certain: Int?
  /// Whether nothing else has its beginning in it anywhere.
  package let isUnique: Bool
  /// What it is, with its article.
  package let what: String

  private init(
    _ start: StaticString, hidden: Int = 8, certain: Int? = nil, isUnique: Bool = true,
    _ what: String
  ) {
    (self.start, self.hidden, self.certain) = (start, hidden, certain)
    (self.isUnique, self.what) = (isUnique, what)
  }

  package static let all: [TokenShape] = [
    TokenShape("ghp_", certain: 36, "a token of GitHub"),
    TokenShape("gho_", certain: 36, "a token of GitHub"),
    TokenShape("ghs_", certain: 36, "a token of GitHub"),
    TokenShape("ghu_", certain: 36, "a token of GitHub"),
    TokenShape("ghr_", certain: 36, "a token of GitHub"),
    TokenShape("github_pat_", certain: 60, "a token of GitHub"),
    TokenShape("glpat-", certain: 20, "a token of GitLab"),
    TokenShape("cfut_", certain: 30, "a token of Cloudflare"),
    TokenShape("cfat_", certain: 30, "a token of Cloudflare"),
    TokenShape("cfk_", certain: 30, "a Global API Key of Cloudflare"),
    TokenShape("AKIA", hidden: 16, certain: 16, isUnique: false, "an access key of AWS"),
    TokenShape("ASIA", hidden: 16, isUnique: false, "an access key of AWS"),
    TokenShape("xoxb-", certain: 24, "a token of Slack"),
    TokenShape("xoxp-", certain: 24, "a token of Slack"),
    TokenShape("hvs.", certain: 24, isUnique: false, "a token of Vault"),
    TokenShape("dckr_pat_", certain: 27, "a token of Docker Hub"),
    TokenShape("AGE-SECRET-KEY-1", certain: 50, "a key of age"),
    TokenShape("dop_v1_", "a token of DigitalOcean"),
    TokenShape("sk-", hidden: 20, isUnique: false, "a key of an API"),
    TokenShape("eyJ", hidden: 20, isUnique: false, "a JSON Web Token"),
    TokenShape("K10", hidden: 20, isUnique: false, "a token of K3s"),
    TokenShape("tskey-", "a key of Tailscale"),
    TokenShape("sk_live_", "a key of Stripe"),
    TokenShape("rk_live_", "a key of Stripe"),
    TokenShape("npm_", hidden: 30, isUnique: false, "a token of npm"),
    TokenShape("pypi-AgEI", "a token of PyPI"),
    TokenShape("AIza", hidden: 30, isUnique: false, "a key of Google's APIs"),
    TokenShape("ya29.", hidden: 20, isUnique: false, "a token of Google"),
    TokenShape("xapp-", certain: 24, "a token of Slack"),
    TokenShape("hooks.slack.com/services/", hidden: 12, isUnique: false, "a webhook of Slack"),
    TokenShape("discord.com/api/webhooks/", hidden: 20, isUnique: false, "a webhook of Discord"),
    TokenShape("glrt-", "a token of GitLab"),
    TokenShape("gldt-", "a token of GitLab"),
    TokenShape("glsa_", "a token of Grafana"),
    TokenShape("doo_v1_", "a token of DigitalOcean"),
    TokenShape("SG.", hidden: 40, isUnique: false, "a key of SendGrid"),
    TokenShape("$apr1$", hidden: 20, "a hash of a password"),
    TokenShape("$1$", hidden: 20, isUnique: false, "a hash of a password"),
    TokenShape("$argon2", hidden: 20, "a hash of a password"),
    TokenShape("$2a$", hidden: 20, "a hash of a password"),
    TokenShape("$2b$", hidden: 20, "a hash of a password"),
    TokenShape("$2y$", hidden: 20, "a hash of a password"),
    TokenShape("$5$", hidden: 20, isUnique: false, "a hash of a password"),
    TokenShape("$6$", hidden: 20, isUnique: false, "a hash of a password"),
    TokenShape("$y$", hidden: 20, isUnique: false, "a hash of a password"),
  ]
}
