// Package replay reads recorded inputs so that they can be run through a
// program again.
//
// # Captures
//
// OpenCapture takes any io.Reader, a pipe included, and recognises what it is
// given: classic pcap (microseconds or nanoseconds, either byte order, and the
// variant with longer record headers that old Linux patches wrote), pcapng, and
// either of them packed with gzip. Capture.Next then yields packet by packet.
//
// Memory use does not depend on the length of the capture: one buffer of a
// mebibyte is read into, and a packet's bytes are a part of it. They may be
// written to, as an XDP program would, and are valid until the next packet is
// asked for.
//
// Programs that look at packets expect Ethernet frames. A Framer makes frames of
// the packets of raw IP, Linux cooked and BSD loopback captures.
package replay
