package api

import "maps"

// operationText is what the document says of an operation beside its types.
type operationText struct {
	summary     string
	description string            // plain sentences; `code` in backticks, paragraphs apart by an empty line
	example     string            // a body that succeeds
	answer      string            // what the answer to it may be
	answers     map[string]string // what a status means, by status
	codes       []string          // of problems, beside those of every route of its shape
	location    bool              // the answer names what was made in Location
}

// texts has a row for each operation of the document.
func texts() map[string]operationText {
	all := clientTexts()
	for _, part := range []map[string]operationText{
		subscriptionTexts(), eventTexts(), verificationTexts(), deliveryTexts(), jobTexts(), exportTexts(), serverTexts(),
	} {
		maps.Copy(all, part)
	}
	return all
}

// tagTexts says what each group of operations is about, in the order in which
// people read them.
func tagTexts() []tagText {
	return []tagText{
		{"clients", "A client is a customer company: a tenant. Its id is the operator's own slug."},
		{"subscriptions", "A subscription is a URL of a client with the event types that it wants."},
		{"event-types", "The catalogue: what kinds of events there are, and what their data look like."},
		{"events", "An event is a fact that the platform posts. A `202` means that it and its deliveries are committed."},
		{"verifications", "A verification tells its result, once, to the URL that its own request named."},
		{"deliveries", "A delivery is one message to one URL; an attempt is one HTTP request of it. A retry is another attempt of the same delivery, with the same `webhook-id`."},
		{"replays", "One call for everything that failed: a retry or a replay by filter."},
		{"jobs", "The work of a replay, with its progress."},
		{"records", "What the exports send: the platform puts records here as they change."},
		{"exports", "An export sends a client the records of a period, on a schedule or by hand."},
		{"runs", "A run is one execution of an export for one window of time, with a receipt for each client."},
		{"api-keys", "Keys have a role, and may be bound to one client."},
		{"audit-log", "Who wrote what, and who looked at which secret."},
		{"stats", "Counts for people; `/metrics`, where it is there, is for machines."},
		{"server", "Whether the process lives and is ready, what it is doing, and this description."},
	}
}

type tagText struct{ name, text string }

func clientTexts() map[string]operationText {
	return map[string]operationText{
		"list-clients": {
			summary: "List clients", description: "A key that is bound to a client sees that one only.",
		},
		"put-client": {
			summary: "Make or rename a client", example: `{"name":"Acme Eventos"}`,
			description: "A subscription for a client that does not exist yet makes it too, so this is for its name.",
			answers:     map[string]string{"200": "It was there", "201": "It was made"},
			answer:      `{"id":"acme","name":"Acme Eventos","created_at":"2025-06-20T17:00:00Z","updated_at":"2025-06-20T17:00:00Z"}`,
		},
		"get-client": {summary: "Get a client"},
		"get-client-secret": {
			summary:     "Show the secret of a client's verification callbacks",
			description: "It signs the callbacks of `POST /v1/verifications`, and is made at the first look. Each look leaves a line in the audit log.",
		},
		"rotate-client-secret": {
			summary: "Rotate the secret of a client's verification callbacks", example: `{"overlap":"24h"}`,
			description: "Until `previous_until` each callback carries both signatures.",
			codes:       []string{"rotation_overlaps", "changed_meanwhile"},
		},
		"erase-personal-data": {
			summary: "Erase a client's personal data",
			description: "Payloads, records, metadata of verifications and receivers' answers of this client go, and its open deliveries are canceled; the log of deliveries stays. " +
				"It begins three seconds later and goes on after a restart. While it runs, the answer is the job that runs.",
			answers: map[string]string{"202": "The erasure that was begun, or that runs"}, location: true,
		},
		"get-erasure": {summary: "See how far an erasure is", description: "The latest erasure of the client."},
	}
}

func subscriptionTexts() map[string]operationText {
	const subscribed = `{"id":"sub_06h3v7xq2m8k1r5t9w0y4z6b8c","client_id":"acme","url":"https://hooks.acme.example/encontro","event_types":["shop.*"],` +
		`"description":"","method":"POST","headers":{},"auth":null,"signing":"hmac","ack":{"status":"200","require_body":false},"timeout":"0s","rate_limit":0,` +
		`"max_in_flight":64,"send_empty_exports":false,"state":"active","created_at":"2025-06-20T17:00:00Z","updated_at":"2025-06-20T17:00:00Z",` +
		`"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`
	return map[string]operationText{
		"create-subscription": {
			summary: "Register a subscription",
			description: "The URL is judged now: https, a public address, a name that resolves. The answer has the secret that signs, or with `\"signing\":\"ed25519\"` the public key. " +
				"A client that does not exist yet is made. `client_id` `*` is for every client's events, and for admins.",
			example: `{"client_id":"acme","url":"https://hooks.acme.example/encontro","event_types":["shop.*"]}`, answer: subscribed,
			codes: []string{"admin_needed"}, location: true,
		},
		"list-subscriptions": {summary: "List subscriptions"},
		"get-subscription":   {summary: "Get a subscription", description: "Without its secret: that has a route of its own."},
		"change-subscription": {
			summary: "Change a subscription", example: `{"description":"the new shop","rate_limit":20}`,
			description: "A merge patch (RFC 7396): what is not given stays, and `null` gives a field its default. `[redacted]` stands for a stored value, so that what a GET showed can be sent back.",
			codes:       []string{"changed_meanwhile"},
		},
		"delete-subscription": {
			summary:     "Delete a subscription",
			description: "What it still waits for is canceled; an attempt under way may finish, and counts when it is acknowledged. The log of its deliveries stays.",
			answers:     map[string]string{"204": "It is gone"},
		},
		"pause-subscription": {
			summary:     "Pause a subscription",
			description: "Its deliveries are `held` from now on; an attempt under way may finish. Nothing is lost: resume sends them.",
		},
		"resume-subscription": {summary: "Resume a paused subscription", description: "What was held goes out; what is over its time at once."},
		"rotate-subscription-secret": {
			summary: "Rotate a subscription's secret", example: `{"overlap":"24h"}`,
			description: "Until `previous_until` each request carries both signatures. `signing` may change the kind of key.",
			codes:       []string{"rotation_overlaps", "changed_meanwhile"},
		},
		"get-subscription-secret": {
			summary: "Show a subscription's secret", description: "With the previous one while a rotation overlaps. Each look leaves a line in the audit log.",
		},
		"check-subscription": {
			summary: "Check a subscription's URL",
			description: "The connection doctor goes the way step by step, from the name to the acknowledgement, and sends the event type's example with a wrong signature, with the right one, and once more. " +
				"Each finding has a sentence, in English, or in Brazilian Portuguese for `Accept-Language: pt-BR`.",
			codes: []string{"too_many_tests"},
		},
		"test-subscription": {
			summary: "Send a test", example: `{"event_type":"shop.product.redemption"}`,
			description: "Sends the event type's example now, signed, with the header `Carteiro-Test: true`, and answers with the attempt: `200` also when the attempt failed. " +
				"A test goes to a paused subscription too, and is never sent again by itself.",
			codes: []string{"too_many_tests"},
		},
	}
}

func eventTexts() map[string]operationText {
	const event = `{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"123","name":"Aluno"},"exchange":{"id":"321","quantity":"1"}}}`
	const accepted = `{"id":"evt_06h3v7xq2m8k1r5t9w0y4z6b8c","type":"shop.product.redemption","client_id":"acme","created_at":"2025-06-20T17:53:00.123456Z",` +
		`"deliveries":[{"id":"dlv_06h3v7xq2m8k1r5t9w0y4z6b8d","subscription_id":"sub_06h3v7xq2m8k1r5t9w0y4z6b8c"}]}`
	return map[string]operationText{
		"list-event-types": {summary: "List event types", description: "By slug. Those that are `reserved` are made by Carteiro itself."},
		"get-event-type":   {summary: "Get an event type"},
		"put-event-type": {
			summary: "Make or replace an event type",
			description: "A PUT replaces the whole type. With `dry_run=true` everything is checked and nothing is stored. " +
				"A reserved slug is a 422.",
			example: `{"name":"Membro rebaixado","schema":{"type":"object","required":["user"]},"example":{"user":{"id":"42"}}}`,
			answers: map[string]string{"200": "It was there, or nothing was stored (`dry_run`)", "201": "It was made"},
		},
		"post-event": {
			summary: "Post an event", example: event, answer: accepted,
			description: "The event type's schema checks `data`, and each wrong field is named. A `202` means that the event and its deliveries are committed; they are sent at once.\n\n" +
				"An event for a client without subscriptions is accepted and has no deliveries. Send an `Idempotency-Key`, and a request whose answer was lost can be sent again.",
		},
		"post-events": {
			summary: "Post up to 1,000 events", example: `{"events":[` + event + `]}`, answer: `{"events":[` + accepted + `]}`,
			description: "All are accepted, or none. The answer has them in the same order.",
		},
		"list-events": {summary: "List events", description: "The newest first, without their data."},
		"get-event":   {summary: "Get an event with its deliveries"},
	}
}

func verificationTexts() map[string]operationText {
	return map[string]operationText{
		"create-verification": {
			summary: "Register a verification",
			description: "The client's own request. `callback.url` is judged now, as a subscription's is. Of `nationalId` only a mask is kept; `metadata` comes back byte for byte. " +
				"Without `callback` nobody is told: poll.",
			example:  `{"nationalId":"012345678900","verifications":{"type":"full"},"callback":{"url":"https://your-domain.example/webhook-endpoint","method":"POST"},"metadata":{"key":"value"}}`,
			location: true,
		},
		"list-verifications": {summary: "List verifications", description: "The newest first, without metadata."},
		"get-verification":   {summary: "Get a verification", description: "The poll twin of the push: its first fields are the callback's body."},
		"end-verification": {
			summary: "Report how a verification ended", example: `{"status":"COMPLETED"}`,
			description: "By the verification engine. The verification ends and its callback comes in, in one transaction. The same report again changes nothing; another one is a 409.",
			codes:       []string{"verification_ended"},
		},
	}
}
