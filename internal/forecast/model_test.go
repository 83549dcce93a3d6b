package forecast

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// moment is what happens at a moment of a simulated day.
type moment struct {
	at time.Duration
	do func(at time.Duration)
}

type agenda []moment

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(moment)) } //nolint:errcheck,forcetypeassert // there is nothing else
func (a *agenda) Pop() any          { l := (*a)[len(*a)-1]; *a = (*a)[:len(*a)-1]; return l }

// day is a marketplace with a rush in the evening.
type day struct {
	dice   *rand.Rand
	agenda agenda
	queue  []int // customers, by their number
	free   int   // mechanics
	staff  int
	model  *model
	began  []time.Duration
	rows   []outcome
}

// outcome is one wait beside what was said when it began.
type outcome struct {
	wait     time.Duration
	left     bool
	p50, p90 time.Duration
}

var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func (d *day) in(at time.Duration, do func(time.Duration)) { heap.Push(&d.agenda, moment{at, do}) }

func (d *day) exp(mean time.Duration) time.Duration {
	return time.Duration(d.dice.ExpFloat64() * float64(mean))
}

// arrivals an hour, and mechanics, by hour.
func demand(h int) (perHour float64, staff int) {
	switch {
	case h < 6:
		return 4, 3
	case h < 16:
		return 14, 7
	case h < 20:
		return 70, 14
	}
	return 16, 8
}

func simulate(seed uint64) []outcome {
	d := &day{dice: rand.New(rand.NewPCG(seed, 1)), model: newModel()}
	for h := range 24 {
		d.in(time.Duration(h)*time.Hour, func(at time.Duration) {
			_, staff := demand(h)
			d.free += staff - d.staff
			d.staff = staff
			d.look(at)
		})
	}
	d.in(0, d.arrive)
	for d.agenda.Len() > 0 {
		h := heap.Pop(&d.agenda).(moment) //nolint:errcheck,forcetypeassert // there is nothing else
		h.do(h.at)
	}
	return d.rows
}

func (d *day) arrive(at time.Duration) {
	if at >= 24*time.Hour {
		return
	}
	perHour, _ := demand(int(at / time.Hour))
	d.in(at+d.exp(time.Duration(float64(time.Hour)/perHour)), d.arrive)
	id := len(d.rows)
	d.model.pass(midnight.Add(at))
	p50, p90, _ := d.model.quantiles(len(d.queue) + 1)
	d.model.begins(strconv.Itoa(id), midnight.Add(at))
	d.began = append(d.began, at)
	d.queue = append(d.queue, id)
	d.rows = append(d.rows, outcome{p50: p50, p90: p90})
	d.in(at+min(15*time.Minute, d.exp(40*time.Minute)), func(now time.Duration) { // leaves, or its time is over
		if i := slices.Index(d.queue, id); i >= 0 {
			d.queue = slices.Delete(d.queue, i, i+1)
			d.done(id, now, true)
			d.model.ends(strconv.Itoa(id), midnight.Add(now))
		}
	})
	d.in(at+5*time.Second+d.exp(25*time.Second), d.look)
}

func (d *day) done(id int, now time.Duration, left bool) {
	d.rows[id].wait, d.rows[id].left = now-d.began[id], left
}

// look is a free mechanic who takes the first one.
func (d *day) look(at time.Duration) {
	if d.free <= 0 || len(d.queue) == 0 {
		return
	}
	id := d.queue[0]
	d.queue = d.queue[1:]
	d.free--
	d.done(id, at, false)
	d.model.accepts(strconv.Itoa(id), midnight.Add(at))
	took := time.Duration(math.Exp(d.dice.NormFloat64()*.5+math.Log(15)) * float64(time.Minute))
	d.in(at+took, func(now time.Duration) {
		d.free++
		d.model.ends(strconv.Itoa(id), midnight.Add(now))
		d.in(now+3*time.Second+d.exp(20*time.Second), d.look)
	})
}

// Of days that nobody has seen before, with a rush in which many leave: half of the customers wait at most as long as the
// first figure said, and nine of ten as the second, within 5 %. Whoever left would have waited longer. The first figure is far
// closer than the median of the whole day, which nobody could know before.
func TestForecastsComeTrue(t *testing.T) {
	t.Parallel()
	dice := seed.Dice(seed.New(t), "days")
	days := effort.Of(0, 6, 60)
	var half, most []lesson
	var errs, constants []float64
	for range days {
		day := simulate(dice.Uint64())
		var waits []lesson
		for _, o := range day {
			waits = append(waits, lesson{share: o.wait.Seconds(), left: o.left})
		}
		median := survival(waits)(.5)
		for _, o := range day {
			if o.p50 == 0 {
				continue
			}
			half = append(half, lesson{share: o.wait.Seconds() / o.p50.Seconds(), left: o.left})
			most = append(most, lesson{share: o.wait.Seconds() / o.p90.Seconds(), left: o.left})
			if !o.left {
				errs = append(errs, math.Abs(o.wait.Seconds()-o.p50.Seconds()))
				constants = append(constants, math.Abs(o.wait.Seconds()-median))
			}
		}
	}
	slices.Sort(errs)
	slices.Sort(constants)
	in50, in90, ratio := reached(half), reached(most), errs[len(errs)/2]/constants[len(constants)/2]
	t.Logf("%d forecasts on %d days: %.1f %% within P50, %.1f %% within P90; median error %.0f s, %.2f of the constant's", len(half), days, 100*in50, 100*in90, errs[len(errs)/2], ratio)
	if math.Abs(in50-.5) > .05 || math.Abs(in90-.9) > .05 || ratio > .7 || len(half) < 400*days {
		t.Error("that is not what was promised")
	}
}

// reached is the share of those who waited at most what was said, by Kaplan and Meier.
func reached(all []lesson) float64 {
	slices.SortFunc(all, func(a, b lesson) int {
		if a.share < b.share {
			return -1
		}
		return 1
	})
	stay := 1.0
	for i, l := range all {
		if l.share > 1 {
			break
		}
		if !l.left {
			stay *= 1 - 1/float64(len(all)-i)
		}
	}
	return 1 - stay
}
