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
}

type service struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
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
	command := compose(t).Services["redis"].Command
	for option, want := range map[string]string{"--maxmemory-policy": "noeviction", "--appendonly": "yes"} {
		i := slices.Index(command, option)
		if i < 0 || i+1 == len(command) || command[i+1] != want {
			t.Errorf("redis runs as %q, want %s %s", command, option, want)
		}
	}
}

// notWritten is what a secret may look like in docker-compose.yml: a variable
// that must be set.
var notWritten = regexp.MustCompile(`\$\{[A-Z_]+:\?[^}]+\}`)

func TestComposeHasNoSecretInIt(t *testing.T) {
	for name, s := range compose(t).Services {
		for key, value := range s.Environment {
			secret := regexp.MustCompile(`PASSWORD|SECRET|ADMIN_KEY|AUTH`).MatchString(key)
			if secret && notWritten.ReplaceAllString(value, "") != "" {
				t.Errorf("%s: %s is %q, want a variable that must be set", name, key, value)
			}
			_, userinfo, _ := strings.Cut(value, "://")
			userinfo, _, hasUser := strings.Cut(notWritten.ReplaceAllString(userinfo, ""), "@")
			if _, password, _ := strings.Cut(userinfo, ":"); hasUser && password != "" {
				t.Errorf("%s: the URL of %s has a password in it", name, key)
			}
		}
		if i := slices.Index(s.Command, "--requirepass"); i >= 0 && notWritten.ReplaceAllString(s.Command[i+1], "") != "" {
			t.Errorf("%s: the password is written in the command", name)
		}
	}
	// The instruction at the top makes every variable that must be set.
	text := rootFile(t, "docker-compose.yml")
	for _, use := range notWritten.FindAllString(text, -1) {
		name, _, _ := strings.Cut(strings.TrimPrefix(use, "${"), ":")
		if !strings.Contains(text, `echo "`+name+`=$(openssl rand`) {
			t.Errorf("%s must be set, but the instruction at the top of the file does not make it", name)
		}
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
	for _, part := range []string{"CGO_ENABLED=0", "-trimpath", "golang:1.26"} {
		if !strings.Contains(text, part) {
			t.Errorf("the Dockerfile does not build with %q", part)
		}
	}
	if !strings.Contains(rootFile(t, ".dockerignore"), "\n.env\n") {
		t.Error(".dockerignore lets .env into the image")
	}
	if !strings.Contains(rootFile(t, ".gitignore"), "\n.env\n") {
		t.Error(".gitignore lets .env into the repository")
	}
}
