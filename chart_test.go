package curfew_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const chartDir = "deploy/helm/curfew/"

// chart renders the chart with changed values, and returns its objects by kind. The chart uses no more of Helm than these
// few functions; Helm itself would be a hundred modules.
func chart(t *testing.T, change func(values map[string]any)) map[string]map[string]any {
	t.Helper()
	var values, about map[string]any
	unmarshal(t, chartDir+"values.yaml", &values)
	unmarshal(t, chartDir+"Chart.yaml", &about)
	if change != nil {
		change(values)
	}
	files, err := filepath.Glob(chartDir + "templates/*")
	if err != nil || len(files) < 8 {
		t.Fatalf("%q (%v)", files, err)
	}
	all := template.New("chart").Option("missingkey=error")
	all.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := all.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"nindent": func(n int, text string) string {
			pad := "\n" + strings.Repeat(" ", n)
			return pad + strings.ReplaceAll(text, "\n", pad)
		},
		"quote":  func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"toJson": func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err },
		"default": func(otherwise, v any) any {
			if v == nil || reflect.ValueOf(v).IsZero() {
				return otherwise
			}
			return v
		},
	})
	if _, err := all.ParseFiles(files...); err != nil {
		t.Fatal(err)
	}
	objects := map[string]map[string]any{}
	for _, file := range files {
		var b bytes.Buffer
		if err := all.ExecuteTemplate(&b, filepath.Base(file), map[string]any{
			"Values": values, "Release": map[string]any{"Name": "curfew"}, "Chart": map[string]any{"AppVersion": about["appVersion"]},
		}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		for decode := yaml.NewDecoder(&b); ; {
			var object map[string]any
			err := decode.Decode(&object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			objects[fmt.Sprint(object["kind"])] = object
		}
	}
	return objects
}

func TestTheChartMakesWhatTheManifestsSay(t *testing.T) {
	t.Parallel()
	made, plain := chart(t, nil), documents(t, "deploy/kubernetes/curfew.yaml")[0]
	const pod = "spec template spec "
	for _, same := range []string{
		"spec replicas", "spec strategy", pod + "automountServiceAccountToken", pod + "enableServiceLinks", pod + "securityContext",
		pod + "terminationGracePeriodSeconds", pod + "containers 0 securityContext", pod + "containers 0 lifecycle", pod + "containers 0 startupProbe",
		pod + "containers 0 readinessProbe", pod + "containers 0 livenessProbe", pod + "containers 0 resources", pod + "containers 0 ports",
	} {
		got, want := at(made["Deployment"], strings.Fields(same)...), at(plain, strings.Fields(same)...)
		if got == nil || !reflect.DeepEqual(got, want) {
			t.Errorf("the chart's %s is %v, the manifest's %v", same, got, want)
		}
	}
	if got := at(made["Job"], strings.Fields(pod+"containers 0 securityContext readOnlyRootFilesystem")...); got != true {
		t.Error("the migration may write its own files")
	}
	labels := at(made["Deployment"], "spec", "template", "metadata", "labels")
	for kind, path := range map[string]string{
		"Deployment": "spec selector matchLabels", "Service": "spec selector", "PodDisruptionBudget": "spec selector matchLabels",
		"NetworkPolicy": "spec podSelector matchLabels",
	} {
		if got := at(made[kind], strings.Fields(path)...); got == nil || !reflect.DeepEqual(got, labels) {
			t.Errorf("%s is of the pods %v, not of %v", kind, got, labels)
		}
	}
	if reflect.DeepEqual(at(made["Job"], "spec", "template", "metadata", "labels"), labels) {
		t.Error("the service would lead to the pods of the migration")
	}
}

// What a value turns off is not there, and no value opens what it should close.
func TestTheChartsValuesAreObeyed(t *testing.T) {
	t.Parallel()
	if made := chart(t, nil); made["PodMonitor"] != nil || made["Job"] == nil {
		t.Error("without values: a PodMonitor that the cluster may not know, or no migration")
	}
	made := chart(t, func(v map[string]any) {
		v["migrate"], v["podDisruptionBudget"] = false, false
		v["podMonitor"] = map[string]any{"enabled": true, "interval": "30s"}
		v["networkPolicy"] = map[string]any{"enabled": true, "operators": []any{}}
		v["image"] = map[string]any{"repository": "registry.example.org/curfew", "tag": "1.2.3", "pullPolicy": "Always"}
		v["settings"] = map[string]any{"CURFEW_WAITING_TTL": "20m", "CURFEW_BLOCKED_REPEATEDLY": 5}
	})
	if made["Job"] != nil || made["PodDisruptionBudget"] != nil {
		t.Error("what was turned off is there")
	}
	if got := at(made["PodMonitor"], "spec", "podMetricsEndpoints", "0", "port"); got != "ops" {
		t.Errorf("the monitor reads %v", got)
	}
	if rules, _ := at(made["NetworkPolicy"], "spec", "ingress").([]any); len(rules) != 1 || at(rules, "0", "ports", "0", "port") != "http" {
		t.Errorf("without operators, these may call: %v", rules)
	}
	container := func(path ...string) any {
		return at(made["Deployment"], append([]string{"spec", "template", "spec", "containers", "0"}, path...)...)
	}
	if got := container("image"); got != "registry.example.org/curfew:1.2.3" {
		t.Errorf("the image is %v", got)
	}
	text := fmt.Sprint(container("env"))
	for _, want := range []string{"name:CURFEW_WAITING_TTL value:20m", "name:CURFEW_BLOCKED_REPEATEDLY value:5", "name:CURFEW_LISTEN value:0.0.0.0:3001"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// The chart's version is the newest in the changelog.
func TestTheChartIsOfTheNewestVersion(t *testing.T) {
	t.Parallel()
	newest := regexp.MustCompile(`(?m)^## \[(\d\S*)\]`).FindStringSubmatch(read(t, "CHANGELOG.md"))[1]
	var about struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}
	unmarshal(t, chartDir+"Chart.yaml", &about)
	if about.Version != newest || about.AppVersion != newest {
		t.Errorf("%+v, and the changelog is at %s", about, newest)
	}
}

// Each platform is told where to ask, to migrate first, and to wait for longer than a stop takes.
func TestThePlatformsAreToldTheSame(t *testing.T) {
	t.Parallel()
	var render struct {
		Services []map[string]any
	}
	var railway struct{ Deploy map[string]any }
	unmarshal(t, "deploy/render.yaml", &render)
	if err := json.Unmarshal([]byte(read(t, "deploy/railway.json")), &railway); err != nil {
		t.Fatal(err)
	}
	cloudrun := at(documents(t, "deploy/cloudrun.yaml")[0], "spec", "template", "spec", "containers", "0")
	for what, got := range map[string]any{
		"Render asks at": render.Services[0]["healthCheckPath"], "Railway asks at": railway.Deploy["healthcheckPath"],
		"Cloud Run asks at": at(cloudrun, "startupProbe", "httpGet", "path"),
	} {
		if got != "/readyz" {
			t.Errorf("%s %v", what, got)
		}
	}
	if render.Services[0]["maxShutdownDelaySeconds"] != 15 || railway.Deploy["drainingSeconds"] != 15.0 {
		t.Error("Render or Railway stops too soon")
	}
	fly := read(t, "deploy/fly.toml")
	for _, want := range []string{`kill_timeout = "15s"`, `release_command = "migrate"`, `path = "/readyz"`, `PORT = "8080"`, `internal_port = 8080`} {
		if !strings.Contains(fly, want) {
			t.Errorf("fly.toml lacks %s", want)
		}
	}
	if !strings.Contains(read(t, "deploy/Dockerfile"), "ENV PORT=3001") {
		t.Error("the image has no port where a platform gives none")
	}
}
