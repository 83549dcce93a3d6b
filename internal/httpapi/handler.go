package httpapi

import "net/http"

// answered is what a handler returns.
type answered[T any] struct {
	Status int
	Body   T
}

func okay[T any](body T, err error) (*answered[T], error) {
	return &answered[T]{http.StatusOK, body}, err
}

// named is the input of a route with nothing but the {id} in its path.
type named struct {
	ID string `path:"id"`
}
