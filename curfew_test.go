package curfew_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestAKindIsAnErrorThatIsFoundThroughWrapping(t *testing.T) {
	t.Parallel()
	for _, k := range curfew.Kinds() {
		err := fmt.Errorf("admit %s: %w", "r1", curfew.Errorf(k, "of kind %s", k))
		if !errors.Is(err, k) || curfew.KindOf(err) != k {
			t.Errorf("%v is not found in %v", k, err)
		}
	}
	if k := curfew.KindOf(errors.New("a driver's")); k != curfew.Internal {
		t.Errorf("an error without a kind is %s, want internal", k)
	}
	if errors.Is(curfew.Errorf(curfew.Conflict, "x"), curfew.NotFound) {
		t.Error("a conflict passes for not found")
	}
}

func TestNothingLeavesAnEndedStatus(t *testing.T) {
	t.Parallel()
	for _, tr := range curfew.Transitions() {
		if tr.From.Ended() {
			t.Errorf("%s → %s leaves an ended status", tr.From, tr.To)
		}
	}
	for _, s := range curfew.SessionStatuses() {
		if s.Ended() && s.Open() {
			t.Errorf("%s is ended and holds a slot", s)
		}
		reached := false
		for _, tr := range curfew.Transitions() {
			reached = reached || tr.To == s && tr.From != s
		}
		if !reached {
			t.Errorf("no transition reaches %s", s)
		}
	}
	for _, from := range curfew.SessionStatuses() {
		for _, to := range curfew.SessionStatuses() {
			listed := slices.ContainsFunc(curfew.Transitions(), func(tr curfew.Transition) bool { return tr.From == from && tr.To == to })
			if curfew.Legal(from, to) != listed {
				t.Errorf("%s → %s: legal %t, in the list %t", from, to, !listed, listed)
			}
		}
	}
	if curfew.Legal(curfew.Waiting, curfew.Completed) {
		t.Error("a session that was never live may not be completed (lesson 12)")
	}
}

func TestAtTheExactDeadlineASessionIsStillGood(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	s := curfew.Session{Status: curfew.Waiting, ExpiresAt: at}
	if s.Overdue(at) {
		t.Error("overdue at its deadline")
	}
	if !s.Overdue(at.Add(time.Microsecond)) {
		t.Error("not overdue a microsecond after its deadline")
	}
	s.Status = curfew.Cancelled
	if s.Overdue(at.Add(time.Hour)) {
		t.Error("an ended session is overdue")
	}
}

func TestDeadlinesComeFromThePolicy(t *testing.T) {
	t.Parallel()
	p := curfew.DefaultPolicy()
	p.Plans["patient"] = curfew.Plan{Kind: curfew.Chat, Duration: time.Hour, WaitingTTL: 40 * time.Minute}
	p.Plans["endless"] = curfew.Plan{Kind: curfew.Chat, Duration: time.Hour, WaitingTTL: 2 * time.Hour}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for sentence, c := range map[string]struct {
		deadline curfew.Deadline
		in       time.Duration
	}{
		"a new session waits waiting_ttl":                      {p.WaitingDeadline("chat10", time.Time{}), 15 * time.Minute},
		"its plan may say otherwise":                           {p.WaitingDeadline("patient", time.Time{}), 40 * time.Minute},
		"but none waits past max_wait":                         {p.WaitingDeadline("endless", time.Time{}), time.Hour},
		"released early it waits anew":                         {p.WaitingDeadline("chat10", now.Add(-10*time.Minute)), 15 * time.Minute},
		"released late it never waits past max_wait":           {p.WaitingDeadline("chat10", now.Add(-50*time.Minute)), 10 * time.Minute},
		"released after max_wait it is overdue at once":        {p.WaitingDeadline("chat10", now.Add(-70*time.Minute)), -10 * time.Minute},
		"accepted its mechanic must join in join_offer":        {p.JoinDeadline("chat10"), 3 * time.Minute},
		"live it has what was bought, extensions, and a grace": {p.LiveDeadline(45 * time.Minute), 60 * time.Minute},
	} {
		if got := c.deadline.At(now).Sub(now); got != c.in {
			t.Errorf("%s: in %s, want %s", sentence, got, c.in)
		}
	}
}

func TestFiguresOfACleanupAddUpToItsTotal(t *testing.T) {
	t.Parallel()
	var s curfew.Stats
	s.Count(curfew.OldWaiting, true)
	s.Count(curfew.Orphans, false)
	s.Count(curfew.NoShows, true)
	s.Count(curfew.Overruns, true)
	s.Count(curfew.Misses, false)
	want := curfew.Stats{
		OldWaitingSessions: 1, ExpiredRequests: 1, OrphanedSessions: 1, NoShows: 2, Overran: 2, ScheduledMissed: 1,
		TotalCleaned: 8,
	}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	s.Add(want)
	if s.TotalCleaned != 16 || s.NoShows != 4 {
		t.Errorf("added: %+v", s)
	}
}

func TestRulesAreNamedAsInTheFigures(t *testing.T) {
	t.Parallel()
	got, err := curfew.ParseRules([]string{"expiredRequests", "oldWaitingSessions", "noShows"})
	if err != nil || len(got) != 2 || got[0] != curfew.OldWaiting || got[1] != curfew.NoShows {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = curfew.ParseRules([]string{"everything"})
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "noShows") {
		t.Errorf("an unknown rule: %v", err)
	}
}

func TestWhatIsOwedFollowsThePolicy(t *testing.T) {
	t.Parallel()
	p := curfew.DefaultPolicy()
	p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.Expired: curfew.Refund, curfew.NoShow: curfew.Forfeit}
	came := curfew.Session{CustomerJoinedAt: time.Unix(1, 0)}
	missed := curfew.Session{MechanicJoinedAt: time.Unix(1, 0)}
	free := curfew.Session{Plan: "free", MechanicJoinedAt: time.Unix(1, 0)}
	for sentence, c := range map[string]struct {
		session curfew.Session
		to      curfew.SessionStatus
		reason  curfew.EndReason
		want    curfew.Outcome
	}{
		"completed stays paid":                             {came, curfew.Completed, curfew.Finished, curfew.Fulfilled},
		"by reason a refund":                               {came, curfew.Cancelled, curfew.Expired, curfew.RefundDue},
		"a reason nobody mentions is credited":             {came, curfew.Cancelled, curfew.Cleared, curfew.Credited},
		"a customer who never came forfeits":               {missed, curfew.Cancelled, curfew.NoShow, curfew.Forfeited},
		"where the mechanic did not come either, nobody":   {curfew.Session{}, curfew.Cancelled, curfew.NoShow, curfew.Credited},
		"nothing free is refunded":                         {free, curfew.Cancelled, curfew.Expired, curfew.Credited},
		"nothing free is forfeited":                        {free, curfew.Cancelled, curfew.NoShow, curfew.Credited},
		"one who came and met nobody does not (lesson 21)": {came, curfew.Cancelled, curfew.NoShow, curfew.Credited},
	} {
		if got := p.Owed(c.session, c.to, c.reason); got != c.want {
			t.Errorf("%s: %s, want %s", sentence, got, c.want)
		}
	}
}

func TestWhatIsGivenBackOfAnAppointmentFollowsTheTimeLeft(t *testing.T) {
	t.Parallel()
	p := curfew.DefaultPolicy()
	for sentence, c := range map[string]struct {
		left    time.Duration
		owed    curfew.Outcome
		percent int
	}{
		"a week before all":              {7 * 24 * time.Hour, curfew.RefundDue, 100},
		"a day before to the dot all":    {24 * time.Hour, curfew.RefundDue, 100},
		"a moment later half":            {24*time.Hour - time.Microsecond, curfew.RefundDue, 50},
		"two hours before half":          {2 * time.Hour, curfew.RefundDue, 50},
		"less than that before nothing":  {2*time.Hour - time.Microsecond, curfew.Forfeited, 0},
		"at its start nothing":           {0, curfew.Forfeited, 0},
		"past its start nothing of this": {-time.Hour, curfew.Forfeited, 0},
	} {
		for range 2 { // whatever the order of the shares
			if owed, percent := p.OwedBefore(c.left); owed != c.owed || percent != c.percent {
				t.Errorf("%s: %s %d, want %s %d", sentence, owed, percent, c.owed, c.percent)
			}
			slices.Reverse(p.AppointmentRefund)
		}
	}
}

func TestASecondChanceLiesBehindTheStart(t *testing.T) {
	t.Parallel()
	p := curfew.DefaultPolicy()
	start := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	for _, late := range []time.Duration{0, time.Minute, 24 * time.Hour} {
		if at := p.SecondChance(start).At(start.Add(late)); !at.Equal(start.Add(15 * time.Minute)) {
			t.Errorf("%s late: %s", late, at)
		}
	}
	p.ScheduledGrace = 0
	s := curfew.Session{Status: curfew.Scheduled, StartsAt: start, ExpiresAt: p.SecondChance(start).At(start)}
	if !s.Postponed() {
		t.Error("without grace it is never at its second chance")
	}
}

func TestAPolicyThatCannotBeIsRefusedByName(t *testing.T) {
	t.Parallel()
	for word, corrupt := range map[string]func(*curfew.Policy){
		"waiting_ttl":          func(p *curfew.Policy) { p.WaitingTTL = 0 },
		"join_ttl":             func(p *curfew.Policy) { p.JoinTTL = -time.Second },
		"live_grace":           func(p *curfew.Policy) { p.LiveGrace = -1 },
		"blocked_repeatedly":   func(p *curfew.Policy) { p.BlockedRepeatedly = 0 },
		"within some time":     func(p *curfew.Policy) { p.FreeCancelsWindow = 0 },
		"from 1 to 100":        func(p *curfew.Policy) { p.FreeCancels = 101 },
		"not -1":               func(p *curfew.Policy) { p.FreeCancels = -1 },
		"settle.cleared":       func(p *curfew.Policy) { p.Settle = map[curfew.EndReason]curfew.Settlement{"cleared": "forfeit"} },
		"unknown reason":       func(p *curfew.Policy) { p.Settle = map[curfew.EndReason]curfew.Settlement{"bored": "credit"} },
		"each time before":     func(p *curfew.Policy) { p.AppointmentRefund = []curfew.RefundShare{{time.Hour, 1}, {time.Hour, 2}} },
		"0 to 100 percent":     func(p *curfew.Policy) { p.AppointmentRefund = []curfew.RefundShare{{time.Hour, 101}} },
		"at least one plan":    func(p *curfew.Policy) { p.Plans = nil },
		"plan talk: kind":      func(p *curfew.Policy) { p.Plans["talk"] = curfew.Plan{Kind: "talk", Duration: time.Hour} },
		"plan blink: duration": func(p *curfew.Policy) { p.Plans["blink"] = curfew.Plan{Kind: curfew.Chat} },
	} {
		p := curfew.DefaultPolicy()
		corrupt(&p)
		err := p.Validate()
		if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
	if err := curfew.DefaultPolicy().Validate(); err != nil {
		t.Errorf("the default policy: %v", err)
	}
}

func TestIdsAreOpaqueTextWithinLimits(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"c1", "käufer@example", strings.Repeat("x", 128), "'; DROP TABLE--", "{{.}}"} {
		if err := curfew.CheckID("customerId", good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", strings.Repeat("x", 129), "a\nb", "a\x00b", "\xff", "a\u0085b", " ", curfew.Nobody, "a\u202eb", "a\u200bb",
		"a\ufe0f", "a\U000e0101", "a\u180b", "a\u034f", "a\u1160", "a\u17b4", "a\u2065", "a\u2800", "a\u3164", "a\uffa0", "a\ufff0", "a\U000e0fff",
	} {
		if err := curfew.CheckID("customerId", bad); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%q is accepted: %v", bad, err)
		}
	}
}
