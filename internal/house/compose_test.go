package house_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composition is what these tests look at of docker-compose.yml.
type composition struct {
	Services map[string]service  `yaml:"services"`
	Volumes  map[string]struct{} `yaml:"volumes"`
	Secrets  map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type service struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	Secrets     []string          `yaml:"secrets"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	Deploy struct {
		Resources struct {
			Limits struct {
				CPUs   string `yaml:"cpus"`
				Memory string `yaml:"memory"`
			} `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"deploy"`
}

func rootFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compose(t *testing.T) composition {
	t.Helper()
	var c composition
	if err := yaml.Unmarshal([]byte(rootFile(t, "docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeRunsTheThreeServices(t *testing.T) {
	c := compose(t)
	if got, want := slices.Sorted(maps.Keys(c.Services)), []string{"carteiro", "postgres", "redis"}; !slices.Equal(got, want) {
		t.Fatalf("services %q, want %q", got, want)
	}
	for name, s := range c.Services {
		if len(s.Healthcheck.Test) < 2 {
			t.Errorf("%s has no health check: %q", name, s.Healthcheck.Test)
		}
		if limits := s.Deploy.Resources.Limits; limits.CPUs == "" || limits.Memory == "" {
			t.Errorf("%s may take the whole machine: limits %+v", name, limits)
		}
		if len(s.Volumes) == 0 {
			t.Errorf("%s keeps nothing: it has no volume", name)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[source]; !ok {
				t.Errorf("%s mounts %q, which is no volume of the file", name, v)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %q on every address of the machine", name, p)
			}
		}
	}
	for _, name := range []string{"postgres", "redis"} {
		if got := c.Services["carteiro"].DependsOn[name].Condition; got != "service_healthy" {
			t.Errorf("carteiro waits for %s until %q, want service_healthy", name, got)
		}
		if ports := c.Services[name].Ports; len(ports) > 0 {
			t.Errorf("%s is published: %q", name, ports)
		}
	}
}

func TestComposeDoesNotLetRedisForget(t *testing.T) {
	command := strings.Join(compose(t).Services["redis"].Command, " ")
	for _, want := range []string{" --maxmemory-policy noeviction ", " --appendonly yes "} {
		if !strings.Contains(command, want) {
			t.Errorf("redis runs as %q, want %s", command, want)
		}
	}
}

// TestComposeHasNoSecretInIt: secrets come from files that the instruction at
// the top makes, and whoever needs one gets that one only.
func TestComposeHasNoSecretInIt(t *testing.T) {
	c := compose(t)
	text := rootFile(t, "docker-compose.yml")
	sensitive := regexp.MustCompile(`PASSWORD|SECRET|ADMIN_KEY|AUTH|DATABASE_URL|REDIS_URL`)
	for name, s := range c.Services {
		for key, value := range s.Environment {
			if !sensitive.MatchString(key) {
				continue
			}
			file, ok := strings.CutPrefix(value, "/run/secrets/")
			if !ok || !strings.HasSuffix(key, "_FILE") || !slices.Contains(s.Secrets, file) {
				t.Errorf("%s: %s is %q, want a secret that it gets", name, key, value)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File != "./secrets/"+secret || !strings.Contains(text, " > "+secret+"\n") {
				t.Errorf("the secret %s is in %q, and the instruction at the top does not make it", secret, c.Secrets[secret].File)
			}
		}
	}
	if got := c.Services["carteiro"].Secrets; slices.Contains(got, "postgres_password") || slices.Contains(got, "redis_password") {
		t.Errorf("carteiro has secrets that it does not need: %q", got)
	}
	if got := regexp.MustCompile(`://[^\s"]*:[^\s"$@]+@`).FindString(text); got != "" {
		t.Errorf("a URL has a password in it: %s", got)
	}
}

func TestTheImageIsSmallAndNotRoot(t *testing.T) {
	text := rootFile(t, "Dockerfile")
	final := text[strings.LastIndex(text, "\nFROM ")+1:]
	for _, line := range []string{
		"FROM scratch", "USER 65532:65532", "EXPOSE 8080", `ENTRYPOINT ["/carteiro"]`, `CMD ["serve"]`,
		"HEALTHCHECK", `CMD ["/carteiro", "healthcheck"]`, "ca-certificates.crt",
	} {
		if !strings.Contains(final, line) {
			t.Errorf("the final stage of the Dockerfile has no %q", line)
		}
	}
	for _, part := range []string{"CGO_ENABLED=0", "-trimpath", "-buildvcs=false", "GO_VERSION=1.26\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("the Dockerfile does not build with %q", part)
		}
	}
	for file, ways := range map[string][]string{".dockerignore": {".env", "secrets", ".git"}, ".gitignore": {".env", "/secrets/"}} {
		for _, way := range ways {
			if !strings.Contains(rootFile(t, file), "\n"+way+"\n") {
				t.Errorf("%s lets %s in", file, way)
			}
		}
	}
}
