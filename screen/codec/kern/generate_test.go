package kern

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The generator writes what the tree holds, byte by byte. Its assembler is a
// module that is fetched only where SIGHTLINE_CI is set; elsewhere the test
// is skipped if it is not at hand.
func TestGeneratedIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the generator")
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "-C", "gen", "run", ".", dir)
	cmd.Env = append(os.Environ(), "GOOS=", "GOARCH=", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	ci := os.Getenv("SIGHTLINE_CI") == "1"
	if !ci {
		cmd.Env = append(cmd.Env, "GOPROXY=off")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		if !ci && bytes.Contains(out, []byte("GOPROXY=off")) {
			t.Skip("github.com/mmcloughlin/avo is not in the module cache")
		}
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	for _, name := range []string{"kernels_amd64.s", "kernels_amd64.go", "kernels_other.go"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes (%v): run go generate", name, err)
		}
	}
}
