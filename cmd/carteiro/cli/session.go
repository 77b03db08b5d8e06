package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/config"
)

// AdminKeyFile is the file in a data directory that holds its admin's key.
const AdminKeyFile = "admin.key"

// Options of Open: what a command takes from the outside.
type Options struct {
	Stdin    io.Reader // nil: empty
	Stdout   io.Writer
	Stderr   io.Writer
	Environ  []string
	Settings config.Options // of the server on this machine, for where it is
	Version  string         // of the program
	Flags    *Flags
}

// Session is one run of a command. Ending its context ends the command.
type Session struct {
	context.Context
	o    Options
	out  *show.Printer // what was asked for
	note *show.Printer // everything else
	api  *apiclient.Client
}

// Open begins a session. The server is not called yet.
func Open(ctx context.Context, o Options) *Session {
	if o.Stdin == nil {
		o.Stdin = strings.NewReader("")
	}
	zone := time.Local
	if o.Flags.UTC {
		zone = time.UTC
	}
	return &Session{
		Context: ctx, o: o,
		out: show.New(o.Stdout, o.Environ, zone), note: show.New(o.Stderr, o.Environ, zone),
	}
}

// Close ends idle connections.
func (s *Session) Close() {
	if s.api != nil {
		s.api.Close()
	}
}

// client finds the server and the key, once.
func (s *Session) client() (*apiclient.Client, error) {
	if s.api != nil {
		return s.api, nil
	}
	base, given, err := s.serverURL()
	if err != nil {
		return nil, err
	}
	key, err := s.apiKey(!given || onThisMachine(base))
	if err != nil {
		return nil, err
	}
	api, err := apiclient.New(apiclient.Options{
		URL: base, Key: key, UserAgent: "carteiro/" + s.o.Version,
		Waiting: func(again time.Duration, why error) {
			_ = s.note.Line("The server is busy; asking again in %s.", show.Duration(again))
		},
	})
	if err != nil {
		return nil, usage("%v; --api-url and CARTEIRO_API_URL take one", err)
	}
	s.api = api
	return api, nil
}

// serverURL is the address that was given, or that of the server which the
// settings describe.
func (s *Session) serverURL() (base string, given bool, err error) {
	if base = s.o.Flags.APIURL; base == "" {
		base = s.env(config.APIURLEnv)
	}
	if base != "" {
		return strings.TrimSpace(base), true, nil
	}
	c, err := config.Load(s.o.Settings)
	if err != nil {
		return "", false, err
	}
	base, err = LocalURL(c)
	return base, false, err
}

// LocalURL is where the server of these settings is reached from this machine.
func LocalURL(c *config.Config) (string, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// onThisMachine tells whether an address is a loopback's.
func onThisMachine(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
}

// apiKey is the key that was given. Without one, a server on this machine gets
// that of its own data directory, which goes nowhere else.
func (s *Session) apiKey(local bool) (string, error) {
	if name := s.o.Flags.APIKeyFile; name != "" {
		return readKey(name)
	}
	if key := strings.TrimSpace(s.env(config.APIKeyEnv)); key != "" {
		return key, nil
	}
	if name := s.env(config.APIKeyFileEnv); name != "" {
		return readKey(name)
	}
	if !local {
		return "", nil
	}
	c, err := config.Load(s.o.Settings)
	if err != nil {
		return "", err
	}
	if !c.AdminKey.Empty() {
		return c.AdminKey.Reveal(), nil
	}
	key, err := readKey(filepath.Join(c.DataDir, AdminKeyFile))
	if err != nil {
		return "", nil // the server says that a key is needed, if it is
	}
	return key, nil
}

func readKey(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if key == "" || strings.ContainsAny(key, " \r\n\t") {
		return "", usage("%s does not hold an API key: one line is wanted", name)
	}
	return key, nil
}

// env is the value of a variable, or "".
func (s *Session) env(name string) string {
	value := ""
	for _, pair := range s.o.Environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// do makes one request.
func (s *Session) do(r apiclient.Request) (*apiclient.Answer, error) {
	api, err := s.client()
	if err != nil {
		return nil, err
	}
	return api.Do(s, r)
}

// asks tells whether a person can be asked.
func (s *Session) asks() bool {
	f, ok := s.o.Stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && s.note.Terminal
}

// confirm asks before what cannot be undone. yes is the flag that answers it.
func (s *Session) confirm(yes bool, format string, args ...any) error {
	question := fmt.Sprintf(format, args...)
	if yes {
		return nil
	}
	if !s.asks() {
		return usage("%s Nothing was done: say --yes to go on without being asked", question)
	}
	fmt.Fprintf(s.note.W, "%s [y/N] ", show.OneLine(question))
	answer := make(chan string, 1)
	go func() {
		var text string
		_, _ = fmt.Fscanln(s.o.Stdin, &text)
		answer <- text
	}()
	select {
	case text := <-answer:
		if t := strings.ToLower(text); t == "y" || t == "yes" {
			return nil
		}
		return errors.New("nothing was done")
	case <-s.Done():
		return s.Err()
	}
}
