class Curfew < Formula
  desc "Session keeper of a paid live-help marketplace"
  homepage "{homepage}"
  version "{version}"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "{homepage}/releases/download/v{version}/curfew_{version}_darwin_arm64.tar.gz"
      sha256 "{darwin_arm64}"
    end
    on_intel do
      url "{homepage}/releases/download/v{version}/curfew_{version}_darwin_amd64.tar.gz"
      sha256 "{darwin_amd64}"
    end
  end

  on_linux do
    on_arm do
      url "{homepage}/releases/download/v{version}/curfew_{version}_linux_arm64.tar.gz"
      sha256 "{linux_arm64}"
    end
    on_intel do
      url "{homepage}/releases/download/v{version}/curfew_{version}_linux_amd64.tar.gz"
      sha256 "{linux_amd64}"
    end
  end

  def install
    bin.install "curfew"
    man1.install "man/curfew.1"
    bash_completion.install "completions/curfew.bash" => "curfew"
    zsh_completion.install "completions/_curfew"
    fish_completion.install "completions/curfew.fish"
  end

  service do
    run [opt_bin/"curfew", "serve"]
    keep_alive true
    working_dir var/"curfew"
    log_path var/"log/curfew.log"
    error_log_path var/"log/curfew.log"
  end

  def post_install
    (var/"curfew").mkpath
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/curfew version")
  end
end
