package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Code is a row of the table of problem codes: docs/reference/errors.md and the
// OpenAPI document are made of it.
type Code struct {
	Code     string `json:"code"`
	Statuses []int  `json:"statuses"` // of the answers that have it
	Meaning  string `json:"meaning"`  // what happened
	Remedy   string `json:"remedy"`   // what to do
}

// Codes lists every code that a problem of this server can have, by status.
// They are stable: a program may decide by them.
func Codes() []Code {
	return slices.Concat(codesOfRequests(), codesOfKeys(), codesOfState(), codesOfServer())
}

func codesOfRequests() []Code {
	return []Code{
		{"malformed_json", []int{400}, "The body is empty, or no JSON.", "The detail says where; nothing was done, but for records, where `partial` tells what was."},
		{"incomplete_body", []int{400}, "The body ended before its announced end.", "Send the request again; with the same Idempotency-Key nothing is done twice."},
		{"bad_request", []int{400}, "The request cannot be carried out as it is.", "The detail says more, where there is more to say."},
		{"malformed_query", []int{400}, "The URL's query cannot be read.", "Percent-encode it: a \"+\" of a time is %2B."},
		{"invalid_cursor", []int{400}, "The cursor was not made by this list.", "Use `next_cursor` of the page before, unchanged, or start without one."},
		{"malformed_path", []int{400}, "The path has a control character, or bytes that are not UTF-8.", "Percent-encode what is not plain text."},
		{"method_not_allowed", []int{405}, "The route does not know this method.", "The header Allow has those that it knows."},
		{"slow_body", []int{408}, "The body did not come within the time for a whole request.", "Send less at once, or over a better line."},
		{"body_too_large", []int{413}, "The body is larger than the route takes.", "The detail tells the limit: split the batch."},
		{"too_many_records", []int{413}, "One call has more records than are allowed.", "Go on at `partial.next_line`; what came before it is stored."},
		{"url_too_long", []int{414}, "Path and query are longer than 8 KiB.", "Shorten them."},
		{"unsupported_media_type", []int{415}, "The Content-Type is not one that the route takes.", "Send what the detail names, in UTF-8: application/json, for records their lines too, and for a change a merge patch."},
		{"unsupported_content_encoding", []int{415}, "The body is compressed.", "Send it without Content-Encoding."},
		{"invalid_request", []int{422}, "The request was understood, but fields or parameters are not valid.", "`errors` names each of them (the first hundred): a JSON pointer into the body, or the name of a parameter."},
		{"too_many_headers", []int{431}, "The request has more than 100 header lines.", "Send fewer."},
		{"http_version", []int{505}, "The request begins like HTTP/2.", "Speak HTTP/1.1."},
	}
}

func codesOfKeys() []Code {
	return []Code{
		{"unauthorized", []int{401}, "There is no key, or none that this server knows.", "Send `Authorization: Bearer <key>`; the detail says when a key was cut off."},
		{"key_expired", []int{401}, "The key was valid until the time that the detail tells.", "Ask an administrator for a new one."},
		{"key_revoked", []int{401}, "An administrator has revoked the key.", "Ask for a new one."},
		{"role_needed", []int{403}, "The key's role does not suffice for this route.", "Use a key with one of the roles that the detail names."},
		{"key_is_bound", []int{403}, "The route concerns all clients, and the key is bound to one.", "Use a key that is not bound."},
		{"other_client", []int{403}, "The key is bound to a client, and the request is about another one.", "`errors` has the place of the wrong client_id."},
		{"admin_needed", []int{403}, "The subscription is to every client's events (`*`).", "Use a key with the role admin."},
		{"reveal_forbidden", []int{403}, "Personal data are shown to admins only.", "Leave `reveal=true` out: all the rest is shown."},
		{"cross_origin", []int{403}, "A page of another origin made a browser send the request; nothing was done.", "Call from a server, or from the server's own pages."},
		{"too_many_wrong_keys", []int{429}, "More than ten unknown keys came from this address.", "Wait as Retry-After says; a valid key works at once."},
		{"rate_limited", []int{429}, "The key has made more requests than it may in a second; nothing was done.", "Wait as Retry-After says."},
	}
}

func codesOfState() []Code {
	return []Code{
		{"not_found", []int{404}, "There is no such thing, or no such route; what belongs to another client does not exist for a bound key.", "Look at the id; lists have those that exist."},
		{"changed_meanwhile", []int{409}, "Somebody else changed the same thing at the same moment, again and again.", "Read it, and send the change again."},
		{"idempotency_key_reused", []int{409}, "The Idempotency-Key came before with another request.", "Use a new key for a new request."},
		{"rotation_overlaps", []int{409}, "An earlier rotation still overlaps: another one would end the older secret too early.", "The secret's route has the answer of the first; `\"overlap\":\"0s\"` ends the older one now."},
		{"verification_ended", []int{409}, "The verification ended before, in another way, or has expired.", "Nothing: its result was sent once, and stays."},
		{"delivery_canceled", []int{409}, "The delivery was canceled; it cannot be sent.", "Post the event again."},
		{"delivery_finished", []int{409}, "The delivery has ended; there is nothing to cancel.", "Nothing."},
		{"subscription_gone", []int{409}, "The delivery's subscription was deleted, and with it the secret that signs.", "Post the event again, for a subscription that is there."},
		{"export_busy", []int{409}, "Others change the same export at the same moment, again and again.", "Read it, and send the change again."},
		{"job_finished", []int{409}, "The job has ended; there is nothing to cancel.", "Nothing."},
		{"profile_under_way", []int{409}, "Somebody else looks at the process at the moment.", "Send it again in some seconds."},
		{"payload_gone", []int{409, 410}, "The payload was removed at the end of its retention, or by an erasure.", "Post the event again, or run the export's days again."},
		{"too_many_tests", []int{429}, "As many tests as are allowed at once are under way.", "Send it again in a second."},
	}
}

func codesOfServer() []Code {
	return []Code{
		{codeInternal, []int{500}, "A fault of the server.", "Its log has the cause under the answer's `request_id`; please report it."},
		{"overloaded", []int{503}, "More requests wait than there is room for; nothing was done.", "Send it again as Retry-After says."},
		{"database_unavailable", []int{503}, "The database does not answer, or takes no writes; nothing was accepted.", "Send it again as Retry-After says, with the same Idempotency-Key."},
		{"timeout", []int{503}, "The request was not carried out in time, or may have been.", "Send it again; with the same Idempotency-Key nothing is done twice."},
		{"canceled", []int{503}, "The caller went away before the answer.", "Send it again; with the same Idempotency-Key nothing is done twice."},
	}
}

const codeInternal = "internal_error"

// codesOf are the codes that an operation can answer with, by status: those
// of every route of its shape, and its own.
func codesOf(r *route, op *huma.Operation, own []string) map[int][]string {
	codes := []string{codeInternal, "canceled", "timeout"}
	if r.who == public {
		codes = codes[:1]
		if len(op.Parameters) > 0 {
			codes = append(codes, "invalid_request")
		}
	} else {
		codes = append(codes, "unauthorized", "key_expired", "key_revoked", "role_needed", "too_many_wrong_keys", "rate_limited",
			"database_unavailable", "malformed_query", "invalid_request")
		if r.who == everyone {
			codes = slices.DeleteFunc(codes, func(c string) bool { return c == "role_needed" })
		}
	}
	codes = append(codes, codesOfWhose(r)...)
	codes = append(codes, codesOfInput(op)...)
	codes = append(codes, own...)
	slices.Sort(codes)
	byStatus := map[int][]string{}
	for _, code := range slices.Compact(codes) {
		for _, status := range statusesOf(code, r) {
			byStatus[status] = append(byStatus[status], code)
		}
	}
	return byStatus
}

func codesOfWhose(r *route) []string {
	var codes []string
	if strings.Contains(r.path, "{") {
		codes = append(codes, "not_found")
	}
	switch r.whose {
	case ofPlatform, ofProcess:
		codes = append(codes, "key_is_bound")
	case ofQuery, ofRun:
		codes = append(codes, "other_client")
	case ofInput, ofIntake:
		if r.method != get {
			codes = append(codes, "other_client")
		}
	case ofSubscription:
		if r.who == operator {
			codes = append(codes, "admin_needed")
		}
	}
	return codes
}

func codesOfInput(op *huma.Operation) []string {
	var codes []string
	for _, p := range op.Parameters {
		switch p.Name {
		case "cursor":
			codes = append(codes, "invalid_cursor")
		case "reveal":
			codes = append(codes, "reveal_forbidden")
		case "Idempotency-Key":
			codes = append(codes, "idempotency_key_reused")
		}
	}
	if op.RequestBody != nil {
		codes = append(codes, "malformed_json", "incomplete_body", "slow_body", "body_too_large",
			"unsupported_media_type", "unsupported_content_encoding", "overloaded")
	}
	return codes
}

// statusesOf are the statuses that a code has on a route: what is gone is a
// 410 to whoever asks for it, and a 409 to whoever wants it sent.
func statusesOf(code string, r *route) []int {
	if code == "payload_gone" {
		if r.method == get {
			return []int{http.StatusGone}
		}
		return []int{http.StatusConflict}
	}
	for _, c := range Codes() {
		if c.Code == code {
			return c.Statuses
		}
	}
	return nil
}
