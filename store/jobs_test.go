package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func jobChecks() []check {
	return []check{
		{"a retry takes what it selects, once", checkRetryJob},
		{"a replay takes the events that a subscription wants", checkReplayItems},
		{"a replay's deliveries are new ones", checkReplayStep},
		{"a job is one process's at a time", checkJobLease},
		{"a job's numbers add up", checkJobNumbers},
		{"jobs are listed by who made them", checkJobLists},
	}
}

// job stores a job of a kind, and takes it up.
func (e *env) job(tb testing.TB, kind webhook.JobKind, f webhook.JobFilter) (*webhook.Job, JobHold) {
	tb.Helper()
	e.clock.Advance(time.Second)
	j := &webhook.Job{ID: webhook.JobID(e.id(webhook.PrefixJob)), Kind: kind, Filter: f, State: webhook.JobPending, CreatedAt: e.now()}
	e.must(tb, e.CreateJob(context.Background(), j, nil))
	return j, e.takeJob(tb, j.ID)
}

func (e *env) must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (e *env) takeJob(tb testing.TB, id webhook.JobID) JobHold {
	tb.Helper()
	got, err := e.TakeJob(context.Background(), e.now(), e.now().Add(leaseFor))
	if err != nil || got == nil || got.ID != id || got.State != webhook.JobRunning {
		tb.Fatalf("took %+v, %v", got, err)
	}
	return JobHold{JobID: id, Generation: got.Generation, LeaseUntil: e.now().Add(leaseFor)}
}

// items reads what a job works on, as "id skip".
func (e *env) items(tb testing.TB, l JobLook) []string {
	tb.Helper()
	got, err := e.JobItems(context.Background(), l)
	e.must(tb, err)
	return keys(got, func(x JobItem) string { return x.ID + string(x.Skip) })
}

func checkRetryJob(t *testing.T, e *env) {
	ctx, sub, other := context.Background(), e.subscribe(t), e.subscribe(t)
	var refs []Ref
	for i := range 6 {
		refs = append(refs, e.accept(t, []webhook.SubscriptionID{sub, other}[i/4]))
		if i != 3 { // which still waits
			e.fail(t, refs[i])
		}
	}
	e.write.ExecContext(ctx, `UPDATE messages SET body = NULL, body_gone_why = 'erasure' WHERE id = (SELECT message_id FROM deliveries WHERE id = $1)`, string(refs[1].ID))
	e.write.ExecContext(ctx, `UPDATE messages SET body = NULL, body_gone_why = 'retention' WHERE id = (SELECT message_id FROM deliveries WHERE id = $1)`, string(refs[2].ID))
	since := startOfTime().Add(-time.Hour)
	j, h := e.job(t, webhook.JobRetry, webhook.JobFilter{ClientID: someClient, State: webhook.StateFailed, Since: &since})
	later := e.accept(t, sub) // after the job
	e.fail(t, later)
	e.must(t, e.DeleteSubscription(ctx, other))

	counts, err := e.CountRetries(ctx, j)
	e.must(t, err)
	want := []RetryCount{{sub, webhook.StateFailed, 3}, {other, webhook.StateFailed, 2}}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counted:\n%s", diff)
	}
	look := JobLook{Job: j, Target: JobTarget{SubscriptionID: sub}, Limit: 10}
	if diff := cmp.Diff([]string{string(refs[0].ID), string(refs[1].ID) + "erased", string(refs[2].ID) + "payload_gone"}, e.items(t, look)); diff != "" {
		t.Errorf("of the first subscription:\n%s", diff)
	}
	look.Limit, look.After = 1, string(refs[0].ID)
	if diff := cmp.Diff([]string{string(refs[1].ID) + "erased"}, e.items(t, look)); diff != "" {
		t.Errorf("a step:\n%s", diff)
	}
	look = JobLook{Job: j, Target: JobTarget{SubscriptionID: other}, Limit: 10}
	if diff := cmp.Diff([]string{string(refs[4].ID) + "subscription_gone", string(refs[5].ID) + "subscription_gone"}, e.items(t, look)); diff != "" {
		t.Errorf("of a deleted subscription:\n%s", diff)
	}

	parts := []webhook.JobPart{{JobID: j.ID, SubscriptionID: sub, Counted: 3}, {JobID: j.ID, SubscriptionID: other, Counted: 2}}
	e.must(t, e.PlanJob(ctx, h, parts))
	e.must(t, e.PlanJob(ctx, h, parts)) // a second plan changes nothing
	step := &JobStep{
		Part: &parts[0], Position: string(refs[0].ID), Retries: []webhook.DeliveryID{refs[0].ID}, State: webhook.StateFailed,
		CheckAt: e.now().Add(checkAfter),
	}
	sent, err := e.StepJob(ctx, h, step)
	if err != nil || len(sent) != 1 || sent[0].ID != refs[0].ID || sent[0].Page {
		t.Fatalf("sent %v, %v", sent, err)
	}
	if d := e.get(t, refs[0].ID); !d.RetryRequested || d.State != webhook.StateFailed || d.JobID == nil || *d.JobID != j.ID {
		t.Errorf("it stands: %+v", d)
	}
	if _, err := e.StepJob(ctx, h, step); !errors.Is(err, ErrJobLost) {
		t.Errorf("the same step again: %v", err)
	}
	waiting, err := e.JobWaiting(ctx, j.ID)
	if err != nil || waiting[sub] != 1 || len(waiting) != 1 {
		t.Errorf("waiting %v, %v", waiting, err)
	}
	e.record(t, e.result(e.claim(t, sent[0].Ref), 200))
	if waiting, err = e.JobWaiting(ctx, j.ID); err != nil || len(waiting) != 0 {
		t.Errorf("waiting %v, %v", waiting, err)
	}
	listed, _, err := e.Deliveries(ctx, DeliveryFilter{JobID: j.ID}, Page{Limit: 5})
	if err != nil || len(listed) != 1 || listed[0].State != webhook.StateSucceeded {
		t.Errorf("its deliveries are %+v, %v", listed, err)
	}
}

func checkReplayItems(t *testing.T, e *env) {
	ctx, sub := context.Background(), e.subscribe(t)
	var ids []string
	post := func(change func(*webhook.Message)) {
		m := e.message()
		change(&m)
		e.must(t, e.Accept(ctx, &Intake{Messages: []webhook.Message{m}}))
		ids = append(ids, string(m.ID))
	}
	post(func(*webhook.Message) {})
	post(func(m *webhook.Message) { m.ClientID = "globex" })
	post(func(m *webhook.Message) { m.Type = "shops.open" })
	post(func(m *webhook.Message) { m.Target = "sub_other" })
	post(func(m *webhook.Message) { m.Target = sub })
	post(func(m *webhook.Message) { m.Type = "members.created" })
	page := e.message()
	page.ID, page.Kind = webhook.MessageID(e.id(webhook.PrefixMessage)), webhook.KindExportPage
	e.must(t, e.Accept(ctx, &Intake{Messages: []webhook.Message{page}}))

	for name, tc := range map[string]struct {
		filter webhook.JobFilter
		target JobTarget
		want   []int
	}{
		"all of a client": {webhook.JobFilter{}, JobTarget{sub, someClient, []webhook.Pattern{"*"}}, []int{0, 2, 4, 5}},
		"a prefix":        {webhook.JobFilter{}, JobTarget{sub, someClient, []webhook.Pattern{"shop.*"}}, []int{0, 4}},
		"exact, and more": {webhook.JobFilter{}, JobTarget{sub, someClient, []webhook.Pattern{"members.created", "shops.*"}}, []int{2, 5}},
		"of all clients":  {webhook.JobFilter{EventType: someType}, JobTarget{sub, "", []webhook.Pattern{"*"}}, []int{0, 1, 4}},
		"named":           {webhook.JobFilter{EventIDs: []webhook.MessageID{webhook.MessageID(ids[2]), webhook.MessageID(ids[1])}}, JobTarget{sub, someClient, []webhook.Pattern{"*"}}, []int{2}},
		"with a delivery": {webhook.JobFilter{State: webhook.StatePending}, JobTarget{sub, someClient, []webhook.Pattern{"*"}}, nil},
	} {
		j := &webhook.Job{Kind: webhook.JobReplay, Filter: tc.filter, CreatedAt: e.now().Add(time.Second)}
		want := []string{}
		for _, i := range tc.want {
			want = append(want, ids[i])
		}
		if diff := cmp.Diff(want, e.items(t, JobLook{Job: j, Target: tc.target, Limit: 10})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if n, err := e.CountReplays(ctx, j, tc.target); err != nil || n != int64(len(want)) {
			t.Errorf("%s: counted %d, %v", name, n, err)
		}
	}
}

func checkReplayStep(t *testing.T, e *env) {
	ctx, sub := context.Background(), e.subscribe(t)
	in := e.intake(sub)
	e.mustAccept(t, in)
	old := in.Deliveries[0]
	e.fail(t, Ref{old.ID, 1})
	j, h := e.job(t, webhook.JobReplay, webhook.JobFilter{ClientID: someClient, State: webhook.StateFailed})
	target := JobTarget{sub, someClient, []webhook.Pattern{"*"}}
	if got := e.items(t, JobLook{Job: j, Target: target, Limit: 10}); len(got) != 1 {
		t.Fatalf("selected %v", got)
	}
	part := webhook.JobPart{JobID: j.ID, SubscriptionID: sub, Counted: 1}
	e.must(t, e.PlanJob(ctx, h, []webhook.JobPart{part}))
	m := in.Messages[0]
	m.CreatedAt = e.now()
	step := &JobStep{Part: &part, Position: string(m.ID), Deliveries: []NewDelivery{e.delivery(&m, sub)}, Catalogue: e.version(t), Last: true}
	step.Catalogue--
	if _, err := e.StepJob(ctx, h, step); !IsStale(err) {
		t.Errorf("with an old catalogue: %v", err)
	}
	step.Catalogue++
	_, err := e.StepJob(ctx, h, step)
	e.must(t, err)
	made := e.get(t, step.Deliveries[0].ID)
	if made.MessageID != old.Message.ID || made.State != webhook.StatePending || made.JobID == nil || !made.CreatedAt.Equal(e.now()) || made.AttemptCount != 0 {
		t.Errorf("it stands: %+v", made)
	}
	e.must(t, e.FinishJob(ctx, h))
	done, err := e.Job(ctx, j.ID)
	if err != nil || done.State != webhook.JobCompleted || done.Done != 1 || done.Skipped != 0 || done.FinishedAt == nil {
		t.Errorf("the job is %+v, %v", done, err)
	}
	e.attemptOnce(t, Ref{made.ID, 1}, 200)
	e.wantStands(t, old.ID, e.describe(t, old.ID))
}

func checkJobLease(t *testing.T, e *env) {
	ctx := context.Background()
	j, first := e.job(t, webhook.JobRetry, webhook.JobFilter{ClientID: someClient})
	if got, err := e.TakeJob(ctx, e.now(), e.now().Add(leaseFor)); got != nil || err != nil {
		t.Fatalf("taken while another has it: %+v, %v", got, err)
	}
	e.clock.Advance(leaseFor + time.Second)
	second := e.takeJob(t, j.ID)
	part := &webhook.JobPart{JobID: j.ID}
	for name, err := range map[string]error{
		"RenewJob": e.RenewJob(ctx, first), "PlanJob": e.PlanJob(ctx, first, nil), "FinishJob": e.FinishJob(ctx, first),
		"StepJob": func() error { _, err := e.StepJob(ctx, first, &JobStep{Part: part}); return err }(),
	} {
		if !errors.Is(err, ErrJobLost) {
			t.Errorf("%s by who has lost it: %v", name, err)
		}
	}
	e.must(t, e.PutOffJob(ctx, first, e.now(), "not mine")) // changes nothing
	e.must(t, e.RenewJob(ctx, second))
	e.must(t, e.PutOffJob(ctx, second, e.now().Add(time.Minute), "the net\x00work is down\xc3…")) // cut in the middle of a letter
	got, err := e.Job(ctx, j.ID)
	if err != nil || got.Error != "the network is down\ufffd…" || got.Failures != 1 {
		t.Errorf("put off: %+v, %v", got, err)
	}
	if got, err := e.TakeJob(ctx, e.now(), e.now().Add(leaseFor)); got != nil || err != nil {
		t.Errorf("taken before its time: %+v, %v", got, err)
	}
	e.clock.Advance(time.Minute)
	third := e.takeJob(t, j.ID)
	for range 2 {
		if got, err = e.CancelJob(ctx, j.ID); err != nil || got.State != webhook.JobCanceled || got.FinishedAt == nil {
			t.Errorf("canceled: %+v, %v", got, err)
		}
	}
	if err := e.RenewJob(ctx, third); !errors.Is(err, ErrJobLost) {
		t.Errorf("a canceled job is renewed: %v", err)
	}
	done, h := e.job(t, webhook.JobRetry, webhook.JobFilter{ClientID: someClient})
	e.must(t, e.FinishJob(ctx, h))
	_, err = e.CancelJob(ctx, done.ID)
	wantKind(t, err, webhook.KindConflict)
	_, err = e.CancelJob(ctx, "job_x")
	wantKind(t, err, webhook.KindNotFound)
}

// What was counted is in the end done or skipped, whatever became of it between.
func checkJobNumbers(t *testing.T, e *env) {
	ctx, sub := context.Background(), e.subscribe(t)
	var refs []Ref
	for range 3 {
		ref := e.accept(t, sub)
		e.fail(t, ref)
		refs = append(refs, ref)
	}
	j, h := e.job(t, webhook.JobRetry, webhook.JobFilter{ClientID: someClient, State: webhook.StateFailed})
	for i, counted := range []int64{5, 1} { // two have gone from the state, then two have come
		part := webhook.JobPart{JobID: j.ID, SubscriptionID: webhook.SubscriptionID(fmt.Sprintf("sub_%d", i)), Counted: counted}
		if i == 0 {
			e.must(t, e.PlanJob(ctx, h, []webhook.JobPart{part, {SubscriptionID: "sub_1", Counted: 1}}))
		}
		_, err := e.StepJob(ctx, h, &JobStep{
			Part: &part, Position: "x", State: webhook.StateFailed, Retries: []webhook.DeliveryID{refs[0].ID, refs[1].ID, "dlv_gone"}, Last: true,
			Skipped: map[webhook.SkipReason]int64{webhook.SkipErased: 1},
		})
		e.must(t, err)
	}
	got, err := e.Job(ctx, j.ID)
	e.must(t, err)
	want := map[webhook.SkipReason]int64{webhook.SkipErased: 2, webhook.SkipChanged: 3}
	if *got.Counted != 9 || got.Done != 4 || got.Skipped != 5 || cmp.Diff(want, got.SkippedWhy) != "" {
		t.Errorf("counted %d, done %d, skipped %d %v", *got.Counted, got.Done, got.Skipped, got.SkippedWhy)
	}
	parts, err := e.JobParts(ctx, j.ID)
	e.must(t, err)
	for _, p := range parts {
		if p.Done+p.Skipped != p.Counted || !p.Finished {
			t.Errorf("a part is %+v", p)
		}
	}
}

func checkJobLists(t *testing.T, e *env) {
	ctx := context.Background()
	for i, client := range []webhook.ClientID{"", "acme", "globex", "acme"} {
		j := &webhook.Job{ID: webhook.JobID(e.id(webhook.PrefixJob)), Kind: webhook.JobRetry, State: webhook.JobPending, VisibleTo: client, CreatedAt: e.now(), Rate: i}
		e.must(t, e.CreateJob(ctx, j, nil))
	}
	count := func(f JobsFilter) int {
		return len(allPages(t, 1, func(p Page) ([]string, string, error) {
			rows, next, err := e.Jobs(ctx, f, p)
			return keys(rows, func(j webhook.Job) string { return string(j.ID) }), next, err
		}))
	}
	if all, acme, running := count(JobsFilter{}), count(JobsFilter{VisibleTo: "acme"}), count(JobsFilter{State: webhook.JobRunning}); all != 4 || acme != 2 || running != 0 {
		t.Errorf("listed %d, %d, %d", all, acme, running)
	}
}

// jobCalls are the calls about jobs that reach the database.
func (e *env) jobCalls() map[string]func(context.Context) error {
	j := &webhook.Job{ID: "job_1", Kind: webhook.JobRetry, Filter: webhook.JobFilter{State: webhook.StateFailed}, CreatedAt: e.now()}
	replay := &webhook.Job{ID: "job_2", Kind: webhook.JobReplay, CreatedAt: e.now()}
	h := JobHold{JobID: "job_1"}
	target := JobTarget{"sub_1", someClient, []webhook.Pattern{"shop.*"}}
	return map[string]func(context.Context) error{
		"CreateJob": func(ctx context.Context) error {
			return e.CreateJob(ctx, &webhook.Job{ID: webhook.JobID(e.id(webhook.PrefixJob)), State: webhook.JobCanceled}, nil)
		},
		"Job":          func(ctx context.Context) error { _, err := e.Job(ctx, "job_1"); return err },
		"Jobs":         func(ctx context.Context) error { _, _, err := e.Jobs(ctx, JobsFilter{}, Page{Limit: 1}); return err },
		"JobParts":     func(ctx context.Context) error { _, err := e.JobParts(ctx, "job_1"); return err },
		"JobWaiting":   func(ctx context.Context) error { _, err := e.JobWaiting(ctx, "job_1"); return err },
		"CancelJob":    func(ctx context.Context) error { _, err := e.CancelJob(ctx, "job_1"); return err },
		"TakeJob":      func(ctx context.Context) error { _, err := e.TakeJob(ctx, e.now(), e.now()); return err },
		"RenewJob":     func(ctx context.Context) error { return e.RenewJob(ctx, h) },
		"PutOffJob":    func(ctx context.Context) error { return e.PutOffJob(ctx, h, e.now(), "") },
		"PlanJob":      func(ctx context.Context) error { return e.PlanJob(ctx, h, nil) },
		"FinishJob":    func(ctx context.Context) error { return e.FinishJob(ctx, h) },
		"CountRetries": func(ctx context.Context) error { _, err := e.CountRetries(ctx, j); return err },
		"CountReplays": func(ctx context.Context) error { _, err := e.CountReplays(ctx, replay, target); return err },
		"JobItems": func(ctx context.Context) error {
			_, err := e.JobItems(ctx, JobLook{Job: j, Target: target, After: "dlv_0", Limit: 1})
			return err
		},
		"JobItems of a replay": func(ctx context.Context) error {
			_, err := e.JobItems(ctx, JobLook{Job: replay, Target: target, After: "evt_0", Limit: 1})
			return err
		},
		"StepJob": func(ctx context.Context) error {
			_, err := e.StepJob(ctx, h, &JobStep{Part: &webhook.JobPart{JobID: "job_1"}, Retries: []webhook.DeliveryID{"dlv_1"}})
			return err
		},
	}
}
