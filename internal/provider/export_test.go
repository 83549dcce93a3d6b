package provider

// Types lists the types of events that are read.
var Types = typeNames
