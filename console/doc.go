// Package console is the HTML face of Carteiro, at /console: for the person
// who gets the call "we did not receive our sales". Pages are made on the
// server and work without scripts; scripts only copy, and keep pages up to
// date.
//
// Its door is [New]. console.go holds the one table of routes; whoever opens
// it sees each page with its method, path, who may use it, whose data it is
// about, and its handler. A file per noun holds the handlers (deliveries.go,
// exports.go, …); templates/pages, assets and locale have what they show.
// Reads go to the store, writes to their owner, exactly as in package api,
// which this package does not know.
//
// The way of a request, which internal/guard has let in, file by file:
//
//	visit.go     gets an id, a time limit and a line in the log
//	session.go   must have a session, whose key is checked anew
//	route.go     of a role that the page is for
//	whose.go     a key of one client is kept to what is of that client
//	<noun>.go    the handler
//	templates.go the page, in the visitor's language (words.go) and form (format.go)
//	errors.go    or the page of an error
//
// # To add a page
//
// A row in the table, a handler func(*visit) error in the file of the noun, a
// template templates/pages/NAME.html that defines "title" and "content", its
// texts in locale/en/NOUN.json and locale/pt-BR/NOUN.json. The handler ends
// with v.show("NAME", data), v.finish(to, key) after a form that was carried
// out, v.confirm(…) to ask first, or an error. v.client() is whose data the
// visitor asks for or is bound to, v.page() and v.pager(next) are for a list,
// v.outliving() is the context of a write, v.t(key) a text.
//
// In the template the dot is a view: .Data is what the handler has handed over,
// .Can "operator" asks before a button is shown. {{t "key" args}} is a text,
// {{tn "key" n}} one that counts (key.one, key.other), {{word "state." x}} one
// of a list that may grow. {{number n}}, {{duration d}}, {{span d}},
// {{bytes n}}, {{ago at}}, {{stamp at}}, {{exact at}} write values. No text
// stands in a template itself, no style and no script: the policy of
// internal/guard lets none of them through.
//
// The parts (templates/parts), each called {{template "NAME" value}}:
//
//	icon    "retry"                       a picture; see icons.html
//	badge   .State                        a state by text, shape and colour
//	when    .CreatedAt                    "3 min ago", with the exact time
//	stamp   .CreatedAt                    the time in UTC
//	id      .ID                           a text for machines, with a copy button
//	copy    .Text                         only the button
//	back    (dict "To" url "Text" text)   to the list that a page is of
//	empty   (dict "Title" … "Text" … "To" … "Do" …)   nothing there, and what to do; all four are needed, "" for none
//	note    (dict "Kind" "warn" "Title" … "Text" …)   info, ok, warn or bad; all three are needed
//	pager   .Data.Pager                   to the next page of a list
//	live    .                             says that the page keeps itself up to date
//	faults  .Data.Form                    above a form: something is wrong
//	field   (field .Data.Form "url" "/url" (t "…") "kind" "url" "hint" (t "…") "need" true)
//
// Those of templates/parts/things.html show one kind of thing on several pages:
//
//	delivery-rows      .Data.Deliveries       a table of deliveries
//	subscription-rows  .Data.Subscriptions    a table of subscriptions with their health
//	client-name        .ClientID              a client with a link, or "every client"
//	health-bar         .Health                a small bar of a subscription's newest deliveries
//	strip              .Data                  the same one by one; .Strip and .Health
//	attempt            .Attempt               one attempt with what was sent and answered with what was sent and answered
//	personal           .                      says whether personal data are shown; .Data.Revealed and .Data.Reveal
//
// What is kept up to date stands in an element with an id and data-live.
//
// The classes of assets/console.css that pages are built of: page-head with
// actions, card (flush around a table), columns, tiles with tile, dl.facts,
// table.list in .table-wrap (on a phone each row is a card; td.main takes a
// line of its own, data-label names a value), filters, form, tabs, pre.code,
// button and primary or danger, muted, small, num, sub, tag, stack, narrow, links.
package console
