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
		args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, signals: osSignals(),
	}))
}

// noRedisLog drops what go-redis would write to the standard error by itself.
type noRedisLog struct{}

func (noRedisLog) Printf(context.Context, string, ...any) {}

// gcPercent lets the heap grow more between collections than Go does by
// itself: what lives is small (some ten MiB), and under load each delivery
// makes garbage.
const gcPercent = 250

// program is what a run takes from the outside, so that a test can run it.
type program struct {
	args    []string
	environ []string
	stdout  io.Writer
	stderr  io.Writer
	signals <-chan os.Signal // the first one stops, the second one exits at once
}

func osSignals() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}

// cli is the command line. Flags of the settings are added from config's table.
type cli struct {
	Config string `help:"Read settings from this YAML file." placeholder:"FILE"`
	kong.Plugins

	Serve       serveCommand       `cmd:"" help:"Run the server: API, workers and scheduler."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up to date and exit."`
	ShowConfig  configCommand      `cmd:"" name:"config" help:"Print the effective settings, secrets redacted, and where each comes from."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running server whether it is ready; exit 0 if so. For containers."`
	EventTypes  eventTypesCommand  `cmd:"" name:"event-types" help:"Event types of a running server."`
	Records     recordsCommand     `cmd:"" help:"Records of the exports."`
	Secrets     secretsCommand     `cmd:"" help:"The key that encrypts secrets at rest."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the program; it returns the exit code.
func run(ctx context.Context, p program) int {
	flags := settingFlags()
	c := cli{Plugins: kong.Plugins{flags.Interface()}}
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("carteiro"),
		kong.Description("Carteiro delivers webhooks: signed, logged, and again after 1, 5, 15, 30 and 60 minutes."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(p.stderr, "carteiro:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(p.args)
	if exit >= 0 { // --help has been printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "carteiro: %v\nRun \"carteiro --help\" for the commands and settings.\n", err)
		return exitUsage
	}
	given := config.Options{File: c.Config, Environ: p.environ, Flags: givenFlags(flags)}
	if err := parsed.Run(runContext{ctx, p, given}); err != nil {
		fmt.Fprintln(p.stderr, "carteiro:", err)
		var wrong *config.Error
		if errors.As(err, &wrong) {
			return exitUsage
		}
		return exitFailed
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
			Tag: reflect.StructTag(fmt.Sprintf("name:%q help:%q group:%q placeholder:%q", s.Flag, help+" ["+s.Env+"].", "Settings:", "VALUE")),
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
