package stripetest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// response is a status and a body. It may be stored under an idempotency key.
type response struct {
	status   int
	body     []byte
	replayed bool
	fault    Fault // Cut and Hang: the response does not arrive
}

// stored is what Stripe keeps under an idempotency key.
type stored struct {
	params   string
	response response
}

// route serves a handler, and loses the response if a fault says so.
func (f *Fake) route(handle func(*http.Request) response) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if !f.acquireKey(key) {
			inUse.write(w, f.now())
			return
		}
		defer f.releaseKey(key)
		got := f.respond(r, handle)
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
		got.write(w, f.now())
	}
}

// respond authenticates a request, injects a fault and calls the handler.
func (f *Fake) respond(r *http.Request, handle func(*http.Request) response) response {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+f.APIKey)) != 1 {
		return failure(http.StatusUnauthorized, "invalid_request_error", "", "Invalid API Key provided: sk_test_****fake")
	}
	if err := r.ParseForm(); err != nil {
		return failure(http.StatusBadRequest, "invalid_request_error", "", err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := f.inject(r)
	switch fault {
	case Busy:
		return failure(http.StatusTooManyRequests, "invalid_request_error", stripe.ErrorCodeRateLimit, "Request rate limit exceeded.")
	case Down:
		return failure(http.StatusServiceUnavailable, "api_error", "", "Sorry! There was an error while talking to one of our backends.")
	}
	if r.Method == http.MethodPost {
		return f.idempotent(r, fault, handle)
	}
	if fault == Failed || fault == FailedAfter {
		return broken
	}
	got := handle(r)
	got.fault = fault
	return got
}

// idempotent calls the handler once per idempotency key, and replays the response from then on, failures included.
func (f *Fake) idempotent(r *http.Request, fault Fault, handle func(*http.Request) response) response {
	key, params := r.Header.Get("Idempotency-Key"), r.URL.Path+"?"+r.PostForm.Encode()
	inAccount := key + " " + r.Header.Get("Stripe-Account") // accounts do not share keys
	f.judgeKey(key, inAccount, params)
	if kept, ok := f.keys[inAccount]; ok && key != "" {
		if kept.params != params {
			return failure(http.StatusBadRequest, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.")
		}
		kept.response.replayed, kept.response.fault = true, fault
		return kept.response
	}
	got := broken
	if fault != Failed {
		got = handle(r)
	}
	if fault == FailedAfter {
		got = broken
	}
	// Requests that fail before they begin are not stored.
	if got.status != http.StatusNotFound {
		f.keys[inAccount] = stored{params, got}
	}
	got.fault = fault
	return got
}

// judgeKey records a key that was used with two bodies, however long ago the first use was.
func (f *Fake) judgeKey(key, inAccount, params string) {
	if before, ok := f.bodies[inAccount]; ok && before != params {
		f.wrong = append(f.wrong, fmt.Sprintf("key %s came with two bodies: %s and %s", key, before, params))
	} else if key != "" {
		f.bodies[inAccount] = params
	}
}

// acquireKey reports whether no other call with the key is in flight.
func (f *Fake) acquireKey(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inFlight[key] {
		return false
	}
	f.inFlight[key] = key != ""
	return true
}

func (f *Fake) releaseKey(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.inFlight, key)
}

var (
	broken = failure(http.StatusInternalServerError, "api_error", "", "An unknown error occurred")
	inUse  = failure(http.StatusConflict, "idempotency_error", stripe.ErrorCodeIdempotencyKeyInUse,
		"There is currently another in-progress request using this Idempotent Key")
)

func failure(status int, kind stripe.ErrorType, code stripe.ErrorCode, message string) response {
	body, err := json.Marshal(map[string]any{"error": stripe.Error{Type: kind, Code: code, Msg: message}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return response{status: status, body: body}
}

func success(object any) response {
	body, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("stripetest: %T: %v", object, err))
	}
	return response{status: http.StatusOK, body: body}
}

func (r response) write(w http.ResponseWriter, now time.Time) {
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_fake")
	if r.replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // the client may have gone
}
