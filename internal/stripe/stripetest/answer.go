package stripetest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v86"
)

// answer is a status and a body, as they may be kept under a key.
type answer struct {
	status   int
	body     []byte
	replayed bool
	fault    Fault // Cut and Hang: the answer does not arrive
}

// stored is what Stripe keeps under an idempotency key.
type stored struct {
	params string
	answer answer
}

// answer lets somebody in, answers, and loses the answer where it is to.
func (f *Fake) answer(handle func(*http.Request) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if !f.takeOff(key) {
			inUse.write(w)
			return
		}
		defer f.land(key)
		got := f.admit(r, handle)
		switch got.fault {
		case Cut:
			panic(http.ErrAbortHandler)
		case Hang:
			select {
			case <-r.Context().Done():
			case <-f.quit:
			}
			panic(http.ErrAbortHandler)
		}
		got.write(w)
	}
}

func (f *Fake) admit(r *http.Request, handle func(*http.Request) answer) answer {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+f.APIKey)) != 1 {
		return refuse(http.StatusUnauthorized, "invalid_request_error", "", "Invalid API Key provided: sk_test_****fake")
	}
	if err := r.ParseForm(); err != nil {
		return refuse(http.StatusBadRequest, "invalid_request_error", "", err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := f.strike(r)
	switch fault {
	case Busy:
		return refuse(http.StatusTooManyRequests, "invalid_request_error", stripe.ErrorCodeRateLimit, "Request rate limit exceeded.")
	case Down:
		return refuse(http.StatusServiceUnavailable, "api_error", "", "Sorry! There was an error while talking to one of our backends.")
	}
	if r.Method == http.MethodPost {
		return f.once(r, fault, handle)
	}
	if fault == Failed || fault == FailedAfter {
		return broken
	}
	got := handle(r)
	got.fault = fault
	return got
}

// once does what was asked under a key one time, and answers alike from then
// on, with failures too.
func (f *Fake) once(r *http.Request, fault Fault, handle func(*http.Request) answer) answer {
	key, params := r.Header.Get("Idempotency-Key"), r.PostForm.Encode()
	if kept, ok := f.keys[key]; ok && key != "" {
		if kept.params != params {
			return refuse(http.StatusBadRequest, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.")
		}
		kept.answer.replayed, kept.answer.fault = true, fault
		return kept.answer
	}
	got := broken
	if fault != Failed {
		got = handle(r)
	}
	if fault == FailedAfter {
		got = broken
	}
	// What is refused before it begins is not kept.
	if got.status != http.StatusNotFound {
		f.keys[key] = stored{params, got}
	}
	got.fault = fault
	return got
}

// takeOff is false while another call with the key is not answered.
func (f *Fake) takeOff(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flying[key] {
		return false
	}
	f.flying[key] = key != ""
	return true
}

func (f *Fake) land(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flying, key)
}

var (
	broken = refuse(http.StatusInternalServerError, "api_error", "", "An unknown error occurred")
	inUse  = refuse(http.StatusConflict, "idempotency_error", stripe.ErrorCodeIdempotencyKeyInUse,
		"There is currently another in-progress request using this Idempotent Key")
)

func refuse(status int, kind stripe.ErrorType, code stripe.ErrorCode, message string) answer {
	body, err := json.Marshal(map[string]any{"error": stripe.Error{Type: kind, Code: code, Msg: message}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return answer{status: status, body: body}
}

func give(object any) answer {
	body, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("stripetest: %T: %v", object, err))
	}
	return answer{status: http.StatusOK, body: body}
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_fake")
	if a.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // who has gone needs no answer
}
