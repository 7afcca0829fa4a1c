class K3seed < Formula
  desc "Cloud-init user-data for K3s clusters, from Terraform outputs"
  homepage "@url@"
  version "@version@"
  license "Apache-2.0"

  on_linux do
@archives@
  end

  on_macos do
    head "@url@.git", branch: "main"
    depends_on "libsodium"
    depends_on "libxcrypt"
    depends_on "libyaml"
    depends_on "pkgconf" => :build
    depends_on xcode: ["26.0", :build]
  end

  def install
    if OS.linux?
      bin.install "bin/k3seed"
      man1.install Dir["share/man/man1/*"]
    else
      system "swift", "build", "--disable-sandbox", "--configuration", "release", "--product", "k3seed"
      bin.install ".build/release/k3seed"
      man1.install Dir["man/*.1"]
    end
    generate_completions_from_executable(bin/"k3seed", "--generate-completion-script")
  end

  test do
    (testpath/"outputs.json").write <<~JSON
      {"git_repo_url": "https://git.example.net/a.git", "cloudflare_api_token": "EXAMPLE-this-is-not-a-cloudflare-token-0"}
    JSON
    assert_match "#cloud-config", shell_output("#{bin}/k3seed render --input outputs.json 2>/dev/null")
  end
end
