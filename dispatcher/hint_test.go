package dispatcher

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const someDelivery = "dlv_06gzz8xx2st83as59c3dw3dj4r"

func TestHintsOnTheWire(t *testing.T) {
	got, err := encodeHint([]hinted{
		{Ref: store.Ref{ID: someDelivery, Generation: 3}},
		{Ref: store.Ref{ID: someDelivery, Generation: 1 << 40}, Due: time.UnixMicro(1750000000000001)},
	})
	if want := `{"v":1,"d":[["` + someDelivery + `",3],["` + someDelivery + `",1099511627776,1750000000000001]]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestDecodeHint(t *testing.T) {
	one := `["` + someDelivery + `",1]`
	many := strings.Repeat(one+",", maxHint-1) + one
	for name, tc := range map[string]struct {
		payload string
		refs    int // 0: an error
	}{
		"one":                        {`{"v":1,"d":[` + one + `]}`, 1},
		"as many as may be":          {`{"v":1,"d":[` + many + `]}`, maxHint},
		"one more":                   {`{"v":1,"d":[` + many + `,` + one + `]}`, 0},
		"none":                       {`{"v":1,"d":[]}`, 0},
		"nothing":                    {``, 0},
		"null":                       {`null`, 0},
		"no version":                 {`{"d":[` + one + `]}`, 0},
		"a later version":            {`{"v":2,"d":[` + one + `]}`, 0},
		"an event's id":              {`{"v":1,"d":[["evt_06gzz8xx2st83as59c3dw3dj4r",1]]}`, 0},
		"an id that is cut off":      {`{"v":1,"d":[["dlv_06gzz8",1]]}`, 0},
		"a generation that is null":  {`{"v":1,"d":[["` + someDelivery + `",null]]}`, 0},
		"generation 0":               {`{"v":1,"d":[["` + someDelivery + `",0]]}`, 0},
		"a generation below 0":       {`{"v":1,"d":[["` + someDelivery + `",-1]]}`, 0},
		"a generation in half":       {`{"v":1,"d":[["` + someDelivery + `",1.5]]}`, 0},
		"a generation as text":       {`{"v":1,"d":[["` + someDelivery + `","1"]]}`, 0},
		"an object":                  {`{"v":1,"d":[{"id":"` + someDelivery + `"}]}`, 0},
		"too short":                  {`{"v":1,"d":[["` + someDelivery + `"]]}`, 0},
		"with a time":                {`{"v":1,"d":[["` + someDelivery + `",1,1750000000000000]]}`, 1},
		"a time before all times":    {`{"v":1,"d":[["` + someDelivery + `",1,0]]}`, 0},
		"too long":                   {`{"v":1,"d":[["` + someDelivery + `",1,2,3]]}`, 0},
		"two":                        {`{"v":1,"d":[` + one + `]}{"v":1,"d":[` + one + `]}`, 0},
		"a task of somebody else's":  {"\x08\x01\x12\x04junk", 0},
		"one that is wrong of three": {`{"v":1,"d":[` + one + `,["x",1],` + one + `]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			refs, err := decodeHint([]byte(tc.payload))
			if len(refs) != tc.refs || (err == nil) != (tc.refs > 0) {
				t.Errorf("%d deliveries, %v; want %d", len(refs), err, tc.refs)
			}
		})
	}
}

// FuzzDecodeHint: nothing that is in Redis makes us fall over, and what is
// taken for a hint is one that we could have written.
func FuzzDecodeHint(f *testing.F) {
	f.Add([]byte(`{"v":1,"d":[["` + someDelivery + `",3]]}`))
	f.Add([]byte(`{"v":1,"d":[["` + someDelivery + `",9223372036854775807],["x",null]]}`))
	f.Add([]byte(`{"v":1,"d":null}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		refs, err := decodeHint(payload)
		if err != nil {
			return
		}
		for _, r := range refs {
			if !webhook.ValidID(webhook.PrefixDelivery, string(r.ID)) || r.Generation < 1 {
				t.Errorf("%q gave %+v", payload, r)
			}
		}
		again, err := encodeHint(refs)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeHint(again)
		if err != nil || !slices.Equal(refs, back) {
			t.Errorf("%q became %q: %v", payload, again, err)
		}
		if bytes.Contains(again, []byte("http")) {
			t.Errorf("a hint holds a URL: %q", again)
		}
	})
}

func TestLanes(t *testing.T) {
	for _, tc := range []struct {
		first, page bool
		want        Lane
	}{{true, false, LaneFirst}, {false, false, LaneRetry}, {true, true, LaneExport}, {false, true, LaneExport}} {
		if got := laneFor(tc.first, tc.page); got != tc.want {
			t.Errorf("first %v, page %v: %s, want %s", tc.first, tc.page, got, tc.want)
		}
	}
	for _, l := range lanes {
		if got, ok := laneOfKey("asynq:{" + l.queue() + "}:pending"); !ok || got != l {
			t.Errorf("the lane of %s's key is %q", l, got)
		}
		if n := l.share(1); n != 1 {
			t.Errorf("%s has %d of one slot", l, n)
		}
		if n := l.share(64); n < 1 || n > 64 || (n == 64) != (l == LaneFirst) {
			t.Errorf("%s has %d of 64 slots: only first attempts may take all", l, n)
		}
	}
	for _, key := range []string{"", "asynq:{other}:pending", "asynq:{carteiro-first:pending", "carteiro-first"} {
		if l, ok := laneOfKey(key); ok {
			t.Errorf("%q is a key of lane %q", key, l)
		}
	}
}
