package record

import (
	"math"
	"time"
)

// NoDeadline is how far ahead a deadline lies that was not set.
const NoDeadline time.Duration = math.MaxInt64
