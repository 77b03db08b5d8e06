package config

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check returns what is wrong with one setting by itself.
func (c *Config) check(name string) error {
	switch name {
	case "listen":
		return checkListen(c.Listen)
	case "database_url":
		return checkDatabase(c.DatabaseURL)
	case "redis_url":
		return checkRedis(c.RedisURL)
	case "admin_key":
		return checkAdminKey(c.AdminKey)
	case "secret_key":
		return checkSecretKey(c.SecretKey)
	case "secret_keys_old":
		_, err := c.FormerKeys()
		return err
	case "retry_schedule":
		return checkSchedule(c.RetrySchedule)
	case "delivery_timeout":
		return checkTimeout(c.DeliveryTimeout)
	case "stop_delay":
		return checkStopDelay(c.StopDelay)
	case "verification_ttl":
		return checkVerificationTTL(c.VerificationTTL)
	case "allow_networks":
		return checkNetworks(c.AllowNetworks)
	case "trusted_proxies":
		return checkNetworks(c.TrustedProxies)
	case "api_rate":
		return checkAPIRate(c.APIRate)
	case "workers":
		return checkWorkers(c.Workers)
	case "mongo_url":
		return checkMongo(c.MongoURL)
	case "mongo_collections":
		return checkMongoCollections(c.MongoCollections)
	case "otlp_endpoint":
		return checkOTLP(c.OTLPEndpoint)
	case "redact":
		return checkRedact(c.Redact)
	case "log_level":
		return oneOf(c.LogLevel, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError)
	case "log_format":
		return oneOf(c.LogFormat, LogText, LogJSON)
	case "migrate":
		return oneOf(c.Migrate, MigrateAuto, MigrateManual)
	}
	if p, ok := c.periods()[name]; ok {
		return checkPeriod(p)
	}
	return nil // data_dir, mongo_database, allow_http and roles: reading them was the check
}

// checkTogether finds settings that are right by themselves but do not go
// together. What is wrong by itself is not looked at again.
func (l *layers) checkTogether(c *Config, wrong map[string]bool) {
	l.checkMongo(c, wrong)
	l.checkRetention(c, wrong)
	if c.PostgreSQL() && c.SecretKey.Empty() && !wrong["database_url"] && !wrong["secret_key"] {
		l.problem(Prefix+"SECRET_KEY", "is not set, but is required with PostgreSQL: every process and every restart needs the same key; make one with: openssl rand -base64 32")
	}
	if c.Roles.All() || wrong["roles"] {
		return
	}
	where := c.origins["roles"].place
	if c.EmbeddedRedis() && !wrong["redis_url"] {
		l.problem(where, "%q is a part of the work, but the embedded Redis cannot be shared with the processes that do the rest: set %sREDIS_URL to a Redis server, or give this process all roles", c.Roles, Prefix)
	}
	if !c.PostgreSQL() && !wrong["database_url"] {
		l.problem(where, "%q is a part of the work, but SQLite cannot be shared with the processes that do the rest: set %sDATABASE_URL to a PostgreSQL server, or give this process all roles", c.Roles, Prefix)
	}
}

func checkListen(listen string) error {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fault("is not an address with a port")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fault("has no port from 0 to 65535")
	}
	return nil
}

func checkDatabase(url string) error {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "":
		return nil
	case "postgres", "postgresql":
		if !strings.HasPrefix(rest, "//") || rest == "//" {
			return fault("has no host")
		}
		return nil
	case "sqlite":
		switch {
		case rest == "" || strings.HasPrefix(rest, "//"):
			return fault("has no path: write sqlite:PATH, without slashes before the path")
		case strings.Contains(rest, ":memory:"):
			return fault("would lose everything when the process ends: give a file")
		}
		return nil
	}
	return fault("is no database that is known here")
}

func checkRedis(url string) error {
	if url == "embedded" {
		return nil
	}
	if err := checkURL(url, "redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"); err != nil {
		return err
	}
	return checkSentinel(url)
}

// checkSentinel wants the name of the master, without which Sentinel cannot
// be asked for anything.
func checkSentinel(url string) error {
	scheme, rest, _ := strings.Cut(url, "://")
	if !strings.HasSuffix(scheme, "+sentinel") {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "?")
	if _, master, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/"); strings.Trim(master, "/") == "" {
		return fault("names no master: end it with one, such as redis+sentinel://host1:26379,host2:26379/mymaster")
	}
	return nil
}

func checkMongo(url string) error {
	if url == "" {
		return nil
	}
	return checkURL(url, "mongodb", "mongodb+srv")
}

func checkOTLP(url string) error {
	if url == "" {
		return nil
	}
	return checkURL(url, "http", "https")
}

// checkURL wants a scheme and a host. It leaves the rest to the driver, which
// knows its own forms: several hosts, options.
func checkURL(url string, schemes ...string) error {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || !slices.Contains(schemes, scheme) {
		return fault("does not begin with a scheme that is known here")
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if host := rest[strings.LastIndexByte(rest, '@')+1:]; host == "" {
		return fault("has no host")
	}
	return nil
}

func checkAdminKey(key Secret) error {
	text := key.Reveal()
	switch {
	case text == "":
		return nil
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return fault("has a character that is not printable ASCII")
	case len(text) < MinAdminKeyLength:
		return fault("is only %d characters long", len(text))
	}
	return nil
}

func checkSecretKey(key Secret) error {
	if key.Empty() {
		return nil
	}
	_, err := DecodeKey(key.Reveal())
	return err
}

func checkSchedule(waits []time.Duration) error {
	if len(waits) == 0 || len(waits) > MaxRetries {
		return fault("has %d waits", len(waits))
	}
	for _, wait := range waits {
		if wait <= 0 || wait > MaxRetryWait {
			return fault("has the wait %s", wait)
		}
	}
	return nil
}

func checkTimeout(timeout time.Duration) error {
	if timeout < MinDeliveryTimeout || timeout > MaxDeliveryTimeout {
		return fault("is out of range")
	}
	return nil
}

func checkStopDelay(delay time.Duration) error {
	if delay < 0 || delay > MaxStopDelay {
		return fault("is out of range")
	}
	return nil
}

func checkVerificationTTL(ttl time.Duration) error {
	if ttl < MinVerificationTTL || ttl > MaxVerificationTTL {
		return fault("is out of range")
	}
	return nil
}

func checkNetworks(networks []netip.Prefix) error {
	for _, network := range networks {
		switch {
		case network.Addr().Is4In6():
			return fault("has %s: write it as an IPv4 network", network)
		case network != network.Masked():
			return fault("has %s, which has bits outside its mask: write %s", network, network.Masked())
		}
	}
	return nil
}

func checkWorkers(workers int) error {
	if workers < 1 || workers > MaxWorkers {
		return fault("is out of range")
	}
	return nil
}

func checkAPIRate(rate Rate) error {
	if rate < 0 || rate > MaxAPIRate {
		return fault("is out of range")
	}
	return nil
}

func oneOf[T comparable](value T, allowed ...T) error {
	if !slices.Contains(allowed, value) {
		return fault("is not one of these")
	}
	return nil
}
