package curfew_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew/lifecycle"
)

// promtool checks what Prometheus would read.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing, which checks the alerts: run `make test`, which installs it")
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestTheAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "deploy/prometheus/curfew.rules.yml")
	promtool(t, "test", "rules", "deploy/prometheus/curfew.rules.test.yml")
}

// alerts is the rules as Prometheus reads them.
type alerts struct {
	Groups []struct {
		Rules []struct {
			Alert       string
			Expr        string
			Annotations map[string]string
		}
	}
}

func TestEachAlertHasItsRunbookAndItsTest(t *testing.T) {
	t.Parallel()
	const base = "https://github.com/curfewhq/curfew/blob/main/"
	var all alerts
	unmarshal(t, "deploy/prometheus/curfew.rules.yml", &all)
	tested := read(t, "deploy/prometheus/curfew.rules.test.yml")
	pages := map[string]bool{}
	for _, rule := range all.Groups[0].Rules {
		page := strings.TrimPrefix(rule.Annotations["runbook_url"], base)
		pages[page] = true
		text := read(t, page)
		for _, want := range []string{"# " + rule.Alert + "\n", "**What it means.**", "**What to look at.**", "**What to do.**"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q", page, want)
			}
		}
		if !strings.Contains(tested, "alertname: "+rule.Alert+"\n        eval_time") {
			t.Errorf("no test sees %s fire", rule.Alert)
		}
	}
	files, err := filepath.Glob("docs/runbooks/*.md")
	if err != nil || len(files) < len(pages) {
		t.Errorf("%d runbooks for %d alerts (%v)", len(files), len(pages), err)
	}
	for _, file := range files { // what no alert names alone, somebody must come by
		if link := "(runbooks/" + filepath.Base(file) + ")"; !pages[file] && !strings.Contains(read(t, "docs/troubleshooting.md"), link) {
			t.Errorf("neither an alert nor docs/troubleshooting.md leads to %s", file)
		}
	}
}

// Every finding has an alert of its own, or its line under CurfewProblems.
func TestEveryFindingHasARunbook(t *testing.T) {
	t.Parallel()
	rules, problems := read(t, "deploy/prometheus/curfew.rules.yml"), read(t, "docs/runbooks/problems.md")
	own := regexp.MustCompile(`code!~"([^"]+)"`).FindStringSubmatch(rules)[1]
	for _, code := range lifecycle.Codes() {
		if alone := slices.Contains(strings.Split(own, "|"), string(code)); alone == strings.Contains(problems, "`"+string(code)+"`") {
			t.Errorf("%s: an alert of its own: %t; docs/runbooks/problems.md must say what it is exactly if not", code, alone)
		}
	}
}

// dashboard is what Grafana reads, as far as it is looked at here.
type dashboard struct {
	UID           string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type string }
	}
	Panels []struct {
		ID         int
		Type       string
		Title      string
		GridPos    struct{ X, Y, W, H int }
		Datasource struct{ UID string }
		Targets    []struct{ RefID, Expr string }
	}
}

func TestTheDashboardIsOneThatGrafanaReads(t *testing.T) {
	t.Parallel()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/curfew.json")), &d); err != nil {
		t.Fatal(err)
	}
	if d.UID != "curfew" || d.SchemaVersion < 39 || len(d.Panels) == 0 || len(d.Templating.List) != 2 {
		t.Errorf("uid %q, schema %d, %d panels, variables %v", d.UID, d.SchemaVersion, len(d.Panels), d.Templating.List)
	}
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || !slices.Contains([]string{"stat", "timeseries"}, p.Type) || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %q: id %d, type %s, data source %s, %d targets", p.Title, p.ID, p.Type, p.Datasource.UID, len(p.Targets))
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("panel %q lies over %q or beside the grid", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// Each query is one that Prometheus can parse.
func TestTheQueriesOfTheDashboardParse(t *testing.T) {
	t.Parallel()
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, expr := range queries(t) {
		expr = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*").Replace(expr)
		fmt.Fprintf(&rules, "  - { record: query_%d, expr: %q }\n", i, expr)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

func queries(t *testing.T) []string {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/curfew.json")), &d); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// A figure that alerts and dashboard ask for is one that /metrics has, and the
// dashboard shows them all. The deliveries' comes with the deliveries.
func TestTheFiguresAskedForAreThere(t *testing.T) {
	t.Parallel()
	made := map[string]bool{"curfew_deliveries_total": true}
	for _, m := range regexp.MustCompile(`"(curfew_[a-z_]+)"`).FindAllStringSubmatch(read(t, "internal/metrics/metrics.go"), -1) {
		made[m[1]] = true
	}
	shown := strings.Join(queries(t), "\n")
	asked := shown + read(t, "deploy/prometheus/curfew.rules.yml")
	for _, name := range regexp.MustCompile(`\bcurfew_[a-z_]+`).FindAllString(asked, -1) {
		if !made[strings.TrimSuffix(name, "_bucket")] {
			t.Errorf("nothing makes %s", name)
		}
	}
	for name := range made {
		if !strings.Contains(shown, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// What runs in a cluster or a container may do no more than it must.
func TestTheManifestsAreLockedDown(t *testing.T) {
	t.Parallel()
	kinds := map[string]map[string]any{}
	for _, file := range []string{"deploy/kubernetes/curfew.yaml", "deploy/kubernetes/migrate.yaml"} {
		for _, doc := range documents(t, file) {
			kinds[fmt.Sprint(at(doc, "kind"))] = doc
		}
	}
	for name, want := range map[string]any{
		"replicas":                                                            2,
		"strategy rollingUpdate maxUnavailable":                               0,
		"template spec automountServiceAccountToken":                          false,
		"template spec securityContext runAsNonRoot":                          true,
		"template spec containers 0 securityContext readOnlyRootFilesystem":   true,
		"template spec containers 0 securityContext allowPrivilegeEscalation": false,
		"template spec containers 0 securityContext capabilities drop 0":      "ALL",
		"template spec containers 0 readinessProbe httpGet path":              "/readyz",
		"template spec containers 0 livenessProbe httpGet path":               "/livez",
		"template spec containers 0 startupProbe httpGet port":                "ops",
		"template spec containers 0 resources limits memory":                  "256Mi",
		"template spec enableServiceLinks":                                    false,
	} {
		if got := at(kinds["Deployment"]["spec"], strings.Fields(name)...); got != want {
			t.Errorf("the deployment's %s is %v, want %v", name, got, want)
		}
	}
	if at(kinds["PodDisruptionBudget"], "spec", "minAvailable") != 1 ||
		at(kinds["Job"], "spec", "template", "spec", "containers", "0", "securityContext", "readOnlyRootFilesystem") != true {
		t.Error("a drain may take both replicas, or the migration may write its own files")
	}
	compose := documents(t, "deploy/compose.yaml")[0]
	for _, service := range []string{"curfew", "migrate"} {
		if at(compose, "services", service, "read_only") != true || at(compose, "services", service, "cap_drop", "0") != "ALL" {
			t.Errorf("compose gives %s more than it needs", service)
		}
	}
}

// Whoever stops a service waits for longer than it takes to stop: the drain and
// the five seconds after it.
func TestWhoeverStopsTheServiceWaitsLongEnough(t *testing.T) {
	t.Parallel()
	const stops = 10 * time.Second
	pod := func(path ...string) any {
		return at(documents(t, "deploy/kubernetes/curfew.yaml")[0], append([]string{"spec", "template", "spec"}, path...)...)
	}
	pause, ok := pod("containers", "0", "lifecycle", "preStop", "sleep", "seconds").(int)
	grace, ok2 := pod("terminationGracePeriodSeconds").(int)
	if !ok || !ok2 || pause < 1 || time.Duration(grace-pause)*time.Second <= stops {
		t.Errorf("a pod has %d seconds, and sleeps for %d of them", grace, pause)
	}
	service := at(documents(t, "deploy/compose.yaml")[0], "services", "curfew")
	given, err := time.ParseDuration(fmt.Sprint(at(service, "stop_grace_period")))
	if err != nil || given <= stops {
		t.Errorf("compose gives %s (%v)", given, err)
	}
	if asks := fmt.Sprint(at(service, "healthcheck", "test")); asks != "[CMD curfew ready]" {
		t.Errorf("compose asks for health by %v", asks)
	}
	unit := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(read(t, "deploy/systemd/curfew.service"))
	if seconds, err := time.ParseDuration(unit[1] + "s"); err != nil || seconds <= stops {
		t.Errorf("systemd gives %v (%v)", unit, err)
	}
	if !strings.Contains(read(t, "deploy/Dockerfile"), `CMD ["curfew", "ready"]`) {
		t.Error("the image has no health check")
	}
}

// A setting in a manifest is one that there is.
func TestTheManifestsSettingsExist(t *testing.T) {
	t.Parallel()
	settings := read(t, "docs/settings.md")
	for _, file := range []string{
		"deploy/compose.yaml", "deploy/kubernetes/curfew.yaml", "deploy/kubernetes/migrate.yaml", "deploy/systemd/curfew.service", "deploy/fly.toml",
		"deploy/render.yaml", "deploy/cloudrun.yaml", "deploy/helm/curfew/values.yaml", "deploy/helm/curfew/templates/deployment.yaml",
		"tools/release/files/curfew.env",
	} {
		for _, name := range regexp.MustCompile(`\bCURFEW_[A-Z_]+`).FindAllString(read(t, file), -1) {
			if !strings.Contains(settings, "`"+name+"`") && name != "CURFEW_" {
				t.Errorf("%s sets %s, which is no setting", file, name)
			}
		}
	}
}

func TestTheServiceFileIsOneThatSystemdReads(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd here")
	}
	verifyUnit(t, strings.Replace(read(t, "deploy/systemd/curfew.service"), "ExecStart=/usr/local/bin/curfew", "ExecStart=/bin/true", 1)) // one that is installed
}

// verifyUnit asks systemd, where it is installed, what it thinks of a service file.
func verifyUnit(t *testing.T, unit string) {
	t.Helper()
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return
	}
	file := filepath.Join(t.TempDir(), "curfew.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), verify, "verify", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func unmarshal(t *testing.T, file string, to any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), to); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// documents is the YAML documents of a file.
func documents(t *testing.T, file string) (all []map[string]any) {
	t.Helper()
	for decode := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file)))); ; {
		var doc map[string]any
		err := decode.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, doc)
	}
}

// at goes down keys and numbers; nil where there is nothing.
func at(v any, path ...string) any {
	for _, key := range path {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[key]
		case []any:
			if len(inner) == 0 || key != "0" {
				return nil
			}
			v = inner[0]
		default:
			return nil
		}
	}
	return v
}
