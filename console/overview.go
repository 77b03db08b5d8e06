package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// overviewSpan is how far back the overview looks.
const overviewSpan = 24 * time.Hour

type overviewPage struct {
	Parts       []partView // those that are not well
	Causes      []causeView
	Quarantined int64
	Held        int64
	Counts      store.StateCounts
	Sum         int64
	Chart       hourChart
	Complete    bool
	Attempts    store.AttemptStats
	Share       int // of attempts that were acknowledged, in percent
	Queue       queueView
	Work        *dispatcher.Snapshot // nil: this process sends nothing, or the visitor sees one client only
	Exports     []fireView
	Runs        []webhook.Run
	Pending     int64 // verifications that wait for their result
	Any         bool  // anything was ever delivered
}

// Calm tells whether nothing needs somebody.
func (p *overviewPage) Calm() bool {
	return len(p.Parts) == 0 && len(p.Causes) == 0 && p.Quarantined == 0
}

// Count is how many deliveries are in a state.
func (p *overviewPage) Count(s webhook.DeliveryState) int64 { return p.Counts[s] }

// partView is a part of the program that is not well.
type partView struct{ Name, Why string }

// causeView is one reason for which deliveries fail, with everybody whom it
// concerns.
type causeView struct {
	Error   webhook.ErrorCode
	Status  int
	Waiting int64
	Failed  int64
	Whom    []whomView
}

type whomView struct {
	SubscriptionID webhook.SubscriptionID // "": callbacks of verifications
	ClientID       webhook.ClientID
	URL            string
	Waiting        int64
	Failed         int64
	To             string // the list of these deliveries
}

// queueView is what waits now.
type queueView struct {
	Lanes     []laneView
	Due       int64
	OldestDue time.Time // zero: none waits for a worker
	Complete  bool
}

type laneView struct {
	Key                              string // of its text
	Due, InFlight, Parked, Scheduled int64
	Oldest                           time.Time // of those that are due
	Next                             time.Time // of those that are scheduled
}

// fireView is the next fire of an export and the days that it covers.
type fireView struct {
	Name, Event string
	At          time.Time
	From, Until string // days, the last one included
}

func (c *console) showOverview(v *visit) error {
	p := overviewPage{}
	f := store.StatsFilter{Since: v.now.Add(-overviewSpan), ClientID: v.client(), VisibleTo: v.who.BoundTo()}
	for _, part := range []func(*visit, store.StatsFilter, *overviewPage) error{
		c.overviewDeliveries, c.overviewFailing, c.overviewQueue, c.overviewExports, c.overviewRest,
	} {
		if err := part(v, f, &p); err != nil {
			return err
		}
	}
	return v.show("overview", &p)
}

func (c *console) overviewDeliveries(v *visit, f store.StatsFilter, p *overviewPage) (err error) {
	if p.Quarantined, err = c.o.Store.Quarantined(v.ctx, f.ClientID); err != nil {
		return err
	}
	counts, err := c.o.Store.DeliveryCounts(v.ctx, f)
	if err != nil {
		return err
	}
	p.Counts, p.Complete, p.Chart = counts.Sum(), counts.Complete, v.drawHours(&counts)
	p.Sum, p.Held = p.Chart.Sum, p.Counts[webhook.StateHeld]
	if p.Attempts, err = c.o.Store.AttemptStats(v.ctx, f); p.Attempts.Sampled > 0 {
		p.Share = 100 * p.Attempts.Acknowledged / p.Attempts.Sampled
	}
	p.Any = p.Sum > 0
	return err
}

// overviewFailing puts together what has one cause: ten subscribers behind one
// host that is down are one thing to look at.
func (c *console) overviewFailing(v *visit, f store.StatsFilter, p *overviewPage) error {
	rows, err := c.o.Store.Failing(v.ctx, f)
	if err != nil {
		return err
	}
	for _, r := range rows {
		i := slices.IndexFunc(p.Causes, func(x causeView) bool { return x.Error == r.Error && x.Status == r.Status })
		if i < 0 {
			i, p.Causes = len(p.Causes), append(p.Causes, causeView{Error: r.Error, Status: r.Status})
		}
		x := &p.Causes[i]
		x.Waiting, x.Failed = x.Waiting+r.Waiting, x.Failed+r.Failed
		x.Whom = append(x.Whom, c.whom(v, &r))
	}
	slices.SortStableFunc(p.Causes, func(a, b causeView) int { return cmp.Compare(b.Waiting+b.Failed, a.Waiting+a.Failed) })
	return nil
}

func (c *console) whom(v *visit, r *store.Failing) whomView {
	w := whomView{SubscriptionID: r.SubscriptionID, ClientID: r.ClientID, Waiting: r.Waiting, Failed: r.Failed}
	if sub := c.o.Subscriptions.Index().Get(r.SubscriptionID); sub != nil {
		w.URL = v.redacted().Text(sub.URL)
	}
	state := webhook.StateFailed
	if r.Waiting > 0 {
		state = webhook.StateRetrying
	}
	w.To = address("/console/deliveries", url.Values{
		subscriptionParam: {string(r.SubscriptionID)}, clientParam: {string(r.ClientID)}, stateParam: {string(state)},
	})
	return w
}

func (c *console) overviewQueue(v *visit, f store.StatsFilter, p *overviewPage) error {
	q, err := c.o.Store.Queue(v.ctx, f)
	if err != nil {
		return err
	}
	lanes := []laneView{{Key: "first"}, {Key: "retry"}, {Key: "export"}}
	for _, g := range q.Groups {
		i := 0
		switch {
		case g.Page:
			i = 2
		case g.State == webhook.StateRetrying:
			i = 1
		}
		lanes[i].add(g)
	}
	p.Queue = queueView{Lanes: lanes, Complete: q.Complete}
	for _, l := range lanes {
		p.Queue.Due += l.Due
		p.Queue.OldestDue = earliest(p.Queue.OldestDue, l.Oldest)
	}
	if v.who.BoundTo() != "" {
		return nil
	}
	if work := c.o.Dispatcher.Snapshot(); work.Workers > 0 {
		p.Work = &work
	}
	return nil
}

// add counts a group in.
func (l *laneView) add(g store.Waiting) {
	switch g.What {
	case store.WaitsForAnswer:
		l.InFlight += g.Count
	case store.WaitsForSubscriber:
		l.Parked += g.Count
	case store.WaitsForTime:
		l.Scheduled += g.Count
		l.Next = earliest(l.Next, g.Oldest)
	case store.WaitsForWorker:
		l.Due += g.Count
		l.Oldest = earliest(l.Oldest, g.Oldest)
	}
}

// earliest is the earlier of two times; a zero time is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (c *console) overviewExports(v *visit, f store.StatsFilter, p *overviewPage) error {
	exports, err := c.o.Store.Exports(v.ctx)
	if err != nil {
		return err
	}
	for i := range exports {
		e := &exports[i]
		if !e.Enabled {
			continue
		}
		fires, err := c.o.Scheduler.Upcoming(e, 1)
		if err != nil {
			return err
		}
		for _, fire := range fires {
			from, until := scheduler.Dates(fire.Window, e.Zone)
			p.Exports = append(p.Exports, fireView{Name: e.Name, Event: string(e.Event), At: fire.At, From: from, Until: until})
		}
	}
	slices.SortFunc(p.Exports, func(a, b fireView) int { return a.At.Compare(b.At) })
	p.Runs, _, err = c.o.Store.Runs(v.ctx, store.RunFilter{ClientID: f.ClientID}, store.Page{Limit: 5})
	return err
}

func (c *console) overviewRest(v *visit, f store.StatsFilter, p *overviewPage) error {
	stats, err := c.o.Store.VerificationStats(v.ctx, f.ClientID, f.Since)
	p.Pending = stats.Pending
	if err != nil || v.who.BoundTo() != "" {
		return err
	}
	parts := c.o.Ready(v.ctx)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if parts[name] != nil {
			p.Parts = append(p.Parts, partView{name, parts[name].Error()})
		}
	}
	return nil
}
