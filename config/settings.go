package config

import (
	"reflect"
	"strings"
)

// Prefix begins the name of every setting in the environment.
const Prefix = "CARTEIRO_"

// FileEnv names the YAML file when the flag --config does not.
const FileEnv = Prefix + "CONFIG"

// APIKeyEnv is the API key that commands use which talk to a running server.
// It is no setting of a server, but may well be set where one starts.
const APIKeyEnv = Prefix + "API_KEY"

// APIKeyFileEnv names the file that holds that key.
const APIKeyFileEnv = APIKeyEnv + fileSuffix

// APIURLEnv is the address of the server that these commands talk to.
const APIURLEnv = Prefix + "API_URL"

// ofCommands tells whether a name is read by commands, and is no setting.
func ofCommands(name string) bool {
	return name == FileEnv || name == APIKeyEnv || name == APIKeyFileEnv || name == APIURLEnv
}

// testPrefix begins names that steer the tests; the program ignores them.
const testPrefix = Prefix + "TEST_"

// Setting describes one setting: a row of the reference page, a flag.
type Setting struct {
	Name    string // data_dir: its YAML key, and its key in Options.Flags
	Env     string // CARTEIRO_DATA_DIR
	EnvFile string // CARTEIRO_SECRET_KEY_FILE: names the file of the value; "" when the value is no secret
	Flag    string // data-dir, written --data-dir
	Default string // as one would write it; "" when there is none
	Help    string // what it is for
	Allowed string // what it may be
	Secret  bool   // its value is never shown

	field string // name of the field in Config
	url   bool   // its value may have a password inside
}

// Settings lists every setting in the order in which people read them.
func Settings() []Setting {
	table := reflect.TypeFor[Config]()
	var list []Setting
	for i := range table.NumField() {
		field := table.Field(i)
		name, ok := field.Tag.Lookup("env")
		if !ok {
			continue
		}
		kind, file := field.Tag.Get("kind"), ""
		if kind != "" {
			file = Prefix + name + fileSuffix
		}
		list = append(list, Setting{
			Name:    strings.ToLower(name),
			Env:     Prefix + name,
			EnvFile: file,
			Flag:    strings.ReplaceAll(strings.ToLower(name), "_", "-"),
			Default: field.Tag.Get("envDefault"),
			Help:    field.Tag.Get("help"),
			Allowed: field.Tag.Get("allowed"),
			Secret:  kind == "secret",
			field:   field.Name,
			url:     kind == "url",
		})
	}
	return list
}
