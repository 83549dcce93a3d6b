// Package privacy exports the data held about a customer, and erases what is personal in it:
// names, addresses, metadata and what people wrote. The history and the books stay, and stay
// true. It knows neither SQL nor HTTP.
package privacy
