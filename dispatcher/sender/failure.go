package sender

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Sentences about a failed attempt. They are ours to the last word: the text
// of an error of net/http can repeat what the receiver sent, and a receiver can
// send back what it was given.
const (
	msgMethod       = "The method is not allowed: POST or PUT."
	msgShutdown     = "Carteiro was stopped while this request was under way. The receiver may have seen it."
	msgBodyTooLarge = "The status acknowledges, but the answer's body is too large to be the required one. Answer with the body that the subscription's ack.body names."
	msgBodyBroken   = "The status acknowledges, but the connection broke before the required body was read. Look at the receiver's log."
	msgBodyOther    = ", which acknowledges, but its body is not the one that the subscription requires (ack.body with require_body). Answer with that body, or take require_body off."
	msgUnreadable   = "The answer could not be read as HTTP/1.1, or its headers are longer than 64 KiB. Check what listens at this address."
	msgBroken       = "The connection broke before an answer came. The receiver may have seen the request; look at its log."
	msgStale        = "The server closed a kept connection just when the request was written to it, so no answer came. This passes by itself; it is rarer when the server keeps idle connections for longer than 5 seconds."
	msgTLSEnded     = "The server ended the TLS session before it answered. It may ask for a client certificate, which Carteiro does not have."
	msgNotSent      = "The request could not be written. Check the subscription's headers."
)

func failed(code webhook.ErrorCode, message string) *webhook.AttemptError {
	return &webhook.AttemptError{Code: code, Message: message}
}

// failure says why no answer was read.
func (x *exchange) failure(err error, host string) *webhook.AttemptError {
	var refused *refusal
	if errors.As(err, &refused) {
		return failed(webhook.ErrorRefusedAddress, "Not sent. "+refused.Error())
	}
	if x.ctx.Err() != nil || !time.Now().Before(x.progress.deadline) {
		return x.ended()
	}
	var dial *dialError
	var session *tlsError
	stage, remote, reused := x.progress.now()
	switch {
	case errors.As(err, &dial):
		return x.dialFailure(dial.err, host, remote)
	case errors.As(err, &session):
		return failed(webhook.ErrorTLS, tlsText(session.err, host))
	case stage < stageWrite:
		return failed(webhook.ErrorProtocol, msgNotSent)
	case isTLSAlert(err):
		return failed(webhook.ErrorTLS, msgTLSEnded)
	case stage < stageRead && reused:
		return failed(webhook.ErrorProtocol, msgStale)
	case stage < stageRead || isBroken(err):
		return failed(webhook.ErrorProtocol, msgBroken)
	}
	return failed(webhook.ErrorProtocol, msgUnreadable)
}

// dialFailure says why there was no TCP connection.
func (x *exchange) dialFailure(err error, host, remote string) *webhook.AttemptError {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return failed(webhook.ErrorDNS, dnsText(dns, host))
	case isTimeout(err):
		return x.timedOut()
	}
	return failed(webhook.ErrorConnect, connectText(err, cmp.Or(remote, host)))
}

// ended says what it means that the exchange's context is done, or due: our
// own deadline, or the caller's, is a timeout; a cancellation is a stop.
func (x *exchange) ended() *webhook.AttemptError {
	ours := errors.Is(context.Cause(x.ctx), errDeadline)
	if !ours && errors.Is(x.parent.Err(), context.Canceled) {
		return failed(webhook.ErrorShutdown, msgShutdown)
	}
	return x.timedOut()
}

func (x *exchange) timedOut() *webhook.AttemptError {
	stage, remote, _ := x.progress.now()
	text := "No answer within " + webhook.Duration(x.timeout).String()
	switch stage {
	case stageStart:
		text += "; there was no connection yet."
	case stageDNS:
		text += ": the name servers did not answer in time. Check the name's DNS."
	case stageConnect:
		text += ": " + remote + " did not take the connection. Check that the server runs and that no firewall drops the packets."
	case stageTLS:
		text += ": " + remote + " took the connection, but the TLS handshake did not end. Check that the port speaks TLS."
	case stageWrite:
		text += ": " + remote + " took the connection, but did not read the whole request."
	case stageWait:
		text += ": the server took the request and did not answer. Answer first and work afterwards."
	case stageRead:
		text += ": the server began an answer and did not finish it. Send the whole answer at once."
	}
	return failed(webhook.ErrorTimeout, text)
}

func dnsText(err *net.DNSError, host string) string {
	switch {
	case err.IsNotFound:
		return "The name " + host + " does not exist or has no address. Check the URL's spelling and the name's DNS records."
	case err.IsTimeout:
		return "The name servers did not answer for " + host + " in time. Check the name's DNS, and this machine's."
	}
	return "The name " + host + " could not be looked up. Check the name's DNS, and this machine's."
}

func connectText(err error, remote string) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens at " + remote + ": the connection was refused. Check that the server runs, and the URL's port."
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "There is no way to " + remote + " from this machine. Check the address, and this machine's network."
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "This machine has no file handle or port left for another connection. Raise its limits, or send less at once."
	}
	return "No connection to " + remote + ". Check that the server runs and that no firewall is in between."
}

func tlsText(err error, host string) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return "The server's certificate is not signed by an authority that this machine trusts. Install the full chain, with the intermediate certificates."
	case errors.As(err, &name):
		return "The server's certificate is for another name than " + host + ". Install one for this name, or correct the URL."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The server's certificate has expired or is not valid yet. Renew it, and check the clocks."
	case errors.As(err, &invalid):
		return "The server's certificate is not valid for a web server. Install another one."
	case errors.As(err, &record):
		return "The server does not speak TLS at this port. Check the URL's port and scheme."
	}
	return "The TLS handshake failed. The server must offer TLS 1.2 or newer with a certificate for " + host + "."
}

// isTimeout tells whether a dial gave up for lack of time: the dialer splits
// what is left among a name's addresses, so that can be just before our own deadline.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// isBroken tells whether the connection ended, rather than said something odd.
func isBroken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isTLSAlert tells whether the server ended the session with an alert of TLS.
// In TLS 1.3 it judges our side only after our handshake is done.
func isTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// judgeStatus returns why a status does not acknowledge, or nil.
func judgeStatus(status int, rule webhook.AckStatus) *webhook.AttemptError {
	switch {
	case status == http.StatusSwitchingProtocols:
		return failed(webhook.ErrorProtocol, "The server wants to switch to another protocol, which was not asked for. Check what listens at this address.")
	case status < 200 || status > 599:
		return failed(webhook.ErrorProtocol, "The server answered with status "+strconv.Itoa(status)+", which HTTP does not have. Check what listens at this address.")
	case rule.Accepts(status):
		return nil
	case status >= 300 && status <= 399:
		return failed(webhook.ErrorRedirect, statusText(status)+", a redirect, and redirects are never followed. Register the final address; the answer's Location header names it.")
	}
	return failed(webhook.ErrorStatus, statusText(status)+statusAdvice(status))
}

// statusText names a status in HTTP's own words; the server's could hold anything.
func statusText(status int) string {
	text := "The server answered " + strconv.Itoa(status)
	if name := http.StatusText(status); name != "" {
		text += " " + name
	}
	return text
}

func statusAdvice(status int) string {
	switch {
	case status < 300:
		return ", but this subscription is acknowledged by 200 only. Answer 200, or set ack.status to \"2xx\"."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ". Check the credentials in the subscription's headers, and that nothing in front of the receiver turns requests away."
	case status == http.StatusNotFound:
		return ". Check the URL's path."
	case status == http.StatusMethodNotAllowed:
		return ". Check the URL's path and the subscription's method."
	case status == http.StatusGone:
		return ": the receiver says that this address is gone for good. Change or delete the subscription."
	case status == http.StatusRequestEntityTooLarge:
		return ": the receiver takes only smaller bodies. Raise its limit."
	case status == http.StatusTooManyRequests:
		return ". Set a rate_limit on the subscription, or raise the receiver's limit."
	case status >= 500:
		return ". The fault is on the receiver's side; look at its log."
	}
	return ". The receiver did not take the request; look at its log."
}
