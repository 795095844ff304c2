# Homebrew: a formula for a tap. It builds from the release's sources.
class Reinvite < Formula
  desc "Move Microsoft Entra B2B guests to new email addresses in bulk"
  homepage "https://github.com/@repository@"
  url "https://github.com/@repository@/releases/download/v@version@/@source@"
  sha256 "@source_sha256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"reinvite", "completions")
    system bin/"reinvite", "man", "--out", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  test do
    system bin/"reinvite", "init"
    assert_match "2 rows, no problems", shell_output("#{bin}/reinvite lint guests.csv 2>&1")
  end
end
