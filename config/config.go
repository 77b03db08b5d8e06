package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Config holds every setting, checked. Its tags are the table of settings:
// env is the name without [Prefix] (the YAML key and the flag follow from it),
// envDefault the default, help what it is for, allowed what it may be, and
// kind marks what must not be shown ("secret", or "url": a password inside).
type Config struct {
	Listen               string            `env:"LISTEN" envDefault:"127.0.0.1:8080" help:"address of the API and the console" allowed:"host:port, such as 127.0.0.1:8080"`
	DataDir              string            `env:"DATA_DIR" envDefault:"./data" help:"directory of the embedded database and of the generated keys" allowed:"a directory"`
	DatabaseURL          string            `env:"DATABASE_URL" kind:"url" help:"database; without it, SQLite in the data directory" allowed:"sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE"`
	RedisURL             string            `env:"REDIS_URL" envDefault:"embedded" kind:"url" help:"Redis that carries the hints; embedded runs one inside the process" allowed:"embedded, or redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster:// and a host"`
	AdminKey             Secret            `env:"ADMIN_KEY" kind:"secret" help:"the first admin API key; made at the first start when it is not given" allowed:"at least 32 printable ASCII characters"`
	TrustedProxies       []netip.Prefix    `env:"TRUSTED_PROXIES" help:"networks of the proxies in front of the API, whose X-Forwarded-For is believed; without any, the caller is whoever connects" allowed:"networks in CIDR form, such as 10.0.0.0/8,fd00::/8"`
	APIRate              Rate              `env:"API_RATE" envDefault:"10000" help:"requests a second that a key without a rate of its own may make in this process, each event of a batch counted; 0 is any number" allowed:"a number from 0 to 1000000"`
	SecretKey            Secret            `env:"SECRET_KEY" kind:"secret" help:"key that encrypts secrets at rest; made in the data directory when it is not given, required with PostgreSQL" allowed:"32 bytes as base64 or hex, such as openssl rand -base64 32 prints"`
	SecretKeysOld        Secret            `env:"SECRET_KEYS_OLD" kind:"secret" help:"further keys that open what is sealed, while SECRET_KEY is being changed; never used to seal" allowed:"keys in the form of SECRET_KEY, with commas between them"`
	RetrySchedule        []time.Duration   `env:"RETRY_SCHEDULE" envDefault:"1m,5m,15m,30m,1h" help:"waits after a failed attempt, one for each retry" allowed:"1 to 20 durations above 0 and up to 168h, such as 1m,5m,1h"`
	DeliveryTimeout      time.Duration     `env:"DELIVERY_TIMEOUT" envDefault:"15s" help:"longest time of one attempt, reading the answer included" allowed:"a duration from 1s to 30s, such as 15s"`
	VerificationTTL      time.Duration     `env:"VERIFICATION_TTL" envDefault:"720h" help:"how long a verification may stay without a result before it expires" allowed:"a duration from 1s to 8760h, such as 720h"`
	AllowHTTP            bool              `env:"ALLOW_HTTP" envDefault:"false" help:"allow plain http:// targets" allowed:"true or false"`
	AllowNetworks        []netip.Prefix    `env:"ALLOW_NETWORKS" help:"networks that the address policy lets through although they are not public" allowed:"networks in CIDR form, such as 127.0.0.0/8,fd00::/8"`
	Workers              int               `env:"WORKERS" envDefault:"auto" help:"attempts in flight in this process; auto is 256 for each CPU, at most 4096" allowed:"auto, or a number from 1 to 4096"`
	Roles                Roles             `env:"ROLES" envDefault:"api,worker,scheduler" help:"what this process does, to split the work over machines" allowed:"one or more of api, worker, scheduler"`
	StopDelay            time.Duration     `env:"STOP_DELAY" envDefault:"3s" help:"how long after SIGTERM requests are still taken, while /readyz says that the server stops, so that load balancers turn away first" allowed:"a duration from 0s to 30s, such as 3s"`
	MongoURL             string            `env:"MONGO_URL" kind:"url" help:"MongoDB from which the records of the exports are read" allowed:"mongodb:// or mongodb+srv:// and a host"`
	MongoDatabase        string            `env:"MONGO_DATABASE" help:"database of MONGO_URL in which the collections are" allowed:"a name"`
	MongoCollections     []MongoCollection `env:"MONGO_COLLECTIONS" help:"datasets that are read from MongoDB; the others are read from what was put by the API" allowed:"DATASET=COLLECTION:CLIENT_FIELD for each, such as vendas=orders:project_id; :FIELD FIELD behind it sends only these, :-FIELD -FIELD all but these"`
	Redact               []RedactPath      `env:"REDACT" help:"further fields that are personal, and are shown only to an admin who asks for them" allowed:"up to 64 names of fields, or paths from the root with * for any step, such as full_name,$.data.user.name,$.data.*.note"`
	RetentionPayloads    Period            `env:"RETENTION_PAYLOADS" envDefault:"720h" help:"how long payloads and the details of verifications are kept after the last of their deliveries has ended" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	RetentionAttempts    Period            `env:"RETENTION_ATTEMPTS" envDefault:"2160h" help:"how long attempts, with the answers of receivers, are kept after their delivery has ended" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	RetentionLog         Period            `env:"RETENTION_LOG" envDefault:"8760h" help:"how long the lines of events, deliveries, verifications and runs are kept, without bodies" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	RetentionRecords     Period            `env:"RETENTION_RECORDS" envDefault:"2160h" help:"how long records of the exports are kept after they came and after their last time" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	RetentionIdempotency Period            `env:"RETENTION_IDEMPOTENCY" envDefault:"168h" help:"how long the answer under an Idempotency-Key is kept" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	RetentionAudit       Period            `env:"RETENTION_AUDIT" envDefault:"17520h" help:"how long lines of the audit log are kept" allowed:"a duration from 1h to 876000h, such as 720h; off or 0 to keep them for ever"`
	LogLevel             slog.Level        `env:"LOG_LEVEL" envDefault:"info" help:"the least level that is logged" allowed:"debug, info, warn or error"`
	LogFormat            LogFormat         `env:"LOG_FORMAT" envDefault:"text" help:"form of the log lines" allowed:"text or json"`
	OTLPEndpoint         string            `env:"OTLP_ENDPOINT" kind:"url" help:"OpenTelemetry collector that gets traces, by OTLP over HTTP; without it, and without the standard OTEL_EXPORTER_OTLP_ENDPOINT, none are sent" allowed:"http:// or https:// and a host, such as http://127.0.0.1:4318"`
	Migrate              Migrate           `env:"MIGRATE" envDefault:"auto" help:"bring the schema up to date at start (auto), or only by the command carteiro migrate (manual)" allowed:"auto or manual"`

	origins map[string]origin // by Setting.Name; where each value came from
}

// Rate is a number of requests a second; 0 is any number.
type Rate int

// LogFormat is the form of the log lines.
type LogFormat string

// The forms of the log lines.
const (
	LogText LogFormat = "text" // key=value, for a person
	LogJSON LogFormat = "json" // one JSON object a line, for a collector
)

// Migrate tells when the schema is brought up to date.
type Migrate string

// When the schema is brought up to date. Where several processes start
// together, manual leaves the moment of a change to the operator.
const (
	MigrateAuto   Migrate = "auto"   // at every start
	MigrateManual Migrate = "manual" // only by carteiro migrate
)

// Limits of the settings.
const (
	MaxRetries         = 20
	MaxRetryWait       = 168 * time.Hour
	MinDeliveryTimeout = time.Second
	MaxDeliveryTimeout = 30 * time.Second
	MaxStopDelay       = 30 * time.Second
	MinVerificationTTL = time.Second
	MaxVerificationTTL = 8760 * time.Hour
	MaxWorkers         = 4096
	MaxAPIRate         = 1_000_000
	WorkersPerCPU      = 256
	MinAdminKeyLength  = 32
)

// Options are the sources of the settings.
type Options struct {
	File    string            // YAML file of the flag --config; "" means the one that CARTEIRO_CONFIG names, if any
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // flags that were given, by Setting.Name
}

// Load reads the settings from all layers and checks them. The error is an
// *Error that lists everything that is wrong.
func Load(o Options) (*Config, error) {
	l := newLayers(o)
	c, problems := l.parse()
	if len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	return c, nil
}

// Database is DatabaseURL, or the embedded database's when there is none.
func (c *Config) Database() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite:" + filepath.Join(c.DataDir, "carteiro.db")
}

// PostgreSQL tells whether the database is a PostgreSQL server.
func (c *Config) PostgreSQL() bool {
	return strings.HasPrefix(c.DatabaseURL, "postgres://") || strings.HasPrefix(c.DatabaseURL, "postgresql://")
}

// EmbeddedRedis tells whether Redis runs inside the process.
func (c *Config) EmbeddedRedis() bool { return c.RedisURL == "embedded" }

// workersByCPU is what auto means for the setting workers. A container's share
// of the processors counts, not how many the machine has.
func workersByCPU() int { return min(WorkersPerCPU*runtime.GOMAXPROCS(0), MaxWorkers) }
