package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/config"
)

// settingPlace is what a setting changes: in the processes of which roles, and
// the part of the documentation that says how.
type settingPlace struct{ roles, page string }

const (
	everyRole  = "every process"
	apiRole    = "processes with the role `api`"
	workerRole = "processes with the role `worker`"
	// Samples and checks of a URL are sent by the process that was asked.
	sendingRoles  = "processes with the role `worker` or `api`"
	schedulerRole = "processes with the role `scheduler`"

	keepsWhat = "operations.md#what-keeps-what"
	goesWhere = "signing.md#where-requests-go-and-what-answers-count"
	fromMongo = "records.md#reading-from-mongodb"
	howLong   = "personal-data.md#how-long-it-stays"
	theLog    = "observability.md#the-log-one-line-for-each-attempt"
)

// settingPlaces has a row for each setting.
func settingPlaces() map[string]settingPlace {
	return map[string]settingPlace{
		"CARTEIRO_LISTEN":                {everyRole, "operations.md#health-checks"},
		"CARTEIRO_DATA_DIR":              {everyRole, keepsWhat},
		"CARTEIRO_DATABASE_URL":          {everyRole, keepsWhat},
		"CARTEIRO_REDIS_URL":             {everyRole, keepsWhat},
		"CARTEIRO_ADMIN_KEY":             {everyRole, "api-keys.md"},
		"CARTEIRO_TRUSTED_PROXIES":       {everyRole, "api-keys.md#wrong-keys"},
		"CARTEIRO_API_RATE":              {everyRole, "api-keys.md#how-often"},
		"CARTEIRO_SECRET_KEY":            {everyRole, "secrets.md"},
		"CARTEIRO_SECRET_KEYS_OLD":       {everyRole, "secrets.md#change-the-key"},
		"CARTEIRO_RETRY_SCHEDULE":        {workerRole + "; the other roles tell it to people, so set it everywhere", "state_machine.md"},
		"CARTEIRO_DELIVERY_TIMEOUT":      {sendingRoles, goesWhere},
		"CARTEIRO_VERIFICATION_TTL":      {apiRole, "verifications.md#expiry"},
		"CARTEIRO_ALLOW_HTTP":            {sendingRoles, goesWhere},
		"CARTEIRO_ALLOW_NETWORKS":        {sendingRoles, goesWhere},
		"CARTEIRO_WORKERS":               {workerRole, "operations.md#size"},
		"CARTEIRO_ROLES":                 {everyRole, "operations.md#splitting-the-work"},
		"CARTEIRO_STOP_DELAY":            {apiRole, "operations.md#stopping"},
		"CARTEIRO_MONGO_URL":             {schedulerRole + ", and `api` for previews", fromMongo},
		"CARTEIRO_MONGO_DATABASE":        {schedulerRole + ", and `api` for previews", fromMongo},
		"CARTEIRO_MONGO_COLLECTIONS":     {schedulerRole + ", and `api` for previews", fromMongo},
		"CARTEIRO_REDACT":                {apiRole, "personal-data.md#who-sees-what"},
		"CARTEIRO_RETENTION_PAYLOADS":    {schedulerRole, howLong},
		"CARTEIRO_RETENTION_ATTEMPTS":    {schedulerRole, howLong},
		"CARTEIRO_RETENTION_LOG":         {schedulerRole, howLong},
		"CARTEIRO_RETENTION_RECORDS":     {schedulerRole, howLong},
		"CARTEIRO_RETENTION_IDEMPOTENCY": {schedulerRole, howLong},
		"CARTEIRO_RETENTION_AUDIT":       {schedulerRole, howLong},
		"CARTEIRO_LOG_LEVEL":             {everyRole, theLog},
		"CARTEIRO_LOG_FORMAT":            {everyRole, theLog},
		"CARTEIRO_OTLP_ENDPOINT":         {everyRole, "observability.md#traces"},
		"CARTEIRO_MIGRATE":               {everyRole, "operations.md#upgrade"},
	}
}

// TestEachSettingSaysWhereItMatters: the part of the documentation that the
// reference sends people to is there, and speaks of the setting.
func TestEachSettingSaysWhereItMatters(t *testing.T) {
	places := settingPlaces()
	for _, s := range config.Settings() {
		place, ok := places[s.Env]
		if !ok {
			t.Errorf("%s: say in settingPlaces where it matters", s.Env)
			continue
		}
		delete(places, s.Env)
		page, anchor, _ := strings.Cut(place.page, "#")
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(section(string(text), anchor), s.Env) {
			t.Errorf("docs/%s does not name %s there", place.page, s.Env)
		}
	}
	for env := range places {
		t.Errorf("settingPlaces has %s, which is no setting", env)
	}
}

// section is the part of a page under a heading, with its smaller headings; ""
// when there is none. Without an anchor it is the page.
func section(page, anchor string) string {
	if anchor == "" {
		return page
	}
	var b strings.Builder
	depth := 0 // of the heading that was found; 0: not yet
	notInAnchors := regexp.MustCompile(`[^a-z0-9 -]`)
	for _, line := range strings.SplitAfter(page, "\n") {
		marks := len(line) - len(strings.TrimLeft(line, "#"))
		if marks > 0 {
			name := notInAnchors.ReplaceAllString(strings.ToLower(strings.TrimSpace(line[marks:])), "")
			switch {
			case strings.ReplaceAll(name, " ", "-") == anchor:
				depth = marks
			case depth > 0 && marks <= depth:
				return b.String()
			}
		}
		if depth > 0 {
			b.WriteString(line)
		}
	}
	return b.String()
}
