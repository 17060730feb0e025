package testscripts

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "sightline"

// arrows says who may import what inside this module. A name with /* stands for
// all packages below it. main is the only place where parts are put together.
// A new arrow is a decision: change this table in the same commit and say why.
var arrows = map[string][]string{
	"":                          {"config", "config/*", "peer", "peer/*", "relay", "relay/*", "screen", "screen/*", "tui", "tui/*"},
	"config":                    {},
	"config/keyring":            {},
	"config/slack":              {},
	"peer":                      {"peer/*", "screen", "screen/codec", "screen/keysym"},
	"peer/invite":               {"peer/wire"},
	"peer/link":                 {"peer/link/pcp", "peer/link/proxy", "peer/netcheck", "peer/wire"},
	"peer/link/pcp":             {},
	"peer/link/proxy":           {},
	"peer/link/proxy/proxytest": {},
	"testscripts/natlab/proxyd": {"peer/link/proxy/proxytest"},
	"peer/netcheck":             {"peer/wire"},
	"peer/pace":                 {"peer/wire"},
	"peer/secure/securetest":    {"peer/secure", "peer/invite", "peer/wire"},
	"peer/secure":               {"peer/invite", "peer/wire"},
	"peer/wire":                 {},
	"relay":                     {"relay/*"},
	"relay/acme":                {},
	"relay/rendezvous":          {},
	"relay/share":               {},
	"screen":                    {"screen/keysym"},
	"screen/ansi":               {"screen", "screen/keysym"},
	"screen/codec":              {"screen", "screen/keysym", "screen/codec/*"},
	"screen/codec/clips":        {"screen", "screen/codec/*"},
	"screen/codec/clips/record": {"screen", "screen/codec/clips"},
	"screen/codec/grid":         {"screen", "screen/codec/rc"},
	"screen/codec/kern":         {},
	"screen/codec/motion":       {"screen", "screen/codec/grid", "screen/codec/kern"},
	"screen/codec/pict":         {"screen", "screen/codec/grid", "screen/codec/kern", "screen/codec/rc"},
	"screen/codec/rc":           {},
	"screen/codec/refine":       {"screen", "screen/codec/grid", "screen/codec/kern", "screen/codec/rc"},
	"screen/codec/text":         {"screen", "screen/codec/grid", "screen/codec/kern", "screen/codec/rc"},
	"screen/desktop":            {"screen", "screen/*"},
	"screen/keysym":             {},
	"screen/pattern":            {"screen", "screen/keysym"},
	"screen/screentest":         {"screen", "screen/keysym"},
	"screen/virtual":            {},
	"screen/x11":                {"screen", "screen/codec/kern", "screen/keysym"},
	"testscripts":               {},
	"tui":                       {"peer", "peer/invite"},
	"tui/ctl":                   {"peer", "peer/invite"},
	"tui/hush":                  {},
}

// testAids may be imported by the tests of these packages and of all below them:
// scripted back ends, and the built-in desktop that needs no X server.
var testAids = map[string][]string{
	"screen/screentest":         {"screen", "peer"},
	"screen/pattern":            {"screen", "peer"},
	"peer/link/proxy/proxytest": {"peer/link"},
	"screen/x11":                {"peer"}, // what is in the frames of shared windows shows only at a session's end
	"screen/codec/clips":        {"screen/codec", "peer"},
	"peer/secure/securetest":    {"peer"},
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath                                   string
	Dir, Doc, Name                               string
	GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
	IgnoredGoFiles                               []string
	Imports, TestImports, XTestImports           []string
}

func (p pkg) inside() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// packages lists the module's packages as one platform sees them.
func packages(t *testing.T, goos string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Name,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,IgnoredGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func allowed(from, to string) bool {
	return slices.ContainsFunc(arrows[from], func(pattern string) bool {
		below, all := strings.CutSuffix(pattern, "/*")
		return pattern == to || all && strings.HasPrefix(to, below+"/")
	})
}

// inModule picks the imports of this module, without its name.
func inModule(imports []string) []string {
	var list []string
	for _, i := range imports {
		if i == module || strings.HasPrefix(i, module+"/") {
			list = append(list, strings.TrimPrefix(strings.TrimPrefix(i, module), "/"))
		}
	}
	return list
}

func TestArrows(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, p := range packages(t, goos) {
			from := p.inside()
			if _, ok := arrows[from]; !ok {
				t.Errorf("package %s is not in the table of arrows", p.ImportPath)
				continue
			}
			for _, to := range inModule(p.Imports) {
				if !allowed(from, to) {
					t.Errorf("%s: %s imports %s", goos, p.ImportPath, to)
				}
			}
			for _, to := range inModule(append(p.TestImports, p.XTestImports...)) {
				if to != from && !allowed(from, to) && !aids(from, to) {
					t.Errorf("%s: the tests of %s import %s", goos, p.ImportPath, to)
				}
			}
		}
	}
}

func aids(from, to string) bool {
	return slices.ContainsFunc(testAids[to], func(below string) bool { return strings.HasPrefix(from+"/", below+"/") })
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for _, p := range packages(t, "linux") {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// tracked lists the repository's files: what git knows, or, in an unpacked
// archive, all there is.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = ".."
	if out, err := cmd.Output(); err == nil {
		files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		return slices.DeleteFunc(files, func(f string) bool { _, err := os.Lstat(filepath.Join("..", f)); return err != nil })
	}
	var files []string
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The top of the tree is its table of contents; a new name there is a decision.
func TestTopOfTheTree(t *testing.T) {
	known := strings.Fields("main.go peer tui screen relay config testscripts go.mod go.sum README.md LICENSE SECURITY.md .gitignore .ci")
	for _, f := range tracked(t) {
		top, _, _ := strings.Cut(f, "/")
		if !slices.Contains(known, top) {
			t.Errorf("%s does not belong there", f)
		}
		for _, dir := range []string{"cmd", "pkg", "internal", "docs", "common", "util", "utils", "types", "manager"} {
			if slices.Contains(strings.Split(path.Dir(f), "/"), dir) {
				t.Errorf("%s: a folder called %s says nothing", f, dir)
			}
		}
	}
}

// Code waits for something that happens, never for the clock alone: a timer in
// a select ends with its context.
func TestNobodySleeps(t *testing.T) {
	for _, f := range goFiles(t) {
		if strings.HasSuffix(f, "_test.go") {
			continue // in a synctest bubble sleeping takes no time
		}
		eachCall(t, f, func(where, what string) {
			if what == "time.Sleep" {
				t.Errorf("%s: time.Sleep", where)
			}
		})
	}
}

// One static binary, no C.
func TestNoC(t *testing.T) {
	for _, f := range goFiles(t) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", f), nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, i := range file.Imports {
			if name, _ := strconv.Unquote(i.Path.Value); name == "C" {
				t.Errorf("%s imports C", f)
			}
		}
	}
}

// goFiles are the module's Go files but the wire of the lab, which is a program
// of its own that stands for a cable and has to wait like one.
func goFiles(t *testing.T) []string {
	return slices.DeleteFunc(tracked(t), func(f string) bool {
		return !strings.HasSuffix(f, ".go") || strings.HasPrefix(f, "testscripts/natlab/")
	})
}

// eachCall calls f for every call of a package's function.
func eachCall(t *testing.T, name string, f func(where, what string)) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.Join("..", name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if fun, ok := call.Fun.(*ast.SelectorExpr); ok {
				if x, ok := fun.X.(*ast.Ident); ok {
					f(name+":"+strconv.Itoa(set.Position(call.Pos()).Line), x.Name+"."+fun.Sel.Name)
				}
			}
		}
		return true
	})
}

// homePath is a path that exists on one person's machine only.
var homePath = regexp.MustCompile(`/(home|Users|root|work|mnt)/[a-z.][\w.-]*/`)

func TestNoPathsOfOneMachine(t *testing.T) {
	for _, f := range tracked(t) {
		text, err := os.ReadFile(filepath.Join("..", f))
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			continue // a link, or no text
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := homePath.FindString(line); found != "" && !strings.Contains(line, "example") {
				t.Errorf("%s:%d names %s", f, i+1, found)
			}
		}
	}
}
