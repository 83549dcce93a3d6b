package httpapi

import "net/http"

// answered is what a handler returns.
type response[T any] struct {
	Status int
	Body   T
}

func okay[T any](body T, err error) (*response[T], error) {
	return &response[T]{http.StatusOK, body}, err
}

// idInput is the input of a route with nothing but the {id} in its path.
type idInput struct {
	ID string `path:"id"`
}
