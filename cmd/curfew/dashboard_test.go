package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/api"
)

// Every query of the dashboard finds something in what a service that works has told: the metrics of one, read before
// and after some calls, as Prometheus would have kept them.
func TestEveryPanelShowsSomething(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing, which evaluates the queries: run `make test`, which installs it")
	}
	dir := t.TempDir()
	p := serving(t, dir, nil, "--auth-key-file=curfew.key", "--blocked-repeatedly=1") // one refusal is a problem
	before := samples(t, p)
	shop := p.client(t, dir, "service", "shop")
	for i, customer := range []string{"kim", "kim", "lou"} { // kim's second payment finds the slot taken, and is owed
		if _, err := shop.FulfillCheckout(t.Context(), api.Purchase{
			PaymentRef: fmt.Sprint("pi-", i), CustomerID: customer, Plan: "chat10", Amount: new(int64(2900)), Currency: "eur",
		}); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := command(dir, nil, "cleanup", "--max-age=1ms", "--reason=a look", "--customer=lou"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var after map[string]string
	until(t.Context(), t, "the metrics know of the payments", func() bool {
		after = samples(t, p)
		return after[`curfew_health_problems{code="blocked_repeatedly",severity="warning"}`] != "" && after[`curfew_admissions_total{outcome="fulfilled"}`] == "2" && after[`curfew_checkouts{outcome="credited"}`] == "1"
	})
	file := filepath.Join(dir, "dashboard.test.yml")
	if err := os.WriteFile(file, recorded(t, before, after), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var sampleLine = regexp.MustCompile(`(?m)^([a-z_]+(?:\{[^\n]*\})?) ([0-9.e+-]+)$`)

// samples is what /metrics tells.
func samples(t *testing.T, p *process) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range sampleLine.FindAllStringSubmatch(get(t, p.ops+"/metrics"), -1) {
		all[m[1]] = m[2]
	}
	if len(all) < 100 {
		t.Fatalf("%d samples", len(all))
	}
	return all
}

// recorded is a test of promtool: the samples of ten minutes, and each query with the claim that it finds something.
func recorded(t *testing.T, before, after map[string]string) []byte {
	t.Helper()
	var series, tests []map[string]any
	for name, value := range after {
		first, ok := before[name]
		if !ok {
			first = value
		}
		name = strings.TrimSuffix(name, "}")
		if strings.Contains(name, "{") {
			name += ","
		} else {
			name += "{"
		}
		series = append(series, map[string]any{"series": name + `job="curfew"}`, "values": first + "+0x20 " + value + "+0x20"})
	}
	for _, expr := range panelQueries(t) {
		if strings.Contains(expr, "curfew_deliveries_total") { // comes with the first endpoint
			continue
		}
		expr = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*").Replace(expr)
		tests = append(tests, map[string]any{
			"expr": "count(" + expr + ") >= bool 1", "eval_time": "6m", "exp_samples": []map[string]any{{"labels": "{}", "value": 1}},
		})
	}
	text, err := json.Marshal(map[string]any{ // JSON is YAML
		"evaluation_interval": "15s",
		"tests":               []map[string]any{{"interval": "15s", "input_series": series, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// panelQueries are the queries of deploy/grafana/curfew.json.
func panelQueries(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/curfew.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}
