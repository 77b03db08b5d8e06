package api

func deliveryTexts() map[string]operationText {
	return map[string]operationText{
		"list-deliveries": {summary: "List deliveries", description: "The newest first, without their attempts."},
		"get-delivery":    {summary: "Get a delivery with its attempts"},
		"get-delivery-payload": {
			summary:     "Get the body that is sent",
			description: "The exact bytes with `reveal=true`; otherwise with personal data taken out.",
			codes:       []string{"payload_gone"},
		},
		"get-delivery-as-curl": {
			summary:     "Get a delivery as a curl line",
			description: "Signed now. Static headers and credentials are not in it, and neither are personal data without `reveal=true`: then the signature is not that of the body that is shown.",
			codes:       []string{"payload_gone", "subscription_gone"},
		},
		"explain-delivery": {
			summary:     "Explain a delivery in plain words",
			description: "What happened, why it counts as it does, when the next attempt is, and what to tell the client: in English, or in Brazilian Portuguese for `Accept-Language: pt-BR`.",
		},
		"retry-delivery": {
			summary: "Retry a delivery",
			description: "Sends it at once, in any state but `canceled`, with the same `webhook-id`. It neither spends nor cancels the schedule. " +
				"The answer is the delivery as it is with the retry noted.",
			codes: []string{"delivery_canceled", "payload_gone", "subscription_gone"},
		},
		"cancel-delivery": {
			summary: "Cancel a delivery", description: "An attempt under way may finish and is recorded: where the receiver acknowledges it, the delivery has `succeeded`. Nothing more is sent.",
			codes: []string{"delivery_finished"},
		},
	}
}

func jobTexts() map[string]operationText {
	return map[string]operationText{
		"start-replay": {
			summary: "Retry or replay many", example: `{"kind":"retry","filter":{"client_id":"acme","since":"2025-06-17T00:00:00Z"},"dry_run":true}`, location: true,
			description: "A retry is another attempt of each delivery that the filter selects; a replay makes new deliveries of past events. " +
				"With `dry_run` they are only counted. A job is paced for each subscription, goes on after a restart, and stops for nothing silently.",
			answers: map[string]string{"200": "What a job would work on: nothing was changed (`dry_run`)", "202": "The job that was made"},
		},
		"list-jobs":  {summary: "List jobs", description: "The newest first."},
		"get-job":    {summary: "Get a job with its progress"},
		"cancel-job": {summary: "Cancel a job", description: "What it has not begun stays as it is; what was asked for already is sent.", codes: []string{"job_finished"}},
	}
}

func exportTexts() map[string]operationText {
	return map[string]operationText{
		"put-records": {
			summary: "Put records",
			description: "NDJSON or one JSON array, up to 10,000 records of up to 256 KiB. Good records are stored whatever becomes of the others; each refused one is listed with its line. " +
				"Sending a record again is harmless: it counts as unchanged.",
			example: `[{"_id":"60d21b4667d0d8992e610c85","updatedAt":"2025-06-15T18:00:00Z","checkin":true}]`,
			answer:  `{"accepted":1,"unchanged":0,"refused":[]}`, codes: []string{"too_many_records"},
		},
		"list-exports": {summary: "List exports", description: "With the next three times of each schedule, and the days that they will cover."},
		"get-export":   {summary: "Get an export"},
		"change-export": {
			summary: "Change an export's schedule", example: `{"cron":"0 4 * * *","page_size":200}`,
			description: "A merge patch: what is not given stays.", codes: []string{"export_busy"},
		},
		"preview-export": {
			summary:     "Preview a run",
			description: "What a run would send: window, counts, and the body of the first page, without personal data. Nothing is sent. Without dates, it is what a scheduled run would take now.",
		},
		"start-run": {
			summary: "Run an export now, or for a past period", example: `{"start_date":"2025-06-15","end_date":"2025-06-15"}`,
			description: "Days are in the export's zone, both included. A run by hand takes exactly its window, and leaves late records to the next scheduled one.",
			location:    true,
		},
		"list-runs": {summary: "List runs of an export", description: "The newest first."},
		"get-run":   {summary: "Get a run with its pages", description: "Counts by client, and the pages with their deliveries, in parts."},
		"get-receipt": {
			summary:     "Get the receipt of a run",
			description: "Whole, as JSON or as CSV: each page with the SHA-256 of its body, and what became of its deliveries.",
		},
	}
}

func serverTexts() map[string]operationText {
	return map[string]operationText{
		"create-api-key": {
			summary: "Make an API key", example: `{"name":"orders service","role":"producer"}`, location: true,
			description: "The answer shows the key, this once: only its SHA-256 is stored.",
		},
		"list-api-keys":  {summary: "List API keys", description: "Those that are not revoked, without their texts."},
		"get-api-key":    {summary: "Get an API key"},
		"revoke-api-key": {summary: "Revoke an API key", description: "No process accepts it from the moment of the answer.", answers: map[string]string{"204": "It is revoked"}},
		"list-audit-log": {summary: "List the audit log", description: "The newest first. `fields` are names, never values."},
		"get-stats":      {summary: "Get counts", description: "What is pending now, and what ended since a time."},
		"get-metrics":    {summary: "Read the metrics", description: "In the text format of Prometheus, of the process that answers."},
		"get-profile": {
			summary:     "Look at the process itself",
			description: "Where its time and memory go, for `go tool pprof` and `go tool trace`. It holds no data of clients.",
			codes:       []string{"profile_under_way"},
		},
		"get-openapi": {summary: "Get this description", description: "OpenAPI 3.1, made of the program's own types. `/docs` shows it as a page."},
		"get-health":  {summary: "Ask whether the process lives", description: "Green as long as it does. It wants no key."},
		"get-readiness": {
			summary:     "Ask whether the server is ready",
			description: "Each part by name; the log has the causes. It wants no key.",
			answers:     map[string]string{"200": "Every part that was asked for is ready", "503": "A part is not ready"},
		},
		"get-docs": {summary: "Read this description as a page", description: "Without scripts, and nothing of it comes from elsewhere."},
	}
}
