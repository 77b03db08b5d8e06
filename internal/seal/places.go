package seal

// The places that sealed values are bound to. A value that is copied to
// another row does not open there.

// SubscriptionSecret is the place of a subscription's signing secrets, the
// current and the one before it.
func SubscriptionSecret(id string) string { return "subscriptions/" + id + "/secret" }

// SubscriptionHeaders is the place of a subscription's static headers.
func SubscriptionHeaders(id string) string { return "subscriptions/" + id + "/headers" }

// SubscriptionAuth is the place of a subscription's credentials.
func SubscriptionAuth(id string) string { return "subscriptions/" + id + "/auth" }

// ClientSecret is the place of a client's own signing secrets.
func ClientSecret(id string) string { return "clients/" + id + "/secret" }

// Answer is the place of a stored answer to a request with an Idempotency-Key.
func Answer(scope, key string) string { return "idempotency/" + scope + "/" + key }

// Session is the place of a session of the console. It is no row: whoever has
// the cookie has the session.
func Session() string { return "console/session" }
