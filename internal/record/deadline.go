package record

import (
	"math"
	"time"
)

// NoDeadline is how far ahead an unset deadline lies.
const NoDeadline time.Duration = math.MaxInt64
