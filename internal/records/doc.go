// Package records carries records in bulk: it cuts a stream of NDJSON or a
// JSON array into records without holding more than one of them, and sends a
// file of any length to a server's API in calls that the API takes.
//
// Its doors are [NewReader] and [Import]. What a record must be is package
// webhook's; where it goes is the API's. It must not know SQL.
package records
