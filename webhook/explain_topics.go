package webhook

import (
	"strconv"
	"strings"
)

// topic is one thing that can be said about a delivery; the table of
// explain_words.go has its sentences.
type topic string

// saying is what is said of a topic in one language. {names} are places that
// the facts fill.
type saying struct {
	what   string // what happened, or is so
	remedy string // what mends it; "" when there is nothing to mend
	tell   string // what the client is told of it; "" when it is nothing to them
}

// entry is a row of the table: a topic in every language.
type entry struct{ en, pt saying }

// in returns the sentences of a topic. One that is not in the table, such as a
// warning of a newer version that runs beside, has none.
func (t topic) in(lang Language) saying {
	e, there := words[t]
	if !there {
		e = checkWords[t]
	}
	if lang == Portuguese {
		return e.pt
	}
	return e.en
}

// filled puts values, as name and value in turn, into the places.
func (s saying) filled(values []string) saying {
	braced := make([]string, len(values))
	for i, v := range values {
		if i%2 == 0 {
			v = "{" + v + "}"
		}
		braced[i] = v
	}
	r := strings.NewReplacer(braced...)
	return saying{r.Replace(s.what), r.Replace(s.remedy), r.Replace(s.tell)}
}

// joined is the sentences that are not empty, with a space between.
func joined(sentences ...string) string {
	var b strings.Builder
	for _, s := range sentences {
		if s != "" && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	return b.String()
}

// The topics of the closed lists are made of their values.

func topicError(code ErrorCode) topic       { return topic("error " + code) }
func topicState(state DeliveryState) topic  { return topic("state " + state) }
func topicNextOf(state DeliveryState) topic { return topic("next " + state) }
func topicHold(why HoldReason) topic        { return topic("held " + why) }
func topicCancel(why CancelReason) topic    { return topic("canceled " + why) }
func topicGone(why GoneWhy) topic           { return topic("gone " + why) }
func topicTrigger(t Trigger) topic          { return topic("attempt " + t) }
func topicWarning(w string) topic           { return topic("warning " + w) }

// topicStatus is the topic of a status that does not acknowledge: one of its
// own where there is more to say than of its class.
func topicStatus(status int) topic {
	for _, kind := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "xx"} {
		if _, there := words[topic("status "+kind)]; there {
			return topic("status " + kind)
		}
	}
	return topicError(ErrorStatus)
}

// The other topics.
const (
	topicOfEvent        topic = "of an event"
	topicOfPage         topic = "of a page"
	topicOfVerification topic = "of a verification"
	topicOfTest         topic = "of a test"

	topicAcknowledged topic = "acknowledged"
	topicEnded        topic = "ended"
	topicTestFailed   topic = "a test failed"
	topicUntold       topic = "attempts not told"
	topicUntoldOne    topic = "one attempt not told"
	topicTimes        topic = "times"
	topicOnce         topic = "once"

	topicInFlight    topic = "next is under way"
	topicRetryDue    topic = "next is a manual retry"
	topicNextGone    topic = "next is nothing: it is gone"
	topicNextNothing topic = "next is nothing"
	topicNextNow     topic = "next is due"
	topicNextAt      topic = "next is at"
	topicNextOne     topic = "next but one is the last"
	topicNextLast    topic = "next is the last"
)
