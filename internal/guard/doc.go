// Package guard stands between the network and the faces (api, console): the
// limits of what comes in, the headers of what goes out, and the refusal of
// what a browser was made to send by another site.
//
// limits.go has every limit in one place, with its reason. Its doors are
// [Server], which builds the http.Server, and [Handler], which every request
// passes before a face sees it; a page of HTML calls [Page]. It must not know
// routes, keys or what the faces do.
package guard
