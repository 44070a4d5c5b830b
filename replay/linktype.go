package replay

import (
	"errors"
	"fmt"
)

// ErrLinkType is wrapped by Framer.Frame's error for a link type it can make no
// Ethernet frames of.
var ErrLinkType = errors.New("unsupported link type")

// LinkType is a LINKTYPE_ number (draft-ietf-opsawg-pcaplinktype): what the
// bytes of a packet start with.
type LinkType uint32

// The link types a Framer knows.
const (
	LinkNull     LinkType = 0   // BSD loopback: address family in the capturing host's byte order
	LinkEthernet LinkType = 1   // Ethernet
	LinkRawBSD   LinkType = 12  // raw IP, as some systems number it
	LinkRawOBSD  LinkType = 14  // raw IP, as OpenBSD numbers it
	LinkRaw      LinkType = 101 // raw IP, version 4 or 6
	LinkLoop     LinkType = 108 // OpenBSD loopback: address family in network order
	LinkLinuxSLL LinkType = 113 // Linux cooked capture v1
	LinkIPv4     LinkType = 228 // raw IPv4
	LinkIPv6     LinkType = 229 // raw IPv6
	LinkSLL2     LinkType = 276 // Linux cooked capture v2
)

// linkNames has the link types that captures are likely to have.
var linkNames = map[LinkType]string{
	LinkNull:     "BSD loopback",
	LinkEthernet: "Ethernet",
	6:            "Token Ring",
	7:            "ARCNET",
	8:            "SLIP",
	9:            "PPP",
	10:           "FDDI",
	LinkRawBSD:   "raw IP",
	LinkRawOBSD:  "raw IP",
	50:           "PPP in HDLC framing",
	51:           "PPPoE",
	100:          "ATM, LLC-encapsulated",
	LinkRaw:      "raw IP",
	104:          "Cisco HDLC",
	105:          "IEEE 802.11",
	107:          "Frame Relay",
	LinkLoop:     "OpenBSD loopback",
	LinkLinuxSLL: "Linux cooked v1",
	117:          "OpenBSD pflog",
	119:          "IEEE 802.11 with Prism header",
	127:          "IEEE 802.11 with radiotap header",
	163:          "IEEE 802.11 with AVS header",
	187:          "Bluetooth HCI",
	189:          "USB, Linux",
	192:          "PPI",
	195:          "IEEE 802.15.4",
	201:          "Bluetooth HCI with direction",
	220:          "USB, Linux, padded header",
	227:          "CAN, SocketCAN",
	LinkIPv4:     "raw IPv4",
	LinkIPv6:     "raw IPv6",
	239:          "Linux netfilter log",
	247:          "InfiniBand",
	249:          "USB, USBPcap",
	251:          "Bluetooth Low Energy",
	253:          "Linux netlink",
	LinkSLL2:     "Linux cooked v2",
}

// String returns the name and number: "Ethernet (1)"; "link type 999" for one
// without a known name.
func (l LinkType) String() string {
	if 147 <= l && l <= 162 {
		return fmt.Sprintf("private use %d (%d)", l-147, uint32(l))
	}
	if name, ok := linkNames[l]; ok {
		return fmt.Sprintf("%s (%d)", name, uint32(l))
	}
	return fmt.Sprintf("link type %d", uint32(l))
}
