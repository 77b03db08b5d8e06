package main

import (
	"cmp"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// stopTime is how long the program takes to stop at most, with a delay.
func stopTime(delay time.Duration) time.Duration { return delay + intakeStop + deliveriesStop }

func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kubeObject is what these tests look at of an object of Kubernetes;
// test/manifests reads all of it.
type kubeObject struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Strings  map[string]string `yaml:"stringData"`
	Spec     struct {
		Template struct {
			Spec struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []kubeContainer
			}
		}
	}
}

type kubeContainer struct {
	Args  []string
	Env   []struct{ Name, Value string }
	Ports []struct {
		Port int `yaml:"containerPort"`
	}
	Startup   kubeProbe `yaml:"startupProbe"`
	Liveness  kubeProbe `yaml:"livenessProbe"`
	Readiness kubeProbe `yaml:"readinessProbe"`
	Resources struct {
		Limits struct{ Memory string }
	}
}

type kubeProbe struct {
	HTTP struct{ Path, Port string } `yaml:"httpGet"`
}

func kubeObjects(t *testing.T) (list []kubeObject) {
	t.Helper()
	folder := "deploy/kubernetes"
	names, err := os.ReadDir(filepath.Join("..", "..", folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range names {
		if entry.IsDir() {
			continue
		}
		for document := range strings.SplitSeq(readRoot(t, folder+"/"+entry.Name()), "\n---\n") {
			var o kubeObject
			if err := yaml.Unmarshal([]byte(document), &o); err != nil {
				t.Fatalf("%s: %v", entry.Name(), err)
			}
			list = append(list, o)
		}
	}
	return list
}

// kubeSettings are what the pods share, with values for what whoever installs
// fills in.
func kubeSettings(list []kubeObject) map[string]string {
	shared := map[string]string{}
	for _, o := range list {
		maps.Copy(shared, o.Data)
		for name, value := range o.Strings {
			shared[name] = cmp.Or(value, strings.Repeat("ab", 32))
		}
	}
	return shared
}

func environOf(values map[string]string) (list []string) {
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	return list
}

// TestKubernetesFitsTheProgram: the pods have settings that the program takes,
// ports on which it listens, probes that it answers, and the time that it needs
// to stop.
func TestKubernetesFitsTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each kind of pod")
	}
	list := kubeObjects(t)
	var roles []string
	for _, o := range list {
		if o.Kind != "Deployment" && o.Kind != "Job" {
			continue
		}
		t.Run(o.Metadata.Name, func(t *testing.T) {
			pod := o.Spec.Template.Spec
			container := pod.Containers[0]
			values := kubeSettings(list)
			for _, v := range container.Env {
				values[v.Name] = v.Value
			}
			c, err := config.Load(config.Options{Environ: environOf(values)})
			if err != nil {
				t.Fatal(err)
			}
			checkMemory(t, values["GOMEMLIMIT"], container.Resources.Limits.Memory)
			if o.Kind == "Job" {
				if !slices.Equal(container.Args, []string{"migrate"}) || c.Migrate != config.MigrateManual {
					t.Errorf("the job runs %q, and the others migrate %s", container.Args, c.Migrate)
				}
				return
			}
			roles = append(roles, c.Roles.String())
			if grace := time.Duration(pod.Grace) * time.Second; grace < stopTime(c.StopDelay) {
				t.Errorf("the pod is killed after %s, and may take %s to stop", grace, stopTime(c.StopDelay))
			}
			if _, port, err := net.SplitHostPort(c.Listen); err != nil || port != strconv.Itoa(container.Ports[0].Port) {
				t.Errorf("it listens on %s, and its port is %d", c.Listen, container.Ports[0].Port)
			}
			p := startShared(t, testserver.Postgres(t), testserver.Redis(t).URL(), "CARTEIRO_ROLES="+c.Roles.String())
			for _, probe := range []kubeProbe{container.Startup, container.Liveness, container.Readiness} {
				if status := p.call("GET", probe.HTTP.Path, "", nil); status != 200 || probe.HTTP.Port != "http" {
					t.Errorf("the probe of %+v answers %d", probe.HTTP, status)
				}
			}
		})
	}
	slices.Sort(roles)
	if !slices.Equal(roles, []string{"api", "scheduler", "worker"}) {
		t.Errorf("the pods do %q", roles)
	}
}

// checkMemory wants Go's own limit a little below the container's.
func checkMemory(t *testing.T, own, limit string) {
	t.Helper()
	o, l := bytesOf(t, own), bytesOf(t, limit)
	if o < l*8/10 || o > l*95/100 {
		t.Errorf("GOMEMLIMIT is %s, and the container's limit %s", own, limit)
	}
}

func bytesOf(t *testing.T, text string) int64 {
	t.Helper()
	parts := regexp.MustCompile(`^(\d+)(Ki|Mi|Gi|k|m|g|K|M|G)(B?)$`).FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("%q is no size", text)
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << map[string]int{"k": 10, "m": 20, "g": 30}[strings.ToLower(parts[2][:1])]
}

// TestTheImageFitsTheProgram: what the Dockerfile sets are settings, and its
// port is the one on which the program listens.
func TestTheImageFitsTheProgram(t *testing.T) {
	text := readRoot(t, "Dockerfile")
	var environ []string
	for _, pair := range regexp.MustCompile(`CARTEIRO_[A-Z_]+=\S+`).FindAllString(text, -1) {
		environ = append(environ, strings.TrimSuffix(pair, `\`))
	}
	c, err := config.Load(config.Options{Environ: environ})
	if err != nil || len(environ) < 2 {
		t.Fatalf("%q: %v", environ, err)
	}
	_, port, _ := net.SplitHostPort(c.Listen)
	if !strings.Contains(text, "\nEXPOSE "+port+"\n") || !strings.Contains(text, "\nVOLUME "+c.DataDir+"\n") {
		t.Errorf("the image has another port than %s, or keeps something else than %s", port, c.DataDir)
	}
	if !strings.Contains(text, "-X main.release=") {
		t.Error("the image does not know its version")
	}
}

// unitValues are the values of a key of the unit of systemd, in order.
func unitValues(unit, key string) (list []string) {
	for line := range strings.Lines(unit) {
		if value, ok := strings.CutPrefix(line, key+"="); ok {
			list = append(list, strings.TrimSpace(value))
		}
	}
	return list
}

// TestTheUnitFitsTheProgram: as above, for systemd.
func TestTheUnitFitsTheProgram(t *testing.T) {
	unit := readRoot(t, "deploy/systemd/carteiro.service")
	values := map[string]string{}
	for _, pair := range unitValues(unit, "Environment") {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = strings.ReplaceAll(value, "%S", "/var/lib")
	}
	c, err := config.Load(config.Options{Environ: environOf(values)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "/var/lib/" + strings.Join(unitValues(unit, "StateDirectory"), " "); c.DataDir != want {
		t.Errorf("the data are in %s, and systemd makes %s", c.DataDir, want)
	}
	grace, err := time.ParseDuration(unitValues(unit, "TimeoutStopSec")[0] + "s")
	if err != nil || grace < stopTime(c.StopDelay) {
		t.Errorf("it is killed after %s, and may take %s to stop: %v", grace, stopTime(c.StopDelay), err)
	}
	checkMemory(t, values["GOMEMLIMIT"], unitValues(unit, "MemoryMax")[0])
}
