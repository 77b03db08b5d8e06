package mongowire

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const key = "an-admin-key-of-more-than-32-characters"

// serve builds and runs the program, and returns its address once it is ready.
func serve(t *testing.T, environ ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "carteiro")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/carteiro").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "serve")
	cmd.Env = append([]string{
		"HOME=" + t.TempDir(), "CARTEIRO_DATA_DIR=" + t.TempDir(), "CARTEIRO_LISTEN=127.0.0.1:0", "CARTEIRO_ADMIN_KEY=" + key,
	}, environ...)
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		for lines.Scan() { // until the pipe ends
		}
		must(t, cmd.Wait())
	})
	watch := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(os.Kill) })
	defer watch.Stop()
	ready := regexp.MustCompile(`carteiro is ready.* listen=(\S+)`)
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			return "http://" + m[1]
		}
	}
	t.Fatal("the program ended, or was not ready within a minute")
	return ""
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode > 299 {
		t.Fatalf("%s %s: %s %s", method, url, res.Status, answer)
	}
	return string(answer)
}

// TestServeReadsTheCollections asks the whole program what an export would
// send: one dataset from MongoDB, another from what was put.
func TestServeReadsTheCollections(t *testing.T) {
	p := newPlatform(t)
	for i := range 3 {
		p.insert("orders", bson.D{
			{Key: "_id", Value: fmt.Sprint("o", i)},
			{Key: "shop", Value: "acme"},
			{Key: "total", Value: 100.0 * float64(i)},
			{Key: "__v", Value: int32(0)},
			{Key: "updatedAt", Value: at(15, 9+i)},
		})
	}
	base := serve(t, "CARTEIRO_MONGO_URL="+p.url, "CARTEIRO_MONGO_DATABASE="+database, "CARTEIRO_MONGO_COLLECTIONS=vendas=orders:shop:-__v -shop")
	ask(t, "POST", base+"/v1/subscriptions", `{"client_id":"acme","url":"https://hooks.example.com/x","event_types":["*"]}`)
	ask(t, "PUT", base+"/v1/records/cadastros?client_id=acme", `[{"_id":"c1","updatedAt":"2025-06-15T18:00:00Z"}]`)
	for export, want := range map[string]string{
		"vendas": `{"event":"venda_export","data":[{"_id":"o0","total":0,"updatedAt":"2025-06-15T12:00:00Z"},` +
			`{"_id":"o1","total":100,"updatedAt":"2025-06-15T13:00:00Z"},{"_id":"o2","total":200,"updatedAt":"2025-06-15T14:00:00Z"}]}`,
		"cadastros": `{"event":"cadastro_export","data":[{"_id":"c1","updatedAt":"2025-06-15T18:00:00Z"}]}`,
	} {
		answer := ask(t, "GET", base+"/v1/exports/"+export+"/preview?start_date=2025-06-15&end_date=2025-06-15", "")
		if !json.Valid([]byte(answer)) || !strings.Contains(answer, want) {
			t.Errorf("%s: %s, want in it %s", export, answer, want)
		}
	}
}
