package dispatcher_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// rawDatabase opens the house's database beside the store.
func (h *house) rawDatabase() *sql.DB {
	h.t.Helper()
	driver, address := "pgx", h.o.database
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, address = "sqlite", "file:"+path+"?mode=ro"
	}
	db, err := sql.Open(driver, address)
	must(h.t, err)
	h.t.Cleanup(func() { must(h.t, db.Close()) })
	return db
}

// everyByte are the files of a directory, one after the other.
func everyByte(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, text...)
		return err
	}))
	return all
}

// everyRow is all that PostgreSQL holds, as text.
func (h *house) everyRow() []byte {
	h.t.Helper()
	db := h.rawDatabase()
	tables, err := db.Query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	must(h.t, err)
	var names []string
	for tables.Next() {
		var name string
		must(h.t, tables.Scan(&name))
		names = append(names, name)
	}
	must(h.t, tables.Err())
	must(h.t, tables.Close())
	var all []byte
	for _, name := range names {
		var text sql.NullString
		must(h.t, db.QueryRow(`SELECT string_agg(x::text, E'\n') FROM "`+name+`" AS x`).Scan(&text))
		all = append(all, text.String...)
	}
	return all
}

// lockedBuffer keeps a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// TestNationalIDsAndSecretsStayWhereTheyBelong: neither is in a log, in Redis
// or, as it is, in the database; the receiver gets neither.
func TestNationalIDsAndSecretsStayWhereTheyBelong(t *testing.T) {
	const nationalID = "98765432177"
	for name, database := range map[string]func(*testing.T) (o houseOptions, dump func(*house) []byte){
		"sqlite": func(t *testing.T) (houseOptions, func(*house) []byte) {
			dir := t.TempDir()
			return houseOptions{database: "sqlite:" + filepath.Join(dir, "carteiro.db")}, func(*house) []byte { return everyByte(t, dir) }
		},
		"postgres": func(t *testing.T) (houseOptions, func(*house) []byte) {
			return houseOptions{database: testserver.Postgres(t)}, (*house).everyRow
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, log := context.Background(), &lockedBuffer{}
			o, dump := database(t)
			o.redis = testserver.Redis(t, testserver.AppendOnly()).URL()
			o.log = slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})
			r := newReceiver(t, func(n int) int { return []int{500, 200}[n%2] })
			o.schedule = webhook.Schedule{1}
			h := newHouse(t, o)
			v := h.register(r.URL, func(in *dispatcher.NewVerification) { in.NationalID = nationalID })
			h.end(v.ID, webhook.VerificationCompleted)
			h.next()
			h.next()
			secrets, err := h.subs.RotateClientSecret(ctx, "acme", webhook.Rotation{Overlap: time.Hour})
			must(t, err)
			_, refused := h.d.RegisterVerification(ctx, dispatcher.NewVerification{
				ClientID: "acme", NationalID: nationalID, Callback: &webhook.Callback{URL: "x", Method: "y"},
			}, nil)
			faults(t, refused)
			redisDir, err := h.redis.Client.ConfigGet(ctx, "dir").Result()
			must(t, err)
			redis := everyByte(t, redisDir["dir"])
			if !bytes.Contains(redis, []byte("carteiro-first")) {
				t.Error("no hint was seen in Redis: the test looks at the wrong place")
			}
			places := map[string][]byte{"log": log.b.Bytes(), "Redis": redis, "database": dump(h), "error": []byte(refused.Error())}
			for _, s := range r.requests() {
				places["request"] = append(places["request"], s.body...)
			}
			if !bytes.Contains(places["database"], []byte("***77")) {
				t.Error("the masked id is not in the database: the test looks at the wrong place")
			}
			for what, secret := range map[string]string{
				"nationalId": nationalID, "current secret": secrets.Current.Reveal()[len("whsec_"):], "previous secret": secrets.Previous.Reveal()[len("whsec_"):],
				"current key": string(secrets.Current.Key()),
			} {
				for place, text := range places {
					if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(hex.EncodeToString([]byte(secret)))) {
						t.Errorf("the %s is in the %s", what, place)
					}
				}
			}
		})
	}
}
