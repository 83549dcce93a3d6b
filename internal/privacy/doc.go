// Package privacy exports what is held of a customer, and erases what is personal in it: names,
// addresses, metadata and what people wrote. The history and the books stay, and stay true. It
// knows neither SQL nor HTTP.
package privacy
