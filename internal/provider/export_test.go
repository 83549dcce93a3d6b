package provider

// Types lists the types of events that are read.
func Types() []string {
	var all []string
	for _, s := range subjects {
		all = append(all, s.name)
	}
	return all
}
