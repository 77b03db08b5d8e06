// Package config reads the settings once, at start, and says plainly what is
// wrong with them: all of it at once, in the words in which it was given.
//
// Its door is [Load]. A setting is looked up in four layers, and a later layer
// wins: the default, the YAML file, the environment, the flags. A value that
// is empty counts as not given in every layer; so there is no way to ask for an
// empty retry schedule, and one retry is the least. A secret, or a URL that may
// have a password inside, may also come from a file that its variable with
// _FILE behind it names. Names that begin with CARTEIRO_TEST_ steer the tests
// and are ignored.
//
// The one table of settings is the struct [Config] with its tags: names,
// defaults, help and what is allowed. [Settings] lists it for whoever builds
// flags or a reference page out of it.
//
// Only cmd/carteiro imports this package. It imports nothing of the house:
// what a floor needs to know is handed to it by value.
package config
