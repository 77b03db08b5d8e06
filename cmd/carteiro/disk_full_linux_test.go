package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// smallDisk is set in the process that has a small file system of its own.
const smallDisk = "CARTEIRO_TEST_SMALL_DISK"

// capSysAdmin is the right to mount.
const capSysAdmin = 21

// TestDiskFull: a real file system runs full under SQLite, and under
// PostgreSQL's tables. Intake answers 503, nothing that was accepted is lost,
// and when there is room again everything goes on by itself. The test runs in
// a process with a mount namespace, so that nobody else sees the file system,
// and nothing is left of it whatever happens. Who may not have one by itself
// gets it inside a user namespace.
func TestDiskFull(t *testing.T) {
	if testing.Short() {
		t.Skip("fills file systems")
	}
	if os.Getenv(smallDisk) != "" {
		t.Run("sqlite", fillSQLite)
		t.Run("postgres", fillPostgres)
		return
	}
	out, err := onItsOwn(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})
	if errors.Is(err, syscall.EPERM) {
		namespaces := testserver.SameUsers(capSysAdmin)
		namespaces.Cloneflags |= syscall.CLONE_NEWNS
		out, err = onItsOwn(namespaces)
	}
	if errors.Is(err, syscall.EPERM) && os.Getenv("CARTEIRO_TEST_SERVERS") != "required" {
		t.Skipf("this system lets nobody but root mount a file system: %v", err)
	}
	if t.Log(string(out)); err != nil {
		t.Fatalf("%v (a container needs CAP_SYS_ADMIN, or user namespaces)", err)
	}
}

// onItsOwn runs the test in a process with namespaces.
func onItsOwn(namespaces *syscall.SysProcAttr) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-test.run=^TestDiskFull$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), smallDisk+"=1")
	cmd.SysProcAttr = namespaces
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return cmd.CombinedOutput()
}

// mount makes a file system of a size.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("carteiro", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes to a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

func fillSQLite(t *testing.T) {
	dir := mount(t, "size=32m")
	p := start(t, dir, nil, "serve")
	untilFull(t, p, filepath.Join(dir, "filler"))
}

func fillPostgres(t *testing.T) {
	ctx := context.Background()
	server := testserver.PostgresOwn(t)
	operator := session(t, server.URL("postgres"))
	defer hangUp(operator)
	var data string
	if err := operator.QueryRow(ctx, "SHOW data_directory").Scan(&data); err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	dir := mount(t, "size=64m")
	tables := filepath.Join(dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	who := owner.Sys().(*syscall.Stat_t)
	for _, path := range []string{dir, tables} {
		if err := os.Chown(path, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	for up := filepath.Dir(dir); up != os.TempDir(); up = filepath.Dir(up) { // others may pass through
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, operator, "CREATE TABLESPACE small LOCATION '"+tables+"'", "CREATE DATABASE test_small TABLESPACE small")
	p := startShared(t, server.URL("test_small"), testserver.Redis(t).URL())
	untilFull(t, p, filepath.Join(dir, "filler"))
	p.kill()
	execute(t, operator, "DROP DATABASE test_small WITH (FORCE)", "DROP TABLESPACE small")
}

// untilFull fills what is left of the disk and posts until the database has
// used up what it had in reserve; then it makes room again.
func untilFull(t *testing.T, p *process, filler string) {
	url, got := newAgreeing(t, 0)
	p.subscribe(url)
	s := &poster{t: t, p: p, padding: 50_000}
	s.at(4, 5)
	fill(t, filler)
	refused := []outcome{}
	for range 100 {
		for _, o := range s.at(4, 5) {
			if o.status != 202 {
				refused = append(refused, o)
			}
		}
		if len(refused) >= 40 {
			break
		}
	}
	if len(refused) == 0 {
		t.Fatal("the disk never ran full")
	}
	s.wantRefused(refused)
	waitFor(t, "the database is full", func() bool {
		s.at(1, 1)
		status, parts := p.ready()
		return status == 503 && parts["database"] == "full"
	})
	if status := p.call("GET", "/healthz", "", nil); status != 200 {
		t.Errorf("/healthz answers %d", status)
	}
	if status := p.call("GET", "/v1/deliveries", "", nil); status != 200 {
		t.Errorf("a full disk can be read, and the list answers %d", status)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	p.waitReady()
	for _, o := range s.at(2, 2) {
		if o.status != 202 {
			t.Errorf("with room again: %+v", o)
		}
	}
	s.wantDelivered(got)
	t.Logf("%d accepted, %d refused", len(s.accepted.copy()), len(refused))
}
