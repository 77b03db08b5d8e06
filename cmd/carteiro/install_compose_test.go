package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/carteiro-webhooks/carteiro/config"
)

type composition struct {
	Services map[string]struct {
		Command     []string
		Environment map[string]string
		Secrets     []string
		Healthcheck struct{ Test []string }
		Grace       string `yaml:"stop_grace_period"`
		Deploy      struct {
			Resources struct {
				Limits struct{ Memory string }
			}
		}
	}
}

// composeSecrets runs what the top of docker-compose.yml says, in a directory
// of its own, and returns where the secrets are.
func composeSecrets(t *testing.T, text string) string {
	t.Helper()
	var script strings.Builder
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if line, ok := strings.CutPrefix(s.Text(), "#   "); ok {
			script.WriteString(line + "\n")
		}
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-euc", script.String())
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, "secrets")
}

// TestComposeFitsTheProgram: the secrets that its instruction makes are
// settings that the program takes, and Redis starts with the password.
func TestComposeFitsTheProgram(t *testing.T) {
	text := readRoot(t, "docker-compose.yml")
	var c composition
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	dir := composeSecrets(t, text)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others can look into the secrets: %v, %v", info.Mode(), err)
	}
	s := c.Services["carteiro"]
	values := map[string]string{}
	for name, value := range s.Environment {
		if file, ok := strings.CutPrefix(value, "/run/secrets/"); ok {
			value = filepath.Join(dir, file)
			if info, err := os.Stat(value); err != nil || info.Mode().Perm() != 0o444 {
				t.Errorf("the user of the container cannot read %s: %v", file, err)
			}
		}
		values[name] = value
	}
	settings, err := config.Load(config.Options{Environ: environOf(values)})
	if err != nil {
		t.Fatal(err)
	}
	if !settings.PostgreSQL() || settings.EmbeddedRedis() || settings.AdminKey.Empty() {
		t.Error("a server or the admin key is not what the secrets say")
	}
	grace, err := time.ParseDuration(s.Grace)
	if err != nil || grace < stopTime(settings.StopDelay) {
		t.Errorf("carteiro is killed after %q, and may take %s to stop", s.Grace, stopTime(settings.StopDelay))
	}
	checkMemory(t, values["GOMEMLIMIT"], s.Deploy.Resources.Limits.Memory)
	password, err := os.ReadFile(filepath.Join(dir, "redis_password"))
	if err != nil || !strings.Contains(settings.RedisURL, ":"+strings.TrimSpace(string(password))+"@") {
		t.Errorf("Redis has another password than its URL: %v", err)
	}
	t.Run("redis", func(t *testing.T) {
		startComposed(t, dir, c.Services["redis"].Command, c.Services["redis"].Healthcheck.Test)
	})
}

// startComposed runs the command of Redis with this machine's Redis until the
// health check of the file says that it is well.
func startComposed(t *testing.T, secrets string, command, check []string) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CARTEIRO_TEST_SERVERS") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	bin := t.TempDir()
	client, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"docker-entrypoint.sh": `exec "$@" --port ` + port + ` --bind 127.0.0.1 --dir ` + t.TempDir(),
		"redis-cli":            "exec " + client + " -p " + port + ` "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(line string) *exec.Cmd {
		line = strings.ReplaceAll(strings.ReplaceAll(line, "$$", "$"), "/run/secrets", secrets)
		cmd := exec.Command("sh", "-c", line)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		return cmd
	}
	server := run(command[2])
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	waitFor(t, "Redis is healthy", func() bool { return run(check[1]).Run() == nil })
	if out, err := exec.Command(client, "-p", port, "ping").CombinedOutput(); err != nil || !strings.Contains(string(out), "NOAUTH") {
		t.Errorf("without the password it answers %s, %v", out, err)
	}
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(server.Process.Pid), "cmdline"))
	if err == nil && strings.Contains(string(line), "requirepass") {
		t.Errorf("the list of processes shows %q", line)
	}
}
