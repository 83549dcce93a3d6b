package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const rulesFile = "../../deploy/prometheus/curfew.rules.yml"

var (
	countedSeries = regexp.MustCompile(`\b(curfew_[a-z_]+_(?:total|bucket))(?:\{([^}]*)\})?`)
	alertRule     = regexp.MustCompile(`(?s)- alert: (\w+).*?expr: ([^\n]+)`)
	label         = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// An alert that counts must see the first event of a process that has just
// started: its series are there, at 0, and from there it fires.
func TestAlertsSeeTheFirstEventOfAFreshProcess(t *testing.T) {
	t.Parallel()
	p := serving(t, t.TempDir(), nil)
	metrics := get(t, p.ops+"/metrics")
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	counting := 0
	for _, rule := range alertRule.FindAllStringSubmatch(string(text), -1) {
		for _, asked := range countedSeries.FindAllStringSubmatch(rule[2], -1) {
			series := matching(metrics, asked[1], asked[2])
			if len(series) == 0 {
				t.Errorf("%s counts %s, which a fresh process has not", rule[1], asked[0])
			}
			for _, line := range series {
				if !strings.HasSuffix(line, " 0") {
					t.Errorf("a fresh process has %s", line)
				}
				if strings.HasSuffix(asked[1], "_total") {
					counting++
					firesAtTheFirst(t, rule[1], strings.TrimSuffix(line, " 0"))
				}
			}
		}
	}
	if counting < 3 {
		t.Errorf("only %d series are counted", counting)
	}
}

// matching returns the series of a name that have these labels.
func matching(metrics, name, labels string) (found []string) {
	for line := range strings.Lines(metrics) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		all := true
		for _, l := range label.FindAllString(labels, -1) {
			all = all && strings.Contains(line, l)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// firesAtTheFirst shows Prometheus the series at 0, and then its first event.
func firesAtTheFirst(t *testing.T, alert, series string) {
	t.Helper()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.yml")
	test := fmt.Sprintf(`rule_files: [%q]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - { series: '%s', values: '0x4 1x40' }
      - { series: 'curfew_sweeper_last_success_timestamp_seconds', values: '0+30x60' }
    promql_expr_test:
      - expr: 'count(ALERTS{alertname="%s", alertstate="firing"})'
        eval_time: 8m
        exp_samples: [{ value: 1 }]
`, rules, series, alert)
	if err := os.WriteFile(file, []byte(test), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%s does not fire at the first of %s: %v\n%s", alert, series, err, out)
	}
}
