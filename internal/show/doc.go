// Package show turns what programs produce into text and JSON: values by their
// types, numbers with units, tables. The commands share it, so that a map looks
// the same wherever it comes from.
package show
