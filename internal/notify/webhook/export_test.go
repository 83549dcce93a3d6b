package webhook

// Messages returns the bodies of webhooks about a session and about a payment.
func Messages() map[string]string { return sent }
