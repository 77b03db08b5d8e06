package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // a container may lack the zones

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/cli"
	"github.com/carteiro-webhooks/carteiro/config"
)

func main() {
	// net/http reports oddities of a connection to the standard logger, with
	// bytes that a subscriber sent: those belong in no log.
	log.SetOutput(io.Discard)
	redis.SetLogger(noRedisLog{}) // what fails is an error here too, and logged where it matters
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(context.Background(), program{
		args: os.Args[1:], environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, signals: osSignals(),
	}))
}

// noRedisLog drops what go-redis would write to the standard error by itself.
type noRedisLog struct{}

func (noRedisLog) Printf(context.Context, string, ...any) {}

// gcPercent lets the heap grow more between collections than Go does by
// itself: what lives is small (some ten MiB), and under load each delivery
// makes garbage. 250 brings a few percent more deliveries, and takes 80 MiB more
// at the height of a large export.
const gcPercent = 150

// program is what a run takes from the outside, so that a test can run it.
type program struct {
	args    []string
	environ []string
	stdin   io.Reader // nil: empty
	stdout  io.Writer
	stderr  io.Writer
	signals <-chan os.Signal // the first one stops, the second one exits at once
}

func osSignals() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}

// commandLine is what can be asked for. Flags of the settings are added from
// config's table.
type commandLine struct {
	Config string `group:"Settings:" help:"Read settings from this YAML file." placeholder:"FILE"`
	kong.Plugins

	Serve       serveCommand       `cmd:"" group:"Run:" help:"Run the server: API, workers and scheduler."`
	Migrate     migrateCommand     `cmd:"" group:"Run:" help:"Bring the database's schema up to date and exit."`
	ShowConfig  configCommand      `cmd:"" name:"config" group:"Run:" help:"Print the effective settings, secrets redacted, and where each comes from."`
	Healthcheck healthcheckCommand `cmd:"" group:"Run:" help:"Ask the running server whether it is ready; exit 0 if so. For containers."`
	Secrets     secretsCommand     `cmd:"" group:"Run:" help:"The key that encrypts secrets at rest."`
	cli.Commands
	Completion completionCommand `cmd:"" group:"More:" help:"Print what makes a shell complete commands, flags and ids."`
	Version    versionCommand    `cmd:"" group:"More:" help:"Print the version."`
}

// Exit codes; the other ones are those of the commands that talk to a server.
const (
	exitOK     = cli.ExitOK
	exitFailed = cli.ExitFailed
	exitUsage  = cli.ExitUsage
)

// run is the program; it returns the exit code.
func run(ctx context.Context, p program) int {
	l, err := newLine(p)
	if err != nil {
		fmt.Fprintln(p.stderr, "carteiro:", err)
		return exitFailed
	}
	if l.complete(ctx) {
		return exitOK
	}
	parsed, err := l.parser.Parse(p.args)
	if l.exit >= 0 { // --help has been printed
		return l.exit
	}
	wrong := ""
	if err != nil {
		wrong = l.wrong(err)
	} else if flag := emptyFlag(parsed); flag != "" {
		wrong = seeHelp("--"+flag+" is empty: give it a value, or leave it out", parsed.Selected().FullPath())
	}
	if wrong != "" {
		fmt.Fprintln(p.stderr, "carteiro:", wrong)
		return exitUsage
	}
	if err := l.run(ctx, parsed); err != nil {
		code := cli.ExitCode(err)
		if code == cli.ExitInterrupted {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(p.stderr, "carteiro:", err)
		return code
	}
	return exitOK
}

// runContext is what a subcommand gets.
type runContext struct {
	context.Context
	program
	settings config.Options
}

// settingFlags makes a struct with a string flag for each setting, so that
// there is one table of settings only.
func settingFlags() reflect.Value {
	var fields []reflect.StructField
	for _, s := range config.Settings() {
		help := strings.ToUpper(s.Help[:1]) + s.Help[1:]
		if s.Default != "" {
			help += " (default " + s.Default + ")"
		}
		fields = append(fields, reflect.StructField{
			Name: flagField(s), Type: reflect.TypeFor[*string](),
			Tag: reflect.StructTag(fmt.Sprintf("name:%q help:%q group:%q placeholder:%q", s.Flag, help+" ["+s.Env+"].", settingsGroup, "VALUE")),
		})
	}
	return reflect.New(reflect.StructOf(fields))
}

func flagField(s config.Setting) string { return "F_" + s.Name }

// givenFlags returns the flags that were on the command line.
func givenFlags(flags reflect.Value) map[string]string {
	given := map[string]string{}
	for _, s := range config.Settings() {
		if v, ok := flags.Elem().FieldByName(flagField(s)).Interface().(*string); ok && v != nil {
			given[s.Name] = *v
		}
	}
	return given
}
