package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/cli"
	"github.com/carteiro-webhooks/carteiro/config"
)

// line is one command line that is being carried out.
type line struct {
	p        program
	commands *commandLine
	settings reflect.Value // a flag for each setting
	parser   *kong.Kong
	exit     int // what the parser would exit with; -1: it goes on
}

func newLine(p program) (*line, error) {
	settings := settingFlags()
	l := &line{p: p, commands: &commandLine{Plugins: kong.Plugins{settings.Interface()}}, settings: settings, exit: -1}
	var err error
	l.parser, err = kong.New(l.commands,
		kong.Name("carteiro"),
		kong.Description("Carteiro delivers webhooks: signed, logged, and again after 1, 5, 15, 30 and 60 minutes."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { l.exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
		kong.Help(l.help),
	)
	return l, err
}

// settingsGroup heads the flags of the settings.
const settingsGroup = "Settings:"

// help shows the settings only where they matter: there are many.
func (l *line) help(o kong.HelpOptions, ctx *kong.Context) error {
	if selected := ctx.Selected(); selected == nil || serverFlags(selected) != nil {
		l.hideSettings()
	}
	return kong.DefaultHelpPrinter(o, ctx)
}

func (l *line) hideSettings() {
	for _, flag := range l.parser.Model.Flags {
		if flag.Group != nil && flag.Group.Key == settingsGroup {
			flag.Hidden = true
		}
	}
}

// serverFlags are the flags of a command that talks to a server; nil: it does not.
func serverFlags(n *kong.Node) *cli.Flags {
	for ; n != nil; n = n.Parent {
		if n.Target.IsValid() && n.Target.CanAddr() {
			if c, ok := n.Target.Addr().Interface().(interface{ ServerFlags() *cli.Flags }); ok {
				return c.ServerFlags()
			}
		}
	}
	return nil
}

// wrong tells what is wrong with the command line, and where more is said.
func (l *line) wrong(err error) string {
	text, about := err.Error(), l.parser.Model.Name
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		selected := parse.Context.Selected()
		about = selected.FullPath()
		// A group without a command is its list: what is misspelt is taken for an argument of that.
		if word, ok := strings.CutPrefix(text, "unexpected argument "); ok && !slices.Contains(l.p.args, selected.Name) {
			var names []string
			for _, n := range selected.Parent.Children {
				names = append(names, n.Name)
			}
			about = selected.Parent.FullPath()
			text = fmt.Sprintf("%q is no command of %s; its commands are %s", word, about, strings.Join(names, ", "))
		}
	}
	// No value is one of some flags' values, but nothing to propose.
	return seeHelp(strings.Replace(text, `must be one of "",`, "must be one of ", 1), about)
}

// seeHelp adds where more is said to what is wrong with the command line.
func seeHelp(wrong, command string) string {
	return fmt.Sprintf("%s\nRun \"%s --help\" for what is understood.", wrong, command)
}

// emptyFlag is the name of a flag that was given without a value, to a command
// that talks to a server: --client "$CLIENT" would mean every client where the
// variable is not set. "": there is none. A flag that tells empty from not
// given (a pointer) may be empty.
func emptyFlag(parsed *kong.Context) string {
	if serverFlags(parsed.Selected()) == nil {
		return ""
	}
	for _, p := range parsed.Path {
		if p.Flag == nil {
			continue
		}
		if v := parsed.FlagValue(p.Flag); v != nil && reflect.ValueOf(v).Kind() == reflect.String && reflect.ValueOf(v).IsZero() {
			return p.Flag.Name
		}
	}
	return ""
}

// run carries the command out.
func (l *line) run(ctx context.Context, parsed *kong.Context) error {
	given := config.Options{File: l.commands.Config, Environ: l.p.environ, Flags: givenFlags(l.settings)}
	flags := serverFlags(parsed.Selected())
	if flags == nil {
		return parsed.Run(runContext{ctx, l.p, given})
	}
	ctx, stop := interruptible(ctx, l.p.signals)
	defer stop()
	session := cli.Open(ctx, l.options(given, flags))
	defer session.Close()
	return parsed.Run(session)
}

func (l *line) options(settings config.Options, flags *cli.Flags) cli.Options {
	return cli.Options{
		Stdin: l.p.stdin, Stdout: l.p.stdout, Stderr: l.p.stderr, Environ: l.p.environ, Settings: settings, Version: version(), Flags: flags,
	}
}

// interruptible ends a context with the first signal, and the process with the
// second one.
func interruptible(ctx context.Context, signals <-chan os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		if _, more := <-signals; more {
			os.Exit(cli.ExitInterrupted)
		}
	}()
	return ctx, cancel
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help tells how to switch it on.
func (completionCommand) Help() string {
	return "For this shell, and for every further one in its start file:\n\n" +
		"    source <(carteiro completion bash)\n    source <(carteiro completion zsh)\n    carteiro completion fish | source\n\n" +
		"Ids, of the newest ones where there are many, and event types are asked of the server that CARTEIRO_API_URL and CARTEIRO_API_KEY name."
}

// Run prints the code that a shell reads.
func (c completionCommand) Run(ctx *kong.Context) error {
	return (&kongcompletion.Completion{Shell: c.Shell, Code: true}).Run(ctx)
}

// complete answers a shell that asks how a line may go on. It tells whether
// one has asked.
func (l *line) complete(ctx context.Context) bool {
	i := slices.IndexFunc(l.p.environ, func(e string) bool { return strings.HasPrefix(e, "COMP_LINE=") && e != "COMP_LINE=" })
	if i < 0 {
		return false
	}
	typed := strings.TrimPrefix(l.p.environ[i], "COMP_LINE=")
	words := strings.Fields(typed)
	if len(words) > 2 && strings.HasPrefix(words[2], "-") {
		l.spellOut(typed, words[1])
	}
	if len(words) > 1 {
		if n := slices.IndexFunc(l.parser.Model.Children, func(n *kong.Node) bool { return n.Name == words[1] }); n < 0 || serverFlags(l.parser.Model.Children[n]) != nil {
			l.hideSettings()
		}
	}
	l.parser.Stdout = filled{l.p.stdout}
	known := map[string]complete.Predictor{}
	for _, kind := range cli.Kinds() {
		known[kind] = complete.PredictFunc(func(complete.Args) []string {
			return cli.Open(ctx, l.options(config.Options{Environ: l.p.environ}, &cli.Flags{})).Predict(kind)
		})
	}
	kongcompletion.Register(l.parser, kongcompletion.WithPredictors(known), kongcompletion.WithExitFunc(func(int) {}),
		kongcompletion.WithErrorHandler(func(err error) { fmt.Fprintln(l.p.stderr, "carteiro:", err) }))
	return true
}

// spellOut adds the command that a group is without one, such as list: of its
// flags the library knows nothing otherwise. It reads the line from the
// environment of the process, which ends when it has answered.
func (l *line) spellOut(typed, group string) {
	i := slices.IndexFunc(l.parser.Model.Children, func(n *kong.Node) bool { return n.Name == group })
	if i < 0 || l.parser.Model.Children[i].DefaultCmd == nil {
		return
	}
	if point, err := strconv.Atoi(os.Getenv("COMP_POINT")); err == nil && point >= 0 && point < len(typed) {
		typed = typed[:point]
	}
	os.Unsetenv("COMP_POINT")
	os.Setenv("COMP_LINE", strings.Replace(typed, " "+group+" ", " "+group+" "+l.parser.Model.Children[i].DefaultCmd.Name+" ", 1))
}

// filled drops empty lines: no value is one of some flags' values, but nothing
// to propose.
type filled struct{ io.Writer }

func (w filled) Write(b []byte) (int, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return len(b), nil
	}
	return w.Writer.Write(b)
}
