package api

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// describeSchemas says what each field of an answer is, where its type in the
// leaf of nouns cannot: that package knows no documents. It notes what a field
// may be, that a list is never null, and that an object may be.
func describeSchemas(registry huma.Registry) {
	fields, enums := fieldTexts(), fieldEnums()
	for schema, s := range registry.Map() {
		goType := registry.TypeFromRef("#/components/schemas/" + schema)
		pointers := pointersOf(goType)
		if takesNulls(goType) {
			allowNulls(s, needed(goType))
		}
		for name, p := range s.Properties {
			if p.Ref != "" && pointers[name] {
				p.AnyOf, p.Ref = []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, ""
			}
			if p.Description == "" {
				p.Description = pick(fields, schema, name)
			}
			if e := pick(enums, schema, name); len(e) > 0 && len(p.Enum) == 0 && p.Type == huma.TypeString {
				p.Enum = slices.Clone(e)
			}
			if p.Type == huma.TypeArray && !takesNulls(goType) {
				p.Nullable = false
			}
		}
	}
}

// takesNulls tells whether a type is a request's body in which null is as good
// as nothing.
func takesNulls(t reflect.Type) bool {
	if t == nil {
		return false
	}
	switch v := reflect.New(t).Interface().(type) {
	case *exportPatch, *authBody: // there it is a fault
		return false
	default:
		_, body := v.(decodable)
		return body
	}
}

// needed are the fields of a patch that have no default to go back to.
func needed(t reflect.Type) []string {
	if t == reflect.TypeFor[subscriptionPatch]() {
		return []string{"client_id", "url", "event_types", "signing"}
	}
	return nil
}

func allowNulls(s *huma.Schema, needed []string) {
	for name, p := range s.Properties {
		if slices.Contains(s.Required, name) || slices.Contains(needed, name) {
			continue
		}
		if p.Ref != "" {
			p.AnyOf, p.Ref = []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, ""
		}
		p.Nullable = p.Type != "" && p.Type != "null"
		if len(p.Enum) > 0 {
			p.Enum = append(p.Enum, nil)
		}
		if of, ok := p.AdditionalProperties.(*huma.Schema); ok {
			of.Nullable = true
		}
	}
}

// pointersOf are the fields of a type that are null where there is nothing, by
// their names in JSON.
func pointersOf(t reflect.Type) map[string]bool {
	pointers := map[string]bool{}
	if t == nil || t.Kind() != reflect.Struct {
		return pointers
	}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		pointers[name] = f.Type.Kind() == reflect.Pointer && options == ""
	}
	return pointers
}

// pick looks a field up by its schema and name, by the names of schemas that
// share their fields, and by its name alone.
func pick[T any](table map[string]T, schema, name string) T {
	for alias, of := range map[string]string{
		"DeliveryDetail": "Delivery", "SubscriptionView": "Subscription", "NewAPIKey": "APIKey", "EventDetail": "EventView",
		"RunView": "RunSummary", "RunDetail": "RunSummary", "Receipt": "RunSummary", "ProbeView": "AttemptView", "PageDeliveryView": "Delivery",
	} {
		if schema == alias {
			schema = of
		}
	}
	if v, ok := table[schema+"."+name]; ok {
		return v
	}
	return table[name]
}

func fieldEnums() map[string][]any {
	states := make([]any, len(webhook.States))
	for i, s := range webhook.States {
		states[i] = string(s)
	}
	return map[string][]any{
		"Delivery.state":         states,
		"Delivery.hold_reason":   {string(webhook.HoldPaused), string(webhook.HoldQuarantine)},
		"Delivery.method":        {"POST", "PUT"},
		"Subscription.state":     {string(webhook.SubscriptionActive), string(webhook.SubscriptionPaused)},
		"Subscription.method":    {"POST", "PUT"},
		"Subscription.signing":   {"hmac", "ed25519"},
		"Ack.status":             {string(webhook.Ack200), string(webhook.Ack2xx)},
		"Auth.type":              {"basic", "bearer"},
		"EventTypeView.envelope": {string(webhook.EnvelopeEventData), string(webhook.EnvelopeNone)},
		"ExportView.window":      {string(webhook.PreviousDay), string(webhook.PreviousWeek), string(webhook.SinceLastRun)},
		"APIKey.role":            {"admin", "operator", "producer", "viewer"},
		"CallbackView.method":    {"POST", "PUT"},
		"Problem.code":           problemCodes(),
	}
}

func problemCodes() []any {
	all := Codes()
	out := make([]any, len(all))
	for i := range all {
		out[i] = all[i].Code
	}
	return out
}

// fieldTexts is what a field is, by "Schema.field", or by "field" where it is
// the same everywhere.
func fieldTexts() map[string]string {
	return map[string]string{
		"id":              "its id; ids can be sorted by time",
		"client_id":       "whose it is",
		"subscription_id": "the subscription",
		"created_at":      "when it was made",
		"updated_at":      "when it was last changed",
		"started_at":      "when it began",
		"data":            "the entries of this page",
		"url":             "where the request goes",
		"event":           "the event type that subscriptions select it by",
		"export":          "the export's name",
		"trigger":         "what set it off",
		"message_id":      "the `webhook-id` header: the same on every attempt",
		"timing":          "how long the steps of the exchange took; a step that did not happen is null",
		"warnings":        "what was odd, such as an acknowledgement without the expected body",
		"records":         "how many records",
		"pages":           "how many pages",
		"path":            "a JSON pointer into the body, or the name of a parameter",
		"message":         "what is wrong, for people",
		"method":          "POST or PUT",
		"event_type":      "the event type's slug",
		"accepted":        "records that are stored as they came",
		"unchanged":       "records that were there already, or are older than what is there",
		"refused":         "each record that was not stored",

		"APIKey.client_id": "the one client that it sees; null: all", "APIKey.name": "for people", "APIKey.role": "what it may do",
		"APIKey.start":        "its first characters, to tell keys apart",
		"APIKey.expires_at":   "from then on it is refused; null: never",
		"APIKey.rate_limit":   "requests a second in each process, 0: any number; null: the server's setting",
		"APIKey.created_by":   "the id of the key that made it",
		"APIKey.last_used_at": "exact to about a minute; null: never",

		"AcceptedBatch.events": "in the order of the request", "AcceptedEvent.deliveries": "one for each subscription that wants it",
		"AcceptedEvent.type": "the event type's slug", "AcceptedEvent.created_at": "when it was accepted",
		"EventView.type": "the event type's slug",

		"Ack.body": "the expected answer; another one is flagged", "Ack.require_body": "another answer than `body` fails the attempt",
		"Ack.status": "the statuses that acknowledge", "AttemptError.code": "what went wrong, for programs", "AttemptError.message": "what went wrong, for people",
		"AuditActor.key_id": "the API key's id; `key_admin` is the configured one", "AuditResource.kind": "what kind of thing",
		"AuditView.at": "when", "AuditView.actor": "whose key it was", "AuditView.from": "where the request came from",
		"Auth.type": "basic or bearer", "Auth.username": "of basic", "Auth.password": "of basic; shown as [redacted]", "Auth.token": "of bearer; shown as [redacted]",
		"AuthBody.type": "basic or bearer", "CallbackBody.method": "how the result goes there",

		"Client.id": "the operator's slug", "Client.name": "for people",

		"Delivery.event_id":               "the event; null for what is not one, such as a page",
		"Delivery.subscription_id":        "empty for a verification's callback",
		"Delivery.url":                    "where the last attempt went, or the next one will",
		"Delivery.state":                  "where it stands; succeeded, failed and canceled are final",
		"Delivery.hold_reason":            "why it is held; not there when it is not",
		"Delivery.cancel_reason":          "why it was canceled, where it was not an operator",
		"Delivery.attempt_count":          "all attempts, manual ones too",
		"Delivery.automatic_count":        "attempts that the schedule has spent",
		"Delivery.next_attempt_at":        "when the schedule sends next; null when it does not",
		"Delivery.finished_at":            "when it reached a final state",
		"Delivery.run_id":                 "the export's run, for a page",
		"Delivery.page":                   "its number, from 1, for a page",
		"Delivery.last_status":            "HTTP status of the last attempt; null when there was none",
		"Delivery.last_error":             "the code of why the last attempt failed",
		"Delivery.test":                   "true: an operator's test",
		"Delivery.in_flight":              "an attempt is under way",
		"Delivery.manual_retry_requested": "a manual retry is due",

		"Erasure.requested_at": "when it was asked for: what came later is not touched", "Erasure.requested_by": "the key that asked for it",
		"Erasure.step": "what it does at the moment", "Erasure.finished_at": "when it ended; null while it runs", "Erasure.erased": "how much is gone so far",
		"ErasureCounts.payloads": "payloads of messages", "ErasureCounts.answers": "stored answers of receivers", "ErasureCounts.records": "records of exports",
		"ErasureCounts.refused_records": "keys in receipts", "ErasureCounts.verifications": "verifications whose data are gone",
		"ErasureCounts.canceled_deliveries": "open deliveries that were canceled", "ErasureCounts.idempotency_keys": "answers kept under an Idempotency-Key",

		"EventTypeView.slug": "its name for programs", "EventTypeView.name": "goes on the wire in the event_data envelope", "EventTypeView.description": "for people",
		"EventTypeView.envelope": "what is put around data", "EventTypeView.schema": "JSON Schema 2020-12 of data; not there: any JSON value",
		"EventTypeView.example": "a sample of data", "EventTypeView.deprecated": "still accepted, shown as such",
		"EventTypeView.created_at": "when it was made; not there for a dry run", "EventTypeView.updated_at": "when it was last changed; not there for a dry run",

		"ExportView.name": "the name of its dataset too", "ExportView.dataset": "whose records", "ExportView.cron": "five fields, or six with seconds first",
		"ExportView.zone": "a fixed offset: of the cron's hours and of the windows' days", "ExportView.window": "which days a fire covers",
		"ExportView.page_size": "records of a page, at most", "ExportView.page_bytes": "bytes of a page's body, at most", "ExportView.enabled": "false: it never fires by itself",
		"ExportPatch.window": "which days a fire covers", "FireView.at": "when it will fire",
		"Gone.at": "when it was removed", "Gone.why": "retention or erasure",

		"PageView.records": "in this page", "Delivery.created_at": "when it was made",
		"PreviewClient.bytes": "of all its bodies", "PreviewClient.late_records": "of its records, those that arrived after their own window's run",
		"PreviewClient.refused": "records that cannot be sent", "PreviewClient.subscriptions": "that would get the pages", "PreviewView.clients": "by client id",
		"ReadinessView.status": "ready when every part that was asked for is",
		"Refusal.key":          "the record's key", "Refusal.line": "its line, from 1", "Refusal.reason": "what is wrong with it",
		"RunClientView.state": "how far its part of the run is", "RunClientView.records_acknowledged": "in pages that every subscription has acknowledged",
		"RunClientView.records_failed": "in pages of which a delivery has failed or was canceled",
		"StatsView.since":              "from when on what ended is counted", "StatsView.deliveries": "of deliveries", "StatsView.verifications": "of verifications",

		"job_id": "the job that made it, or asked for its last retry", "finished_at": "when it ended; null while it has not", "kind": "retry or replay", "filter": "what is selected; at least one field",
		"run_id": "the export's run", "since": "made at or after this time", "until": "made before this time", "event_ids": "the events",
		"JobFilter.state": "of the deliveries", "JobPart.counted": "how many it works on", "JobPart.done": "retries asked for, or deliveries made",
		"JobPart.skipped": "passed over", "JobPart.finished": "this part has ended", "ReplayView.dry_run": "nothing was changed",

		"Finding.check": "what was looked at", "Finding.result": "ok, warn, fail or skipped", "Finding.remedy": "what mends it; empty when nothing is to be mended",
		"CheckupView.duration_ms": "how long the whole check took",

		"Explanation.delivery_id": "the delivery", "Explanation.language": "of the sentences", "Explanation.state": "where it stands",
		"Explanation.summary": "where it stands, in words", "Explanation.steps": "what happened, the first thing first",
		"Explanation.cause":  "why the last attempt counts as failed; empty when it does not",
		"Explanation.remedy": "what mends that, or ends the waiting; empty when nothing is wrong", "Explanation.next": "what happens next",
		"Explanation.next_attempt_at": "null when nothing more is sent by itself", "Explanation.tell_client": "what to answer a client who asks",

		"StatsView.queue": "what waits now", "StatsView.attempts": "how attempts went", "QueueStats.lanes": "what waits, by kind of work", "HourView.states": "in which state they are now",
		"StateCounts.pending": "the first attempt is due", "StateCounts.retrying": "they wait for a further attempt", "StateCounts.held": "paused, or in quarantine",
		"StateCounts.succeeded": "acknowledged", "StateCounts.failed": "the schedule is used up", "StateCounts.canceled": "stopped",
		"FailingSubscription.waiting": "deliveries that wait for a further attempt", "FailingSubscription.failed": "deliveries whose schedule is used up",
		"p50_ms": "half of them took less", "p95_ms": "95 of 100 took less", "p99_ms": "99 of 100 took less", "max_ms": "the longest",

		"Subscription.client_id": "whose events; * for every client's", "Subscription.event_types": "exact slugs, a prefix with .*, or *", "Subscription.description": "for people",
		"Subscription.headers": "static headers of each request; their values are hidden", "Subscription.auth": "credentials for the receiver; null: none",
		"Subscription.signing": "how messages are signed", "Subscription.ack": "what counts as an acknowledgement", "Subscription.timeout": "of one attempt; 0s: the server's setting",
		"Subscription.rate_limit": "requests a second; 0: no limit", "Subscription.max_in_flight": "attempts at once in one process",
		"Subscription.send_empty_exports": "an export without records is sent as an empty page", "Subscription.state": "a paused one holds its deliveries",

		"TimingView.dns_ms": "looking the name up", "TimingView.connect_ms": "until the connection stood", "TimingView.tls_ms": "until TLS stood",
		"TimingView.first_byte_ms":            "from the request to the first byte of the answer",
		"VerificationView.national_id_masked": "the last two characters behind a mask", "VerificationView.status": "PENDING until it is reported on or expires",
	}
}
